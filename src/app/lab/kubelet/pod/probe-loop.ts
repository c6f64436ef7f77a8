import type { Probe } from 'kubernetes-types/core/v1.d.ts';
import { pause } from '../../../../host/kube-client/pause.ts';
import type { ActionResult } from './probe-action.ts';

/**
 * Probes again and again until the signal aborts. `onChange` hears the first result and every change of the verdict
 * after enough results in a row; `onFailure` every single failure.
 */
export async function probeLoop(
  probe: Probe,
  run: () => Promise<ActionResult>,
  listeners: {
    readonly onChange: (passing: boolean, message: string) => void;
    readonly onFailure: (message: string) => void;
  },
  signal: AbortSignal,
  options: { readonly eagerStart: boolean } = { eagerStart: false },
): Promise<void> {
  const { initialDelaySeconds = 0, periodSeconds = 10, successThreshold = 1, failureThreshold = 3 } = probe;
  await pause(initialDelaySeconds * 1000, signal);
  let verdict: boolean | undefined;
  let last: boolean | undefined;
  let inRow = 0;
  while (!signal.aborted) {
    const result = await run();
    if (signal.aborted) return;
    inRow = result.ok === last ? inRow + 1 : 1;
    last = result.ok;
    const message = result.ok ? '' : result.message;
    if (!result.ok) listeners.onFailure(message);
    if (result.ok !== verdict && inRow >= (result.ok ? successThreshold : failureThreshold)) {
      verdict = result.ok;
      listeners.onChange(verdict, message);
    }
    // Real kubelets wait a whole period for the next try; a lab is watched, so readiness is found out sooner.
    const period = options.eagerStart && verdict !== true ? Math.min(periodSeconds, 1) : periodSeconds;
    await pause(period * 1000, signal);
  }
}
