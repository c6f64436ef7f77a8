import type { Container, Probe } from 'kubernetes-types/core/v1.d.ts';
import type { ContainerRun } from './container-run.ts';
import { execToEnd } from './container-run.ts';
import type { PodContext } from './pod-context.ts';
import type { Action, ActionResult } from './probe-action.ts';
import { runAction } from './probe-action.ts';
import { probeLoop } from './probe-loop.ts';

/** What the owner of a run hears about its health. */
export interface HealthListeners {
  /** The startup probe has passed. */
  readonly onStarted: () => void;
  readonly onReady: (ready: boolean) => void;
  /** The container must be ended: a hook or a probe has failed. */
  readonly onSick: () => void;
}

/** How long a postStart hook may take, ms. */
const POST_START_TIMEOUT = 30_000;

/** Runs the postStart hook of a run and then its probes, until the run is over. */
export async function watchOver(
  run: ContainerRun,
  spec: Container,
  context: PodContext,
  listeners: HealthListeners,
): Promise<void> {
  const { signal } = run.over;
  const { lifecycle, startupProbe, livenessProbe, readinessProbe, name } = spec;
  if (lifecycle?.postStart !== undefined) {
    const result = await act(lifecycle.postStart, run, spec, context, POST_START_TIMEOUT);
    if (signal.aborted) return;
    if (!result.ok) {
      context.event('Warning', 'FailedPostStartHook', `PostStartHook failed: ${result.message}`);
      return listeners.onSick();
    }
  }
  const probe = (kind: string, wanted: Probe, onChange: (passing: boolean) => void, until = signal): void => {
    const timeoutMs = (wanted.timeoutSeconds ?? 1) * 1000;
    const onFailure = (message: string): void =>
      context.event('Warning', 'Unhealthy', `${kind} probe failed: ${message}`);
    const once = (): Promise<ActionResult> => act(wanted, run, spec, context, timeoutMs);
    void probeLoop(wanted, once, { onChange, onFailure }, until, { eagerStart: kind === 'Readiness' });
  };
  const restart = (kind: string): void => {
    context.event('Normal', 'Killing', `Container ${name} failed ${kind} probe, will be restarted`);
    listeners.onSick();
  };
  const afterStart = (): void => {
    if (livenessProbe !== undefined) probe('Liveness', livenessProbe, (passing) => passing || restart('liveness'));
    if (readinessProbe !== undefined) probe('Readiness', readinessProbe, listeners.onReady);
  };
  if (startupProbe === undefined) return afterStart();
  const started = new AbortController();
  const onStartup = (passing: boolean): void => {
    started.abort();
    if (!passing) return restart('startup');
    listeners.onStarted();
    afterStart();
  };
  probe('Startup', startupProbe, onStartup, AbortSignal.any([signal, started.signal]));
}

/** Carries out a hook or one probe in a run. */
export function act(
  action: Action,
  run: ContainerRun,
  container: Container,
  context: PodContext,
  timeoutMs: number,
): Promise<ActionResult> {
  return runAction(action, {
    container,
    podIp: context.live().podIps[0] ?? '',
    exec: (command, limit) => execToEnd(run, command, limit),
    timeoutMs,
  });
}
