import type { Container, ContainerState, ContainerStatus } from 'kubernetes-types/core/v1.d.ts';
import { SluiceError, hasCode, messageOf } from '../../../../base/errors.ts';
import type { LogFile } from '../../../../host/container/log-file.ts';
import type { ContainerProcess, ExitStatus } from '../../../../host/container/process.ts';
import { outputEnd } from '../../../../host/container/process.ts';
import { pause } from '../../../../host/kube-client/pause.ts';
import type { ImageProgram } from '../../images/image.ts';
import { resolveImage } from '../../images/resolve-image.ts';
import { act, watchOver } from './container-health.ts';
import type { ContainerRun } from './container-run.ts';
import { runLogPath, startRun } from './container-run.ts';
import type { PodContext } from './pod-context.ts';
import { hearsSigterm, terminationMessage } from './termination.ts';
import type { ContainerRole } from './types.ts';
import { utcSeconds } from './utc-seconds.ts';

/** First and longest wait before a container that ended is started again, ms. Real kubelets: 10 s to 5 min. */
const BACKOFF_FIRST = 1000;
const BACKOFF_LONGEST = 10_000;
/** A run of this length, ms, clears the record of failures. */
const HEALTHY_RUN = 60_000;

/** Runs one container of a pod, again and again where the restart policy says so, and knows its status. */
export class ContainerRunner {
  readonly spec: Container;
  readonly role: ContainerRole;
  readonly #context: PodContext;
  readonly #image: ImageProgram;
  readonly #stopping = new AbortController();
  #run: ContainerRun | undefined;
  #state: ContainerState;
  #lastState: ContainerState = {};
  #ready = false;
  #started = false;
  #restarts = 0;
  /** Id of the latest run; empty before the first. */
  #id = '';

  constructor(spec: Container, role: ContainerRole, context: PodContext) {
    this.spec = spec;
    this.role = role;
    this.#context = context;
    this.#image = imageOf(spec, context);
    const afterOthers = role !== 'app' || (context.pod.spec.initContainers ?? []).length > 0;
    this.#state = { waiting: { reason: afterOthers ? 'PodInitializing' : 'ContainerCreating' } };
  }

  get process(): ContainerProcess | undefined {
    return this.#run?.process;
  }

  /** Whether the container runs and has passed its startup probe, if it has one. */
  get started(): boolean {
    return this.#started;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Exit code of the last run while nothing runs and no further run is being waited for. */
  get exitCode(): number | undefined {
    return this.#state.terminated?.exitCode;
  }

  status(): ContainerStatus {
    const { spec } = this;
    return {
      name: spec.name,
      image: spec.image ?? '',
      imageID: `sluice-lab://${this.#image.kind}`,
      ...(this.#id === '' ? {} : { containerID: `sluice://${this.#id}` }),
      ready: this.role === 'init' ? this.exitCode === 0 : this.#ready,
      started: this.#started,
      restartCount: this.#restarts,
      state: this.#state,
      lastState: this.#lastState,
    };
  }

  /** Path of the log of the current run, or of the one before; undefined when there was none. */
  logPath(previous: boolean): string | undefined {
    const index = this.#restarts - (previous ? 1 : 0);
    return index < 0 || this.#id === '' ? undefined : runLogPath(this.#context, this.spec.name, index);
  }

  /** The log that is being written, for following. */
  get liveLog(): LogFile | undefined {
    return this.#run?.log;
  }

  /** Takes the output that nobody has seen yet; later output is not kept. */
  takeBacklog(): Buffer {
    return this.#run?.takeBacklog() ?? Buffer.alloc(0);
  }

  /** Starts a further process in the running container. Throws `not-found` when it does not run. */
  exec(command: readonly string[], options: { readonly stdin: boolean; readonly tty: boolean }): ContainerProcess {
    if (this.#run === undefined) throw new SluiceError('not-found', `container not running: ${this.spec.name}`);
    return this.#run.exec(command, options);
  }

  /** Runs until the container has ended for good or `stop` was called. */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    let backoff = 0;
    while (!signal.aborted) {
      const begun = performance.now();
      const code = await this.#runOnce();
      if (signal.aborted || !this.#restartsAfter(code)) return;
      if (performance.now() - begun > HEALTHY_RUN) backoff = 0;
      const wait = Math.min(BACKOFF_LONGEST, BACKOFF_FIRST * 2 ** backoff++);
      if (code !== undefined) this.#holdBack(wait);
      await pause(wait, signal);
      if (!signal.aborted && code !== undefined) this.#restarts++;
    }
  }

  /** Ends the container: preStop hook, SIGTERM, and SIGKILL after `graceSeconds`. Resolves when it has ended. */
  async stop(graceSeconds: number): Promise<void> {
    this.#stopping.abort();
    const run = this.#run;
    if (run === undefined) return this.#endWaiting();
    this.#context.event('Normal', 'Killing', `Stopping container ${this.spec.name}`);
    await this.#terminate(run, graceSeconds);
  }

  /** Ends the container at once. */
  kill(): void {
    this.#stopping.abort();
    this.#run?.process.kill('SIGKILL');
  }

  /** `code` is undefined for a run that could not begin. */
  #restartsAfter(code: number | undefined): boolean {
    const policy = this.#context.pod.spec.restartPolicy ?? 'Always';
    // What it lacks may still come, whatever the policy.
    if (this.role === 'sidecar' || code === undefined) return true;
    if (this.role === 'init') return code !== 0 && policy !== 'Never';
    return policy === 'Always' || (policy === 'OnFailure' && code !== 0);
  }

  /** Resolves to the exit code of the run, or undefined when it could not begin. */
  async #runOnce(): Promise<number | undefined> {
    const { spec } = this;
    let run: ContainerRun;
    try {
      run = await startRun({ spec, image: this.#image, index: this.#restarts }, this.#context);
    } catch (error) {
      return this.#cannotStart(error);
    }
    this.#begin(run);
    const exit = await run.process.exit;
    await outputEnd(run.process);
    this.#end(run, exit);
    return exit.code;
  }

  #begin(run: ContainerRun): void {
    const { spec } = this;
    this.#run = run;
    this.#id = run.id;
    this.#state = { running: { startedAt: run.startedAt } };
    this.#started = spec.startupProbe === undefined;
    this.#setReady(run, this.#started && spec.readinessProbe === undefined);
    this.#context.event('Normal', 'Pulled', `Container image "${spec.image}" already present on machine`);
    this.#context.event('Normal', 'Created', `Created container: ${spec.name}`);
    this.#context.event('Normal', 'Started', `Started container ${spec.name}`);
    this.#context.changed();
    // It was stopped while it started.
    if (this.#stopping.signal.aborted) return void run.process.kill('SIGKILL');
    void watchOver(run, spec, this.#context, {
      onStarted: () => {
        this.#started = true;
        if (spec.readinessProbe === undefined) this.#setReady(run, true);
        this.#context.changed();
      },
      onReady: (ready) => this.#setReady(run, ready),
      // Whatever keeps it from ending in peace, it ends.
      onSick: () =>
        void this.#terminate(run, this.#context.pod.spec.terminationGracePeriodSeconds ?? 30).catch(() =>
          run.process.kill('SIGKILL'),
        ),
    });
  }

  #setReady(run: ContainerRun, ready: boolean): void {
    if (this.#run !== run || this.#ready === ready) return;
    this.#ready = ready;
    this.#context.changed();
  }

  async #terminate(run: ContainerRun, graceSeconds: number): Promise<void> {
    run.over.abort();
    const { process } = run;
    const deadline = pause(graceSeconds * 1000, this.#context.hurry);
    const preStop = this.spec.lifecycle?.preStop;
    if (preStop !== undefined && graceSeconds > 0) {
      const hook = act(preStop, run, this.spec, this.#context, graceSeconds * 1000);
      await Promise.race([hook, deadline, process.exit]);
    }
    process.kill(graceSeconds > 0 && hearsSigterm(process.pid) ? 'SIGTERM' : 'SIGKILL');
    await Promise.race([process.exit, deadline]);
    process.kill('SIGKILL');
    await process.exit;
  }

  #end(run: ContainerRun, exit: ExitStatus): void {
    run.over.abort();
    run.process.stdout.destroy();
    run.process.stderr?.destroy();
    run.log[Symbol.dispose]();
    this.#run = undefined;
    this.#ready = false;
    this.#started = false;
    const message = terminationMessage({ terminationLog: run.terminationLog, log: run.log.path }, this.spec, exit);
    this.#state = {
      terminated: {
        exitCode: exit.code,
        reason: exit.code === 0 ? 'Completed' : 'Error',
        startedAt: run.startedAt,
        finishedAt: utcSeconds(),
        containerID: `sluice://${run.id}`,
        ...(message === '' ? {} : { message }),
      },
    };
    this.#context.changed();
  }

  #cannotStart(error: unknown): number | undefined {
    const message = messageOf(error);
    const hasStarted = hasCode(error, 'start-failed');
    if (hasStarted) {
      this.#context.event('Warning', 'Failed', `Error: failed to start container "${this.spec.name}": ${message}`);
      const now = utcSeconds();
      this.#state = {
        terminated: { exitCode: START_ERROR, reason: 'StartError', message, startedAt: now, finishedAt: now },
      };
    } else {
      const reason = hasCode(error, 'config-missing') ? 'CreateContainerConfigError' : 'CreateContainerError';
      this.#context.event('Warning', 'Failed', `Error: ${message}`);
      this.#state = { waiting: { reason, message } };
    }
    this.#context.changed();
    return hasStarted ? START_ERROR : undefined;
  }

  /** Between two runs. */
  #holdBack(wait: number): void {
    const { name } = this.spec;
    const { pod } = this.#context;
    this.#lastState = this.#state;
    const message = `back-off ${Math.round(wait / 1000)}s restarting failed container=${name} pod=${pod.name}_${pod.namespace}(${pod.uid})`;
    this.#state = { waiting: { reason: 'CrashLoopBackOff', message } };
    this.#context.event('Warning', 'BackOff', `Back-off restarting failed container ${name} in pod ${pod.name}`);
    this.#context.changed();
  }

  /** The pod ends while no run is under way: what remains is the last run, or that there was none. */
  #endWaiting(): void {
    if (this.#state.waiting === undefined) return;
    const last = this.#lastState.terminated;
    this.#state = {
      terminated: last ?? { exitCode: 137, reason: 'ContainerStatusUnknown', message: 'The container never ran' },
    };
  }
}

/** Exit code of a container whose command cannot be executed, as container runtimes report it. */
const START_ERROR = 128;

function imageOf(spec: Container, { config, pod }: PodContext): ImageProgram {
  return resolveImage(spec.image ?? '', {
    podName: pod.name,
    podNamespace: pod.namespace,
    containerName: spec.name,
    ports: (spec.ports ?? []).map(({ containerPort, protocol = 'TCP' }) => ({ protocol, port: containerPort })),
    repository: config.repository,
    node: config.node,
    busybox: config.busybox,
    applets: config.applets,
  });
}
