import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Container, ContainerState, ContainerStatus, Probe } from 'kubernetes-types/core/v1.d.ts';
import { SluiceError, hasCode, messageOf } from '../../../../base/errors.ts';
import { LogFile } from '../../../../host/container/log-file.ts';
import type { ContainerProcess, ExitStatus } from '../../../../host/container/process.ts';
import { startProcess } from '../../../../host/container/process.ts';
import { pause } from '../../../../host/kube-client/pause.ts';
import type { ImageProgram } from '../../images/image.ts';
import { resolveImage } from '../../images/resolve-image.ts';
import { NODE_PATHS } from '../config.ts';
import { containerCommand } from './command.ts';
import { containerEnv } from './container-env.ts';
import { enterContainerRoot, volumeMounts } from './container-root.ts';
import { expand } from './expand.ts';
import type { PodContext } from './pod-context.ts';
import { runAction } from './probe-action.ts';
import type { Action } from './probe-action.ts';
import { probeLoop } from './probe-loop.ts';
import type { ContainerRole } from './types.ts';

/** First and longest wait before a container that ended is started again, ms. Real kubelets: 10 s to 5 min. */
const BACKOFF_FIRST = 1000;
const BACKOFF_LONGEST = 10_000;
/** A run of this length, ms, clears the record of failures. */
const HEALTHY_RUN = 60_000;

/** One run of a container. */
interface Run {
  readonly process: ContainerProcess;
  readonly log: LogFile;
  readonly id: string;
  readonly startedAt: string;
  readonly aborted: AbortController;
  readonly terminationLog: string;
  /** Output so far, until somebody attaches: what the first one to do so has missed. */
  backlog: Buffer[];
}

/** Runs one container of a pod, again and again where the restart policy says so, and knows its status. */
export class ContainerRunner {
  readonly spec: Container;
  readonly role: ContainerRole;
  readonly #context: PodContext;
  readonly #image: ImageProgram;
  #run: Run | undefined;
  #state: ContainerState = { waiting: { reason: 'ContainerCreating' } };
  #lastState: ContainerState = {};
  #ready = false;
  #started = false;
  #restarts = 0;
  #id = '';
  #stopping = new AbortController();
  #placeOf: { join: Record<string, string> } | undefined;

  constructor(spec: Container, role: ContainerRole, context: PodContext) {
    this.spec = spec;
    this.role = role;
    this.#context = context;
    const { config, pod } = context;
    this.#image = resolveImage(spec.image ?? '', {
      podName: pod.name,
      podNamespace: pod.namespace,
      containerName: spec.name,
      ports: (spec.ports ?? []).map(({ containerPort, protocol = 'TCP' }) => ({ protocol, port: containerPort })),
      repository: config.repository,
      node: config.node,
      busybox: config.busybox,
      applets: config.applets,
    });
    if (role !== 'app' || (context.pod.spec.initContainers ?? []).length > 0)
      this.#state = { waiting: { reason: 'PodInitializing' } };
  }

  get process(): ContainerProcess | undefined {
    return this.#run?.process;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** Whether the container has passed its startup probe, or has none and runs. */
  get started(): boolean {
    return this.#started;
  }

  get state(): ContainerState {
    return this.#state;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Exit code of a container that has ended for good. */
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
    return index < 0 || this.#id === '' ? undefined : this.#logPathOf(index);
  }

  /** The log that is being written, for following. */
  get liveLog(): LogFile | undefined {
    return this.#run?.log;
  }

  /** Takes the output that nobody has seen yet; later output is not kept. */
  takeBacklog(): Buffer {
    const run = this.#run;
    const backlog = Buffer.concat(run?.backlog ?? []);
    if (run !== undefined) run.backlog = [];
    return backlog;
  }

  /** Starts a further process in the running container. Throws `not-found` when it does not run. */
  exec(command: readonly string[], options: { readonly stdin: boolean; readonly tty: boolean }): ContainerProcess {
    const run = this.#run;
    const place = this.#placeOf;
    if (run === undefined || place === undefined)
      throw new SluiceError('not-found', `container not running: ${this.spec.name}`);
    const { pid } = run.process;
    const env = { ...this.#env, ...(options.tty ? { TERM: 'xterm' } : {}) };
    const wanted = containerCommand(
      { name: '', command: [...command] },
      { ...this.#image, fallBack: false },
      env,
      (path) => `/proc/${pid}/root${path}`,
    );
    return startProcess({
      placement: {
        join: {
          ...place.join,
          ...(this.#context.sandbox.ownPid ? { pid: `/proc/${pid}/ns/pid` } : {}),
          mnt: `/proc/${pid}/ns/mnt`,
        },
      },
      command: wanted.command,
      env,
      cwd: this.#workingDir,
      ...options,
      ...this.#user(),
      busybox: this.#context.config.busybox,
      mountProc: false,
    });
  }

  /** Runs until the container has ended for good or `stop` was called. */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    let backoff = 0;
    while (!signal.aborted) {
      const startedAt = performance.now();
      const exit = await this.#runOnce();
      if (signal.aborted || !this.#restartsAfter(exit?.code)) return;
      if (performance.now() - startedAt > HEALTHY_RUN) backoff = 0;
      const wait = Math.min(BACKOFF_LONGEST, BACKOFF_FIRST * 2 ** backoff++);
      if (exit !== undefined) this.#holdBack(wait);
      await pause(wait, signal);
      if (!signal.aborted && exit !== undefined) this.#restarts++;
    }
  }

  /** Ends the container: preStop hook, SIGTERM, and SIGKILL after `graceSeconds`. Resolves when it has ended. */
  async stop(graceSeconds: number): Promise<void> {
    this.#stopping.abort();
    const run = this.#run;
    if (run === undefined) {
      if (this.#state.waiting !== undefined) this.#neverRan();
      return;
    }
    this.#context.event('Normal', 'Killing', `Stopping container ${this.spec.name}`);
    await this.#terminate(run, graceSeconds);
  }

  /** Ends the container at once. */
  kill(): void {
    this.#stopping.abort();
    this.#run?.process.kill('SIGKILL');
  }

  #env: Record<string, string> = {};

  get #workingDir(): string {
    return this.spec.workingDir ?? '/';
  }

  #restartsAfter(code: number | undefined): boolean {
    const policy = this.#context.pod.spec.restartPolicy ?? 'Always';
    if (this.role === 'sidecar') return true;
    // A container that could not be started at all is tried again whatever the policy, as its image may come.
    if (code === undefined) return true;
    if (this.role === 'init') return code !== 0 && policy !== 'Never';
    return policy === 'Always' || (policy === 'OnFailure' && code !== 0);
  }

  /** Resolves to how the run ended, or undefined when it could not begin. */
  async #runOnce(): Promise<ExitStatus | undefined> {
    let run: Run;
    try {
      run = await this.#start();
    } catch (error) {
      this.#cannotStart(error);
      return hasCode(error, 'start-failed') ? { code: 128 } : undefined;
    }
    this.#run = run;
    this.#state = { running: { startedAt: run.startedAt } };
    this.#started = this.spec.startupProbe === undefined;
    this.#ready = this.#started && this.spec.readinessProbe === undefined;
    this.#context.changed();
    if (this.#stopping.signal.aborted) run.process.kill('SIGKILL');
    else void this.#watchOver(run);
    const exit = await run.process.exit;
    await drained(run.process);
    this.#end(run, exit);
    return exit;
  }

  async #start(): Promise<Run> {
    const { context, spec, image } = { context: this.#context, spec: this.spec, image: this.#image };
    const { config, pod, sandbox } = context;
    const env = await containerEnv(spec, {
      pod,
      live: context.live(),
      source: context.source,
      defaults: {
        PATH: image.path,
        HOSTNAME: context.hostname,
        HOME: '/root',
        ...(spec.tty ? { TERM: 'xterm' } : {}),
        ...image.env,
        ...context.serviceEnv(),
      },
    });
    this.#env = env;
    const mounts = volumeMounts(spec, context.volumes, env);
    const mounted = (path: string): string | undefined => {
      const mount = mounts.findLast(({ target }) => path === target || path.startsWith(`${target}/`));
      return mount === undefined ? undefined : mount.source + path.slice(mount.target.length);
    };
    const { command, replaced } = containerCommand(spec, image, env, mounted);
    const terminationLog = join(context.directory, 'containers', spec.name, `termination-${this.#restarts}`);
    mkdirSync(join(context.directory, 'containers', spec.name), { recursive: true });
    writeFileSync(terminationLog, '');
    this.#id = randomBytes(32).toString('hex');
    context.event('Normal', 'Pulled', `Container image "${spec.image}" already present on machine`);
    context.event('Normal', 'Created', `Created container: ${spec.name}`);
    const log = LogFile.create(this.#logPathOf(this.#restarts), () => new Date().toISOString());
    this.#placeOf = { join: sandbox.join as Record<string, string> };
    const process = startProcess({
      placement: {
        join: sandbox.join,
        create: ['mnt', ...(sandbox.ownPid ? (['pid'] as const) : [])],
        prepare: () =>
          enterContainerRoot({
            image,
            etc: context.etc,
            volumes: mounts,
            terminationLog: { source: terminationLog, target: spec.terminationMessagePath ?? '/dev/termination-log' },
            repository: config.repository,
            node: config.node,
            workingDir: expand(this.#workingDir, env),
          }),
      },
      command,
      env,
      cwd: this.#workingDir,
      stdin: spec.stdin ?? false,
      tty: spec.tty ?? false,
      ...this.#user(),
      busybox: config.busybox,
      mountProc: !pod.spec.hostPID,
    });
    if (replaced !== undefined)
      log.write('stderr', Buffer.from(`[lab] no "${replaced}" on this machine: running the built-in ${image.kind}\n`));
    const run: Run = {
      process,
      log,
      id: this.#id,
      startedAt: seconds(new Date()),
      aborted: new AbortController(),
      terminationLog,
      backlog: [],
    };
    this.#collect(run, (spec.stdin ?? false) || (spec.tty ?? false));
    context.event('Normal', 'Started', `Started container ${spec.name}`);
    return run;
  }

  /** User and group ids, where this machine can switch to them: without root there is only one. */
  #user(): { uid?: number; gid?: number } {
    if (!this.#context.canSwitchUser) return {};
    const own = this.spec.securityContext ?? {};
    const { runAsUser: uid = own.runAsUser, runAsGroup: gid = own.runAsGroup } = {
      ...this.#context.pod.spec.securityContext,
      ...own,
    };
    return { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
  }

  #collect(run: Run, keep: boolean): void {
    let kept = 0;
    const take = (stream: 'stdout' | 'stderr') => (chunk: Buffer) => {
      run.log.write(stream, chunk);
      if (!keep || kept > 65_536) return;
      kept += chunk.length;
      run.backlog.push(chunk);
    };
    run.process.stdout.on('data', take('stdout'));
    run.process.stderr?.on('data', take('stderr'));
  }

  /** postStart hook and probes of one run. */
  async #watchOver(run: Run): Promise<void> {
    const { signal } = run.aborted;
    const { lifecycle, startupProbe, livenessProbe, readinessProbe, name } = this.spec;
    const hook = lifecycle?.postStart;
    if (hook !== undefined) {
      const result = await this.#act(hook, 30_000);
      if (!result.ok) {
        this.#context.event('Warning', 'FailedPostStartHook', `PostStartHook failed: ${result.message}`);
        return void this.#terminate(run, this.#grace);
      }
    }
    const restart = (kind: string): void => {
      this.#context.event('Normal', 'Killing', `Container ${name} failed ${kind} probe, will be restarted`);
      void this.#terminate(run, this.#grace);
    };
    const afterStart = (): void => {
      if (livenessProbe !== undefined)
        void this.#probe('Liveness', livenessProbe, (passing) => passing || restart('liveness'), signal);
      if (readinessProbe !== undefined)
        void this.#probe('Readiness', readinessProbe, (passing) => this.#setReady(run, passing), signal);
    };
    if (startupProbe === undefined) return afterStart();
    const startup = new AbortController();
    const either = AbortSignal.any([signal, startup.signal]);
    const onStartup = (passing: boolean): void => {
      startup.abort();
      if (!passing) return restart('startup');
      this.#started = true;
      if (readinessProbe === undefined) this.#setReady(run, true);
      this.#context.changed();
      afterStart();
    };
    void this.#probe('Startup', startupProbe, onStartup, either);
  }

  #probe(kind: string, probe: Probe, onChange: (passing: boolean) => unknown, signal: AbortSignal): Promise<void> {
    const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
    const listeners = {
      onChange: (passing: boolean) => void onChange(passing),
      onFailure: (message: string) => this.#context.event('Warning', 'Unhealthy', `${kind} probe failed: ${message}`),
    };
    const eagerStart = kind === 'Readiness';
    return probeLoop(probe, () => this.#act(probe, timeoutMs), listeners, signal, { eagerStart });
  }

  #act(action: Action, timeoutMs: number): ReturnType<typeof runAction> {
    return runAction(action, {
      container: this.spec,
      podIp: this.#context.live().podIps[0] ?? '',
      exec: (command, limit) => this.#execToEnd(command, limit),
      timeoutMs,
    });
  }

  async #execToEnd(command: readonly string[], timeoutMs: number): Promise<{ code: number; output: string }> {
    const process = this.exec(command, { stdin: false, tty: false });
    const chunks: Buffer[] = [];
    for (const stream of [process.stdout, process.stderr]) stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
    const timer = setTimeout(() => process.kill('SIGKILL'), timeoutMs);
    const { code } = await process.exit;
    clearTimeout(timer);
    await drained(process);
    return { code, output: Buffer.concat(chunks).toString('utf8') };
  }

  #setReady(run: Run, ready: boolean): void {
    if (this.#run !== run || this.#ready === ready) return;
    this.#ready = ready;
    this.#context.changed();
  }

  get #grace(): number {
    return this.#context.pod.spec.terminationGracePeriodSeconds ?? 30;
  }

  async #terminate(run: Run, graceSeconds: number): Promise<void> {
    run.aborted.abort();
    const deadline = pause(graceSeconds * 1000, this.#context.hurry);
    const preStop = this.spec.lifecycle?.preStop;
    if (preStop !== undefined && graceSeconds > 0) {
      const result = this.#act(preStop, graceSeconds * 1000);
      await Promise.race([result, deadline, run.process.exit]);
    }
    const { process } = run;
    process.kill(graceSeconds > 0 && hearsSigterm(process.pid) ? 'SIGTERM' : 'SIGKILL');
    await Promise.race([process.exit, deadline]);
    process.kill('SIGKILL');
    await process.exit;
  }

  #end(run: Run, exit: ExitStatus): void {
    run.aborted.abort();
    run.log[Symbol.dispose]();
    this.#run = undefined;
    this.#ready = false;
    this.#started = false;
    const message = terminationMessage(run, this.spec, exit);
    this.#state = {
      terminated: {
        exitCode: exit.code,
        reason: exit.code === 0 ? 'Completed' : 'Error',
        startedAt: run.startedAt,
        finishedAt: seconds(new Date()),
        containerID: `sluice://${run.id}`,
        ...(message === '' ? {} : { message }),
      },
    };
    this.#context.changed();
  }

  #cannotStart(error: unknown): void {
    const message = messageOf(error);
    if (hasCode(error, 'start-failed')) {
      this.#context.event('Warning', 'Failed', `Error: failed to start container "${this.spec.name}": ${message}`);
      const now = seconds(new Date());
      this.#state = {
        terminated: { exitCode: 128, reason: 'StartError', message, startedAt: now, finishedAt: now },
      };
    } else {
      const reason = hasCode(error, 'config-missing') ? 'CreateContainerConfigError' : 'CreateContainerError';
      this.#context.event('Warning', 'Failed', `Error: ${message}`);
      this.#state = { waiting: { reason, message } };
    }
    this.#context.changed();
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

  #neverRan(): void {
    const last = this.#lastState.terminated;
    this.#state =
      last === undefined
        ? { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', message: 'The container never ran' } }
        : { terminated: last };
  }

  #logPathOf(index: number): string {
    const { namespace, name, uid } = this.#context.pod;
    return join(NODE_PATHS.logs, `${namespace}_${name}_${uid}`, this.spec.name, `${index}.log`);
  }
}

/** Waits for the rest of the output of a process that has ended, but not for descendants that hold it open. */
async function drained({ stdout, stderr }: ContainerProcess): Promise<void> {
  const closed = [stdout, stderr].map(
    (stream) => stream === undefined || stream.closed || new Promise((resolve) => stream.once('close', resolve)),
  );
  const limit = new Promise((resolve) => setTimeout(resolve, 200).unref());
  await Promise.race([Promise.all(closed), limit]);
  stdout.destroy();
  stderr?.destroy();
}

/**
 * Whether SIGTERM can have an effect: the kernel discards it for a pid 1 that neither catches nor blocks it, such as
 * `sleep`. Waiting out the grace period for one that cannot hear would only make people wait.
 */
function hearsSigterm(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    if (!/^NSpid:.*\s1$/m.test(status)) return true;
    const mask = (name: string): bigint =>
      BigInt(`0x${new RegExp(`^${name}:\\s*(\\w+)$`, 'm').exec(status)?.[1] ?? '0'}`);
    return ((mask('SigCgt') | mask('SigBlk')) & (1n << 14n)) !== 0n;
  } catch {
    // It has ended meanwhile.
    return true;
  }
}

/** The container's last words: its termination file, or the end of its log where it asks for that. */
function terminationMessage(run: Run, spec: Container, exit: ExitStatus): string {
  const LIMIT = 4096;
  const own = readFileSync(run.terminationLog, 'utf8').slice(0, LIMIT);
  if (own !== '' || spec.terminationMessagePolicy !== 'FallbackToLogsOnError' || exit.code === 0) return own;
  return readFileSync(run.log.path, 'utf8')
    .split('\n')
    .slice(-81)
    .map((line) => line.split(' ').slice(3).join(' '))
    .join('\n')
    .slice(-LIMIT);
}

/** RFC 3339 in whole seconds, as Kubernetes writes times. */
function seconds(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}
