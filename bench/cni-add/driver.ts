import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCidr, parseIp } from '../../src/base/ip/index.ts';
import { runPlugin } from '../../src/host/cni-runtime/run-plugin.ts';
import { openNetlink } from '../../src/host/netlink/kernel.ts';
import { createNetns } from '../../src/host/netns/netns.ts';
import { openSysctl } from '../../src/host/sysctl/sysctl.ts';

/**
 * Runs inside fresh network and mount namespaces, which end with it: `driver.ts PLUGIN_DIR SEQUENTIAL BURST ROUNDS`.
 * Leaves its files in TMPDIR to the caller, since they hold mounts as long as the namespaces live.
 * Prints what it measured as one JSON object, in milliseconds.
 */
const [pluginDir = '', sequential = '60', burst = '300', rounds = '2'] = process.argv.slice(2);
const WIDTH = 8;
const POLICIES = 100;
const directory = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
const socket = join(directory, 'cni.sock');

interface Contender {
  readonly name: 'sluice' | 'bridge';
  readonly config: Readonly<Record<string, unknown>>;
}

interface Sandbox {
  readonly id: string;
  readonly netns: string;
  readonly pod: string;
}

const CONTENDERS: readonly Contender[] = [
  { name: 'sluice', config: { cniVersion: '1.0.0', name: 'k8s', type: 'sluice', agent_socket: socket } },
  {
    name: 'bridge',
    config: {
      cniVersion: '1.0.0',
      name: 'bridged',
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipam: {
        type: 'host-local',
        dataDir: join(directory, 'host-local'),
        ranges: [[{ subnet: '10.22.0.0/16' }]],
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
  },
];

let sandboxes = 0;
buildUnderlay();
const total = Number(sequential) + 10 + Number(burst) * Number(rounds);
await startCluster(total);
for (const contender of CONTENDERS) for (let i = 0; i < 5; i++) await addAndDel(contender);
const times = Object.fromEntries(
  CONTENDERS.map(({ name }) => [name, { add: [] as number[], del: [] as number[], burst: [] as number[] }]),
);
for (let i = 0; i < Number(sequential); i++)
  for (const contender of CONTENDERS) {
    const { add, del } = await addAndDel(contender);
    times[contender.name]!.add.push(add);
    times[contender.name]!.del.push(del);
  }
for (let round = 0; round < Number(rounds); round++)
  for (const contender of CONTENDERS) times[contender.name]!.burst.push(await addBurst(contender, Number(burst)));
console.log(JSON.stringify(times));
process.exit(0);

async function addAndDel(contender: Contender): Promise<{ add: number; del: number }> {
  const sandbox = newSandbox();
  const add = await timed(() => call(contender, 'ADD', sandbox));
  const del = await timed(() => call(contender, 'DEL', sandbox));
  return { add, del };
}

/** Wall-clock time of `count` ADDs, WIDTH at a time; their DELs are not measured. */
async function addBurst(contender: Contender, count: number): Promise<number> {
  const prepared = Array.from({ length: count }, newSandbox);
  const elapsed = await timed(() => inParallel(prepared, (sandbox) => call(contender, 'ADD', sandbox)));
  await inParallel(prepared, (sandbox) => call(contender, 'DEL', sandbox));
  return elapsed;
}

async function inParallel(items: readonly Sandbox[], run: (sandbox: Sandbox) => Promise<unknown>): Promise<void> {
  const waiting = [...items];
  await Promise.all(
    Array.from({ length: WIDTH }, async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await run(next);
    }),
  );
}

function call({ config }: Contender, command: 'ADD' | 'DEL', { id, netns, pod }: Sandbox): Promise<unknown> {
  const args = `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod}`;
  return runPlugin({
    type: String(config['type']),
    command,
    parameters: { CNI_CONTAINERID: id, CNI_NETNS: netns, CNI_IFNAME: 'eth0', CNI_ARGS: args },
    config,
    pluginDirs: [pluginDir, '/usr/lib/cni'],
    timeoutMs: 30_000,
  });
}

function newSandbox(): Sandbox {
  const id = `sandbox-${sandboxes}`;
  const netns = join(directory, 'netns', id);
  createNetns(netns);
  return { id, netns, pod: `pod-${Math.floor(sandboxes++ / 2) % total}` };
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}

/** eth0 with a default route, as a node has it. */
function buildUnderlay(): void {
  const router = join(directory, 'netns', 'router');
  createNetns(router);
  using outside = openNetlink({ netns: router });
  using netlink = openNetlink();
  netlink.apply([
    { kind: 'set-link', link: 'lo', up: true },
    { kind: 'add-link', link: { type: 'veth', name: 'eth0', up: false, peer: { name: 'to-node', netns: router } } },
    { kind: 'set-link', link: 'eth0', up: true },
    { kind: 'add-address', address: { link: 'eth0', address: parseCidr('172.30.1.11/24')! } },
  ]);
  outside.apply([
    { kind: 'set-link', link: 'to-node', up: true },
    { kind: 'add-address', address: { link: 'to-node', address: parseCidr('172.30.1.1/24')! } },
  ]);
  netlink.apply([{ kind: 'add-route', route: { destination: parseCidr('0.0.0.0/0')!, via: parseIp('172.30.1.1')! } }]);
  openSysctl().write('net/ipv4/ip_forward', 1);
}

/** The API server and the agent, in processes of their own as on a real node, waiting until ADD can be served. */
async function startCluster(pods: number): Promise<void> {
  const api = start(process.execPath, [
    join(import.meta.dirname, 'api-server.ts'),
    directory,
    String(pods),
    String(POLICIES),
  ]);
  await new Promise((resolve) => api.stdout!.once('data', resolve));
  const main = join(import.meta.dirname, '../../src/cli/main.ts');
  start(process.execPath, [main, 'agent'], {
    NODE_NAME: 'bench',
    KUBECONFIG: join(directory, 'kubeconfig'),
    SLUICE_RUN_DIR: directory,
    SLUICE_STATE_DIR: join(directory, 'state'),
    SLUICE_LOG_LEVEL: 'warn',
  });
  const deadline = performance.now() + 30_000;
  for (;;) {
    const failure = await status().then(
      () => undefined,
      (error: Error) => error,
    );
    if (failure === undefined) return;
    if (performance.now() > deadline) throw failure;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Starts a program that ends with this one; what it has to complain about goes to stderr. */
function start(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  child.stdout!.resume();
  process.on('exit', () => child.kill('SIGKILL'));
  return child;
}

function status(): Promise<unknown> {
  const config = { ...CONTENDERS[0]!.config, cniVersion: '1.1.0' };
  const pluginDirs = [pluginDir];
  return runPlugin({ type: 'sluice', command: 'STATUS', parameters: {}, config, pluginDirs, timeoutMs: 5000 });
}
