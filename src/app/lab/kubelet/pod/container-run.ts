import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Container } from 'kubernetes-types/core/v1.d.ts';
import { LogFile } from '../../../../host/container/log-file.ts';
import type { ContainerProcess } from '../../../../host/container/process.ts';
import { outputEnd, startProcess } from '../../../../host/container/process.ts';
import type { ImageProgram } from '../../images/image.ts';
import { NODE_PATHS } from '../config.ts';
import { containerCommand } from './command.ts';
import { containerEnv } from './container-env.ts';
import { enterContainerRoot, volumeMounts } from './container-root.ts';
import { expand } from './expand.ts';
import type { PodContext } from './pod-context.ts';
import { utcSeconds } from './utc-seconds.ts';

/** One run of a container, from its start to the end of its first process. */
export interface ContainerRun {
  readonly id: string;
  readonly process: ContainerProcess;
  readonly log: LogFile;
  /** RFC 3339. */
  readonly startedAt: string;
  /** The file that the container may leave its last words in, as the node sees it. */
  readonly terminationLog: string;
  /** Aborts with the end of the run. */
  readonly over: AbortController;
  /** Takes the output that nobody has attached to yet; later output is no longer kept. */
  takeBacklog(): Buffer;
  /** Starts a further process in the container. */
  exec(command: readonly string[], options: { readonly stdin: boolean; readonly tty: boolean }): ContainerProcess;
}

/** What is started: the `index`th run of a container. */
export interface RunRequest {
  readonly spec: Container;
  readonly image: ImageProgram;
  readonly index: number;
}

/** Starts a container. Throws `start-failed` for a command that does not exist, `config-missing` for what it refers to. */
export async function startRun(request: RunRequest, context: PodContext): Promise<ContainerRun> {
  const { spec, image, index } = request;
  const { config, sandbox } = context;
  const env = await environment(request, context);
  const mounts = volumeMounts(spec, context.volumes, env);
  const inVolume = (path: string): string | undefined => {
    const mount = mounts.findLast(({ target }) => path === target || path.startsWith(`${target}/`));
    return mount === undefined ? undefined : mount.source + path.slice(mount.target.length);
  };
  const { command, replaced } = containerCommand(spec, image, env, inVolume);
  const terminationLog = makeTerminationLog(context, spec.name, index);
  const cwd = expand(spec.workingDir ?? '/', env);
  const ids = userIds(spec, context);
  const log = LogFile.create(runLogPath(context, spec.name, index), () => new Date().toISOString());
  let process: ContainerProcess;
  try {
    process = startProcess({
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
            workingDir: cwd,
          }),
      },
      command,
      env,
      cwd,
      stdin: spec.stdin ?? false,
      tty: spec.tty ?? false,
      ...ids,
      busybox: config.busybox,
      mountProc: !context.pod.spec.hostPID,
    });
  } catch (error) {
    log[Symbol.dispose]();
    throw error;
  }
  if (replaced !== undefined)
    log.write('stderr', Buffer.from(`[lab] no "${replaced}" on this machine: running the built-in ${image.kind}\n`));
  return {
    id: randomBytes(32).toString('hex'),
    process,
    log,
    startedAt: utcSeconds(),
    terminationLog,
    over: new AbortController(),
    takeBacklog: collect(process, log, (spec.stdin ?? false) || (spec.tty ?? false)),
    exec: (wanted, options) => execIn(process.pid, wanted, options, { request, context, env, cwd, ids }),
  };
}

/** Where the log of a run lies. */
export function runLogPath({ pod }: PodContext, container: string, index: number): string {
  return join(NODE_PATHS.logs, `${pod.namespace}_${pod.name}_${pod.uid}`, container, `${index}.log`);
}

/** Runs a command in a run's container to its end, at the latest after `timeoutMs`. */
export async function execToEnd(
  run: ContainerRun,
  command: readonly string[],
  timeoutMs: number,
): Promise<{ code: number; output: string }> {
  const process = run.exec(command, { stdin: false, tty: false });
  const chunks: Buffer[] = [];
  for (const stream of [process.stdout, process.stderr]) stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const timer = setTimeout(() => process.kill('SIGKILL'), timeoutMs);
  const { code } = await process.exit;
  clearTimeout(timer);
  await outputEnd(process);
  return { code, output: Buffer.concat(chunks).toString('utf8') };
}

function environment({ spec, image }: RunRequest, context: PodContext): Promise<Record<string, string>> {
  return containerEnv(spec, {
    pod: context.pod,
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
}

function makeTerminationLog({ directory }: PodContext, container: string, index: number): string {
  const folder = join(directory, 'containers', container);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `termination-${index}`);
  writeFileSync(file, '');
  return file;
}

/** User and group ids, where this machine can switch to them: in a user namespace without further ids it cannot. */
function userIds(spec: Container, { canSwitchUser, pod }: PodContext): { uid?: number; gid?: number } {
  if (!canSwitchUser) return {};
  const { runAsUser: uid, runAsGroup: gid } = { ...pod.spec.securityContext, ...spec.securityContext };
  return { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
}

/** Most output that is kept for whoever attaches first, bytes. */
const BACKLOG = 65_536;

/** Sends a process's output to its log and, if `keep`, remembers its beginning until the returned function takes it. */
function collect(process: ContainerProcess, log: LogFile, keep: boolean): () => Buffer {
  let backlog: Buffer[] | undefined = keep ? [] : undefined;
  let kept = 0;
  const take = (stream: 'stdout' | 'stderr') => (chunk: Buffer) => {
    log.write(stream, chunk);
    if (kept > BACKLOG) return;
    kept += chunk.length;
    backlog?.push(chunk);
  };
  process.stdout.on('data', take('stdout'));
  process.stderr?.on('data', take('stderr'));
  return () => {
    const taken = Buffer.concat(backlog ?? []);
    backlog = undefined;
    return taken;
  };
}

function execIn(
  pid: number,
  command: readonly string[],
  options: { readonly stdin: boolean; readonly tty: boolean },
  run: {
    readonly request: RunRequest;
    readonly context: PodContext;
    readonly env: Readonly<Record<string, string>>;
    readonly cwd: string;
    readonly ids: { readonly uid?: number; readonly gid?: number };
  },
): ContainerProcess {
  const { request, context, cwd, ids } = run;
  const { sandbox, config } = context;
  const env = { ...run.env, ...(options.tty ? { TERM: 'xterm' } : {}) };
  // An absent command is an error here, whatever the image would run instead.
  const image = { ...request.image, fallBack: false };
  const wanted = containerCommand(
    { name: '', command: [...command] },
    image,
    env,
    (path) => `/proc/${pid}/root${path}`,
  );
  return startProcess({
    placement: {
      join: {
        ...sandbox.join,
        ...(sandbox.ownPid ? { pid: `/proc/${pid}/ns/pid` } : {}),
        mnt: `/proc/${pid}/ns/mnt`,
      },
    },
    command: wanted.command,
    env,
    cwd,
    ...options,
    ...ids,
    busybox: config.busybox,
    mountProc: false,
  });
}
