import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { openSync, closeSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../../base/errors.ts';
import { spawnIn } from '../../../host/container/namespaces.ts';
import { sethostname } from '../../../host/libc.ts';
import { enterBaseRoot } from './base-root.ts';
import { connectNode, connectOutside, makeRouter } from './network.ts';
import { enterNodeRoot } from './node-root.ts';
import { PLACES } from './places.ts';
import type { NodeStart, UniverseConfig, UniverseMessage, UniverseRequest } from './protocol.ts';
import { KUBELET_CONFIG, UNIVERSE_CONFIG } from './protocol.ts';
import { startRelay } from './relay.ts';
import { startRouterBird } from './router-bird.ts';
import { UNDERLAY } from './topology.ts';
import { keepCompileCache } from '../../../host/exec/keep-compile-cache.ts';
import { programToRun } from '../../../host/exec/bundle.ts';

/**
 * The universe's first process: pid 1 of its namespaces, whose end is the end of everything inside. Its own network
 * namespace is the router. It ends when the supervisor's channel closes.
 */
async function main(config: UniverseConfig): Promise<void> {
  const nodes = new Map<string, ChildProcess>();
  process.on('disconnect', () => process.exit(0));
  enterBaseRoot(config.share);
  send({ event: 'phase', name: 'universe' });
  makeRouter();
  send({ event: 'phase', name: 'underlay' });
  for (const node of config.nodes) startNode(config, node, nodes);
  startOutside(config);
  const target = join(PLACES.run, 'api.sock');
  await Promise.all([
    ...(config.bgp ? [startRouterBird()] : []),
    startRelay(UNDERLAY.api.ipv4, UNDERLAY.api.port, target),
    startRelay(UNDERLAY.api.ipv6, UNDERLAY.api.port, target),
  ]);
  process.on('message', (message) => {
    void answer(config, nodes, message as { id: number; request: UniverseRequest });
  });
  send({ event: 'ready' });
}

/** Starts a node with namespaces of its own; its kubelet is its pid 1. */
function startNode(config: UniverseConfig, node: NodeStart, nodes: Map<string, ChildProcess>): true {
  const { name } = node.place;
  const { repository, node: executable } = config.share;
  mkdirSync(join(PLACES.run, 'nodes', name), { recursive: true });
  mkdirSync(join(PLACES.nodes, name), { recursive: true });
  const log = openSync(join(PLACES.nodes, name, 'kubelet.log'), 'a');
  const child = spawnIn(
    {
      create: ['net', 'ipc', 'uts', 'pid', 'mnt'],
      prepare: () => {
        sethostname(name, Buffer.byteLength(name));
        enterNodeRoot({ name, repository, node: executable });
      },
    },
    executable,
    [programToRun(repository, 'src/app/lab/kubelet/main.ts')],
    {
      stdio: ['ignore', log, log],
      cwd: '/',
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: '/root',
        NODE_COMPILE_CACHE: PLACES.cache,
        [KUBELET_CONFIG]: JSON.stringify(node.kubelet),
      },
    },
  );
  closeSync(log);
  const { pid } = child;
  if (pid === undefined) throw new Error(`node ${name} did not start`);
  nodes.set(name, child);
  const netFd = openSync(`/proc/${pid}/ns/net`, 'r');
  const rootFd = openSync(`/proc/${pid}/root`, 'r');
  child.once('exit', (code, signal) => {
    nodes.delete(name);
    // Nothing of a dead node may live on.
    for (const fd of [netFd, rootFd]) closeSync(fd);
    send({ event: 'node-exited', name, reason: signal ?? `exit code ${code}` });
  });
  connectNode(node.place, pid);
  send({ event: 'node-started', name, pid, netFd, rootFd });
  return true;
}

function startOutside(config: UniverseConfig): void {
  const { repository, node: executable } = config.share;
  const child = spawnIn(
    { create: ['net', 'uts', 'pid'], prepare: () => void sethostname('outside', 'outside'.length) },
    executable,
    [programToRun(repository, 'src/app/lab/universe/outside.ts')],
    { stdio: ['ignore', 'inherit', 'inherit'], cwd: '/', env: { NODE_COMPILE_CACHE: PLACES.cache } },
  );
  if (child.pid === undefined) throw new Error('the outside host did not start');
  connectOutside(child.pid);
  send({ event: 'outside-started', pid: child.pid });
}

async function answer(
  config: UniverseConfig,
  nodes: Map<string, ChildProcess>,
  { id, request }: { readonly id: number; readonly request: UniverseRequest },
): Promise<void> {
  try {
    send({ reply: id, ok: await carryOut(config, nodes, request) });
  } catch (error) {
    send({ reply: id, error: messageOf(error) });
  }
}

async function carryOut(
  config: UniverseConfig,
  nodes: Map<string, ChildProcess>,
  request: UniverseRequest,
): Promise<unknown> {
  switch (request.op) {
    case 'start-node':
      if (nodes.has(request.node.place.name)) throw new Error(`node ${request.node.place.name} is running`);
      return startNode(config, request.node, nodes);
    case 'kill-node': {
      const child = nodes.get(request.name);
      if (child === undefined) throw new Error(`node ${request.name} is not running`);
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
      return true;
    }
    case 'exec':
      return run(request);
  }
}

/** Runs a program of the host in a network namespace and collects its output. */
function run(request: Extract<UniverseRequest, { op: 'exec' }>): Promise<unknown> {
  const { netns, command, stdin = '' } = request;
  const [program = '', ...programArguments] = command;
  const start = (): ChildProcess => spawn(program, programArguments, { stdio: ['pipe', 'pipe', 'pipe'] });
  const child = netns === '' ? start() : spawnIn({ join: { net: netns } }, program, programArguments, {});
  return new Promise((resolve, reject) => {
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream]?.setEncoding('utf8').on('data', (text: string) => (output[stream] += text));
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code: code ?? 128, ...output, ...(signal ? { signal } : {}) }));
    // A program that does not read its input is no failure of ours.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(stdin);
  });
}

function send(message: UniverseMessage): void {
  // The channel may close at any moment; `disconnect` ends this process then.
  if (process.connected) process.send?.(message);
}

keepCompileCache();
// A stray error of one connection must not be the end of the whole cluster; the log has it.
process.on('uncaughtException', (error) => process.stderr.write(`${error.stack ?? error.message}\n`));
try {
  await main(JSON.parse(process.env[UNIVERSE_CONFIG] ?? '') as UniverseConfig);
} catch (error) {
  send({ event: 'failed', message: messageOf(error) });
  process.exitCode = 1;
  process.disconnect?.();
}
