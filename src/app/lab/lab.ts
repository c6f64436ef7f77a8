import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SluiceError, hasCode } from '../../base/errors.ts';
import { controlRequest } from './control-client.ts';
import type { LabErrorCode, LabOptions, LabPaths, LabPhase, LabStatus, RunningLab } from './lab-types.ts';
import { findMachineProblems, findPrograms } from './machine.ts';
import type { PathEnvironment } from './paths.ts';
import { LONGEST_SOCKET_PATH, kubeletSocket, labPaths, sluiceHome } from './paths.ts';
import type { SupervisorConfig, SupervisorMessage } from './supervisor/config.ts';
import { SUPERVISOR_CONFIG } from './supervisor/config.ts';
import { pidFileIsLocked } from './supervisor/lock.ts';
import { programToRun } from '../../host/exec/bundle.ts';

/** Who hears of the progress of a start, and may break it off. */
export interface StartLabDependencies extends PathEnvironment {
  /** Called as the start proceeds. */
  readonly onPhase?: (phase: LabPhase) => void;
  readonly signal?: AbortSignal;
}

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
/** How long a start may take before it counts as failed, ms. */
const START_TIMEOUT = 120_000;
/** How long a supervisor may take to end, ms. */
const STOP_TIMEOUT = 30_000;

/**
 * Starts the supervisor of a new cluster detached from this process and resolves when every node is Ready. Throws
 * `SluiceError` with a `LabErrorCode`; a cluster that cannot become ready is taken down again.
 */
export async function startLab(options: LabOptions, dependencies: StartLabDependencies): Promise<LabStatus> {
  const paths = labPaths(options.name, dependencies);
  const problems = findMachineProblems(dependencies, options.backend);
  if (problems.length > 0)
    throw new SluiceError<LabErrorCode>(
      'unsupported-machine',
      `this machine cannot run the lab:\n  ${problems.join('\n  ')}`,
      {
        problems,
      },
    );
  if ((await openLab(options.name, dependencies)) !== undefined)
    throw new SluiceError<LabErrorCode>(
      'already-running',
      `cluster "${options.name}" is running already: use it, stop it with "sluice down --name ${options.name}", or choose another --name`,
    );
  if (!existsSync(join(REPOSITORY, 'build/cni/sluice')))
    throw new SluiceError<LabErrorCode>('unsupported-machine', 'the CNI plugin is not built: run "npm run build"');
  checkRunDir(options, paths);
  await checkPort(options.apiPort);
  checkSameOptions(options, paths.stateDir);
  const isNew = !existsSync(paths.stateDir);
  const cacheDir = join(sluiceHome(dependencies), 'cache', 'compile');
  for (const directory of [join(paths.stateDir, 'nodes'), join(paths.stateDir, 'root'), paths.runDir, cacheDir])
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(optionsFile(paths.stateDir), `${JSON.stringify(options, undefined, 2)}\n`);
  const config: SupervisorConfig = {
    options,
    paths,
    cacheDir,
    repository: REPOSITORY,
    node: process.execPath,
    ...findPrograms(dependencies, REPOSITORY),
    rootless: dependencies.uid !== 0,
  };
  try {
    return await supervise(config, dependencies);
  } catch (error) {
    // Then the lock and the state are those of another start.
    if (hasCode(error, 'already-running')) throw error;
    await untilUnlocked(paths.supervisorPid);
    // State of a cluster that never was would only stand in the way of the next attempt; the log is told by the error.
    if (isNew) discard(paths);
    throw error;
  }
}

/** Keeps the log of a failed start, and nothing else. */
function discard({ stateDir, supervisorLog }: LabPaths): void {
  const text = readFileSync(supervisorLog);
  rmSync(stateDir, { recursive: true, force: true });
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  writeFileSync(supervisorLog, text, { mode: 0o600 });
}

/**
 * Stops the cluster `name`, waits until nothing of it runs and removes its state unless told to keep it. Returns false
 * when there was nothing to stop or remove.
 */
export async function stopLab(
  name: string,
  environment: PathEnvironment,
  { keepState = false }: { readonly keepState?: boolean } = {},
): Promise<boolean> {
  const paths = labPaths(name, environment);
  const lab = await openLab(name, environment);
  if (lab === undefined) signalSupervisor(paths, 'SIGTERM');
  else
    await lab.request({ op: 'stop' }).catch((error: unknown) => {
      // It may be gone before its answer has arrived.
      if (!hasCode(error, 'not-running')) throw error;
    });
  try {
    await untilUnlocked(paths.supervisorPid);
  } catch {
    // It does not react; everything of the cluster dies with it.
    signalSupervisor(paths, 'SIGKILL');
    await untilUnlocked(paths.supervisorPid);
  }
  const known = lab !== undefined || existsSync(paths.stateDir);
  rmSync(paths.runDir, { recursive: true, force: true });
  if (!keepState) rmSync(paths.stateDir, { recursive: true, force: true });
  return known;
}

/** The cluster `name`, or undefined when it is not running; a stale socket or pid file counts as not running. */
export async function openLab(name: string, environment: PathEnvironment): Promise<RunningLab | undefined> {
  const paths = labPaths(name, environment);
  if (!existsSync(paths.controlSocket)) return undefined;
  try {
    await controlRequest(paths.controlSocket, { op: 'ping' });
  } catch (error) {
    if (hasCode(error, 'not-running')) return undefined;
    throw error;
  }
  return { paths, request: (request) => controlRequest(paths.controlSocket, request) };
}

/** Names of all clusters that have state on this machine, running or not. */
export function labNames(environment: PathEnvironment): readonly string[] {
  const directory = join(sluiceHome(environment), 'clusters');
  return existsSync(directory) ? readdirSync(directory).sort() : [];
}

function optionsFile(stateDir: string): string {
  return join(stateDir, 'options.json');
}

/** Sends a signal to the supervisor that holds the cluster's lock, if there is one. */
function signalSupervisor({ supervisorPid }: LabPaths, signal: NodeJS.Signals): void {
  if (pidFileIsLocked(supervisorPid)) process.kill(Number(readFileSync(supervisorPid, 'utf8')), signal);
}

/** The sockets must be reachable under paths that the kernel takes. */
function checkRunDir({ nodes }: LabOptions, { name, runDir }: LabPaths): void {
  const longest = kubeletSocket(runDir, `${name}-node-${nodes}`);
  if (Buffer.byteLength(longest) <= LONGEST_SOCKET_PATH) return;
  throw new SluiceError<LabErrorCode>(
    'invalid-options',
    `the path of a socket, ${longest}, is longer than ${LONGEST_SOCKET_PATH} bytes: choose a shorter --name or set SLUICE_RUN_DIR to a shorter directory`,
  );
}

/** State that other options have shaped must not be continued. */
function checkSameOptions(options: LabOptions, stateDir: string): void {
  if (!existsSync(optionsFile(stateDir))) return;
  const shape = ({ apiPort: _port, ...rest }: LabOptions): string => JSON.stringify(rest, Object.keys(rest).sort());
  const before = JSON.parse(readFileSync(optionsFile(stateDir), 'utf8')) as LabOptions;
  if (shape(before) === shape(options)) return;
  throw new SluiceError<LabErrorCode>(
    'invalid-options',
    `cluster "${options.name}" has state that was made with other options (${JSON.stringify(before)}): run "sluice down --name ${options.name}" first, or choose another --name`,
  );
}

/** Fails early and clearly when the wanted port is taken. */
function checkPort(port: number): Promise<void> {
  if (port === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EACCES' ? 'may only be used by root' : 'is taken by another program';
      reject(
        new SluiceError<LabErrorCode>(
          'invalid-options',
          `--api-port: port ${port} on 127.0.0.1 ${why}; leave the option out to take a free one`,
          { port },
          error,
        ),
      );
    });
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
  });
}

async function supervise(config: SupervisorConfig, dependencies: StartLabDependencies): Promise<LabStatus> {
  const log = openSync(config.paths.supervisorLog, 'a', 0o600);
  const child = spawn(config.node, [programToRun(REPOSITORY, 'src/app/lab/supervisor/main.ts')], {
    detached: true,
    cwd: '/',
    stdio: ['ignore', log, log, 'ipc'],
    env: {
      ...dependencies.env,
      NODE_COMPILE_CACHE: config.cacheDir,
      [SUPERVISOR_CONFIG]: JSON.stringify(config),
    },
  });
  closeSync(log);
  try {
    return await untilReady(child, config, dependencies);
  } catch (error) {
    child.kill('SIGTERM');
    throw error;
  } finally {
    if (child.connected) child.disconnect();
    child.unref();
  }
}

function untilReady(
  child: ChildProcess,
  config: SupervisorConfig,
  dependencies: StartLabDependencies,
): Promise<LabStatus> {
  const { supervisorLog } = config.paths;
  const failure = (message: string, code = 'start-failed'): SluiceError =>
    new SluiceError(code, `${message}\nThe log is in ${supervisorLog}`);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => void lateNodes(config).then((nodes) => reject(failure(nodes))), START_TIMEOUT);
    const settle = (finish: () => void): void => {
      clearTimeout(timer);
      finish();
    };
    dependencies.signal?.addEventListener('abort', () => settle(() => reject(failure('the start was interrupted'))));
    child.on('message', (raw) => {
      const message = raw as SupervisorMessage;
      if (message.kind === 'phase') dependencies.onPhase?.(message.phase);
      if (message.kind === 'ready') settle(() => resolve(message.status));
      if (message.kind === 'failed') settle(() => reject(failure(message.message, message.code)));
    });
    child.once('error', (error) => settle(() => reject(failure(`the supervisor did not start: ${error.message}`))));
    child.once('exit', (code, signal) => settle(() => reject(failure(`the supervisor ended (${signal ?? code})`))));
  });
}

/** Says that the cluster is not ready in time, and which nodes are to blame, if its supervisor can tell. */
async function lateNodes({ options, paths }: SupervisorConfig): Promise<string> {
  const late = `cluster "${options.name}" was not ready within ${START_TIMEOUT / 1000} s`;
  const status = await controlRequest(paths.controlSocket, { op: 'status' }).catch(() => undefined);
  const nodes = status?.nodes.filter(({ ready }) => !ready).map(({ name, state }) => `${name} is ${state}`) ?? [];
  return nodes.length === 0 ? late : `${late}: ${nodes.join(', ')}`;
}

/** Waits until the supervisor of the pid file has ended. */
async function untilUnlocked(pidFile: string): Promise<void> {
  const deadline = performance.now() + STOP_TIMEOUT;
  while (pidFileIsLocked(pidFile)) {
    if (performance.now() > deadline)
      throw new SluiceError<LabErrorCode>('control-failed', `the supervisor (pid in ${pidFile}) does not end`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
