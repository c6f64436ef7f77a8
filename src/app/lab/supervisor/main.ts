import { readFileSync, rmSync } from 'node:fs';
import { SluiceError, messageOf } from '../../../base/errors.ts';
import { jsonLogger } from '../../../base/log.ts';
import type { Logger } from '../../../base/log.ts';
import { sqliteStore } from '../../../host/sqlite/sqlite-store.ts';
import type { ApiServer } from '../../apiserver/start-api-server.ts';
import { startApiServer } from '../../apiserver/start-api-server.ts';
import { startControl } from '../control/start-control.ts';
import type { LabOptions, LabPhase } from '../lab-types.ts';
import { kubeletSocket } from '../paths.ts';
import type { NodeHold } from '../universe/protocol.ts';
import type { Spread } from '../universe/topology.ts';
import { UNDERLAY, nodePlaces } from '../universe/topology.ts';
import { apiAddresses } from './addresses.ts';
import type { SupervisorConfig, SupervisorMessage } from './config.ts';
import { SUPERVISOR_CONFIG } from './config.ts';
import { startControlSocket } from './control-socket.ts';
import { install } from './install.ts';
import { lockPidFile } from './lock.ts';
import { labManifests } from './manifests.ts';
import { ReadyNodes } from './ready-nodes.ts';
import { Supervisor } from './supervisor.ts';
import { Universe } from './universe-process.ts';
import { keepCompileCache } from '../../../host/exec/keep-compile-cache.ts';

/** Reported as the version of the kubelets: that of the API which the embedded server speaks. */
const KUBERNETES_VERSION = 'v1.32.4';

/** Entry point: one process per cluster, on the host. Starts everything, serves the control socket, ends everything. */
async function main(config: SupervisorConfig, log: Logger): Promise<void> {
  const startedAt = new Date();
  const { options, paths } = config;
  const stopping = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stopping.abort());
  // Whoever started us may leave as soon as it has heard enough.
  process.on('disconnect', () => undefined);
  if (!lockPidFile(paths.supervisorPid))
    throw new SluiceError('already-running', `cluster "${options.name}" is running already`);
  await using running = new AsyncDisposableStack();
  running.defer(() => rmSync(paths.runDir, { recursive: true, force: true }));
  const phases: LabPhase[] = [];
  const phase = (name: string): void => {
    const entry = { name, milliseconds: Math.round(performance.now()) };
    phases.push(entry);
    log.info('phase', { ...entry });
    tell({ kind: 'phase', phase: entry });
  };
  phase('supervisor');
  let supervisor: Supervisor | undefined;
  const readyNodes = new ReadyNodes();
  // Of a node, which counts as long as the cluster is not ready.
  const firstEnd = Promise.withResolvers<never>();
  firstEnd.promise.catch(() => undefined);
  const nodeEvents: UniverseEvents = {
    phase,
    outsideStarted: (pid) => (outsidePid = pid),
    nodeStarted: (name, hold) => supervisor?.nodeStarted(name, hold),
    nodeExited: (name, reason) => {
      readyNodes.ended(name);
      supervisor?.nodeExited(name);
      const said = lastWords(`${paths.stateDir}/nodes/${name}/kubelet.log`);
      firstEnd.reject(new SluiceError('start-failed', `node ${name} ended before it was ready: ${reason}${said}`));
    },
  };
  let outsidePid: number | undefined;
  const universe = startUniverse(config, nodeEvents, log);
  running.defer(() => universe.stop());
  const server = running.use(await startServer(config, log));
  phase('api server');
  readyNodes.start(server.client, stopping.signal);
  const places = nodePlaces(options.nodes, nodePrefix(options.name), spreadOf(options));
  const book = new Supervisor(config, places, {
    universe,
    cluster: {
      server: server.url,
      ca: server.ca,
      kubeletToken: (node) => server.tokenFor(`system:node:${node}`, ['system:nodes', 'system:masters']),
      readyNodes,
      version: KUBERNETES_VERSION,
    },
    outsidePid: () => outsidePid,
    phases,
    startedAt: startedAt.toISOString(),
    stop: () => setImmediate(() => stopping.abort()),
  });
  supervisor = book;
  const socket = await startControlSocket(paths.controlSocket, (request) => book.answer(request));
  running.defer(() => void socket.close());
  const { client } = server;
  const resources = (): ReturnType<ApiServer['resources']> => server.resources();
  const started = Promise.all([
    universe.ready.then(() => book.startAllNodes()).then(() => phase('nodes started')),
    install(labManifests(options, config.repository), { client, resources }).then(() => phase('manifests')),
    startControl(
      { rootCa: server.ca },
      { client, resources, log: log.with({ program: 'controllers' }), now: Date.now, signal: stopping.signal },
    ).then(() => phase('controllers')),
  ]);
  // Who is asked to stop does not wait for a start that takes long, nor hears of its failures.
  started.catch(() => undefined);
  await Promise.race([started, aborted(stopping.signal)]);
  const ready = readyNodes.all(places.map(({ name }) => name)).then(() => {
    phase('nodes ready');
    tell({ kind: 'ready', status: book.status() });
  });
  const end = Promise.race([universe.exited, aborted(stopping.signal)]);
  await Promise.race([ready, end, firstEnd.promise]);
  const reason = await end;
  stopping.abort();
  log.info('stopping', { reason });
}

/** What the universe tells while it lives. */
interface UniverseEvents {
  phase(name: string): void;
  outsideStarted(pid: number): void;
  nodeStarted(name: string, hold: NodeHold): void;
  nodeExited(name: string, reason: string): void;
}

function startUniverse(config: SupervisorConfig, events: UniverseEvents, log: Logger): Universe {
  const { options, paths, repository, node, busybox, cacheDir, rootless } = config;
  const share = {
    scratch: `${paths.stateDir}/root`,
    runDir: paths.runDir,
    nodesDir: `${paths.stateDir}/nodes`,
    cacheDir,
    repository,
    node,
    busybox,
  };
  return Universe.start({ share, nodes: [], rootless, bgp: options.backend === 'none' }, 2, (event) => {
    switch (event.event) {
      case 'phase':
        return events.phase(event.name);
      case 'node-started':
        return events.nodeStarted(event.name, event);
      case 'node-exited':
        log.warn('node ended', { node: event.name, reason: event.reason });
        return events.nodeExited(event.name, event.reason);
      case 'outside-started':
        return events.outsideStarted(event.pid);
      case 'failed':
        return log.error('universe failed', { message: event.message });
      case 'ready':
        return events.phase('universe ready');
    }
  });
}

function startServer({ options, paths }: SupervisorConfig, log: Logger): Promise<ApiServer> {
  return startApiServer(
    {
      stateDir: paths.stateDir,
      clusterName: options.name,
      port: options.apiPort,
      socketPath: paths.apiSocket,
      kubeconfigPath: paths.kubeconfig,
      serviceCidrs: options.serviceCidrs,
      advertise: { addresses: apiAddresses(options), port: UNDERLAY.api.port },
    },
    {
      store: sqliteStore(paths.storeDb),
      log: log.with({ program: 'apiserver' }),
      kubeletSocket: (node) => kubeletSocket(paths.runDir, node),
    },
  );
}

/** `host-gw` and `macvlan`, whose pods are on one, need all nodes on one layer 2; the other backends are there to be seen crossing a router. */
function spreadOf({ backend }: LabOptions): Spread {
  return backend === 'host-gw' || backend === 'macvlan' ? 'one-segment' : 'two-segments';
}

/** Nodes of the default cluster are plainly `node-1`, those of others carry the cluster's name. */
function nodePrefix(name: string): string {
  return name === 'sluice' ? '' : `${name}-`;
}

function aborted(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('asked to');
    signal.addEventListener('abort', () => resolve('asked to'), { once: true });
  });
}

/** The last lines of a log, to be put behind a message. */
function lastWords(file: string): string {
  try {
    return ['', ...readFileSync(file, 'utf8').trimEnd().split('\n').slice(-5)].join('\n  ');
  } catch {
    return '';
  }
}

function tell(message: SupervisorMessage): void {
  if (process.connected) process.send?.(message);
}

const log = jsonLogger(
  { level: 'info', fields: { program: 'supervisor' } },
  { write: (line) => void process.stderr.write(`${line}\n`), now: () => new Date().toISOString() },
);
keepCompileCache();
try {
  await main(JSON.parse(process.env[SUPERVISOR_CONFIG] ?? '') as SupervisorConfig, log);
  process.exit(0);
} catch (error) {
  log.error('supervisor failed', { error: messageOf(error), stack: error instanceof Error ? error.stack : undefined });
  tell({ kind: 'failed', code: error instanceof SluiceError ? error.code : 'start-failed', message: messageOf(error) });
  process.exit(1);
}
