import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { formatIp, hostCidr, parseCidr, parseIp } from '../src/base/ip/index.ts';
import type { Ip } from '../src/base/ip/index.ts';
import { openNetlink } from '../src/host/netlink/kernel.ts';
import type { Netlink, NetworkChange } from '../src/host/netlink/port.ts';
import { createNetns, inNetns } from '../src/host/netns/netns.ts';
import { openSysctl } from '../src/host/sysctl/sysctl.ts';
import { openUserTunnels } from '../src/host/tun/kernel.ts';
import { median } from './harness.ts';
import type { Bench, Figure } from './harness.ts';

/** The bar of the udp backend: this much, or half of what the same design reaches in C on this machine. */
const WANTED = 1.5;
const SHARE = 0.5;
const ROUNDS = 5;
const SECONDS = 1;
const PORT = 8285;
const DEVICE = 'tun.sluice';
/** Ethernet's MTU less IPv4 and UDP headers. */
const MTU = 1500 - 28;
const KINDS = ['plain route', 'C forwarder', 'udp backend'] as const;
type Kind = (typeof KINDS)[number];

/** All three are set up side by side and measured in turn, so that all meet the same machine. */
export const bench: Bench = {
  name: 'udp',
  about: 'a TCP stream between pods of two nodes over the udp backend, beside the same design in C and a plain route',
  async run(note) {
    note(`${ROUNDS} rounds of ${SECONDS} s for each; iperf3 and both forwarders share this machine's processors`);
    const script = ['--net', '--mount', '--propagation', 'private', process.execPath, fileURLToPath(import.meta.url)];
    const { stdout } = await promisify(execFile)('unshare', [...script, 'measure']);
    return JSON.parse(stdout) as Figure[];
  },
};

if (process.argv[2] === 'measure' && import.meta.main) console.log(JSON.stringify(await measure()));

async function measure(): Promise<Figure[]> {
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/mnt']);
  const kinds = compile() ? KINDS : KINDS.filter((kind) => kind !== 'C forwarder');
  await using stack = new AsyncDisposableStack();
  const samples = new Map<Kind, number[]>(kinds.map((kind) => [kind, []]));
  for (const [index, kind] of kinds.entries()) await setUp(kind, index, stack);
  for (let round = 0; round < ROUNDS; round++)
    for (const [index, kind] of kinds.entries()) samples.get(kind)!.push(stream(index));
  const value = (kind: Kind): number => median(samples.get(kind)!);
  const wanted = kinds === KINDS ? Math.min(WANTED, SHARE * value('C forwarder')) : WANTED;
  return [
    ...kinds.map((figure): Figure => {
      const bar = figure === 'udp backend' ? { bar: { atLeast: wanted } } : {};
      return { figure, value: value(figure), unit: 'Gbit/s', ...bar };
    }),
    ...(kinds === KINDS
      ? [{ figure: 'udp backend / C forwarder', value: value('udp backend') / value('C forwarder'), unit: '' }]
      : []),
  ];
}

/** Whether there is a C forwarder to compare with: machines without a compiler have none. */
function compile(): boolean {
  try {
    execFileSync('gcc', ['-O2', '-o', '/mnt/forwarder', join(import.meta.dirname, 'udp/forwarder.c')]);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Two nodes on one link and a pod behind each, in the namespaces with this index. */
async function setUp(kind: Kind, index: number, stack: AsyncDisposableStack): Promise<void> {
  for (const n of [1, 2]) for (const what of ['node', 'pod']) createNetns(pathOf(index, what, n));
  within(pathOf(index, 'node', 1), (netlink) =>
    netlink.apply([
      {
        kind: 'add-link',
        link: { type: 'veth', name: 'eth0', peer: { name: 'eth0', netns: pathOf(index, 'node', 2) } },
      },
    ]),
  );
  for (const n of [1, 2]) wireNode(index, n);
  for (const n of [1, 2]) {
    const via = kind === 'plain route' ? nodeIp(3 - n) : await tunnel(kind, index, n, stack);
    const link = kind === 'plain route' ? 'eth0' : DEVICE;
    within(pathOf(index, 'node', n), (netlink) =>
      netlink.apply([{ kind: 'add-route', route: { destination: hostCidr(podIp(3 - n)), via, link, onlink: true } }]),
    );
  }
  const server = inNetns(pathOf(index, 'pod', 2), () =>
    spawn('iperf3', ['-s', '--forceflush'], { stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  stack.defer(() => void server.kill('SIGKILL'));
  await once(server.stdout, 'data');
}

function wireNode(index: number, n: number): void {
  const pod = pathOf(index, 'pod', n);
  inNetns(pathOf(index, 'node', n), () => openSysctl().write('net/ipv4/ip_forward', 1));
  within(pathOf(index, 'node', n), (netlink) =>
    netlink.apply([
      { kind: 'set-link', link: 'eth0', up: true },
      { kind: 'add-address', address: { link: 'eth0', address: { ip: nodeIp(n), prefix: 24 } } },
      {
        kind: 'add-link',
        link: { type: 'veth', name: 'pod0', up: true, peer: { name: 'eth0', mtu: MTU, netns: pod } },
      },
      { kind: 'add-address', address: { link: 'pod0', address: hostCidr(gatewayIp(n)) } },
      { kind: 'add-route', route: { destination: hostCidr(podIp(n)), link: 'pod0' } },
    ]),
  );
  const changes: NetworkChange[] = [
    { kind: 'set-link', link: 'eth0', up: true },
    { kind: 'add-address', address: { link: 'eth0', address: hostCidr(podIp(n)) } },
    { kind: 'add-route', route: { destination: hostCidr(gatewayIp(n)), link: 'eth0' } },
    { kind: 'add-route', route: { destination: parseCidr('0.0.0.0/0')!, via: gatewayIp(n), link: 'eth0' } },
  ];
  within(pod, (netlink) => netlink.apply(changes));
}

/** Starts the forwarder of node `n`; returns the next hop behind it. */
async function tunnel(kind: Kind, index: number, n: number, stack: AsyncDisposableStack): Promise<Ip> {
  const node = pathOf(index, 'node', n);
  const [local, remote] = [nodeIp(n), nodeIp(3 - n)];
  if (kind === 'udp backend') {
    const tunnels = inNetns(node, () => openUserTunnels((reason) => console.error(reason)));
    stack.use(tunnels);
    const peers = [{ mac: macOf(3 - n), remote }];
    inNetns(node, () => tunnels.set({ name: DEVICE, mac: macOf(n), local, port: PORT, peers }));
  } else {
    const args = [DEVICE, macOf(n), macOf(3 - n), formatIp(local), formatIp(remote), String(PORT)];
    const child = inNetns(node, () => spawn('/mnt/forwarder', args, { stdio: ['ignore', 'pipe', 'inherit'] }));
    stack.defer(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
  }
  const via = gatewayIp(3 - n);
  within(node, (netlink) =>
    netlink.apply([
      { kind: 'set-link', link: DEVICE, mac: macOf(n), mtu: MTU, up: true },
      { kind: 'replace-neighbour', neighbour: { link: DEVICE, ip: via, mac: macOf(3 - n) } },
    ]),
  );
  return via;
}

/** Gbit/s that one TCP stream from the first pod to the second carries. */
function stream(index: number): number {
  const args = ['-c', formatIp(podIp(2)), '-t', String(SECONDS), '-J'];
  const text = inNetns(pathOf(index, 'pod', 1), () => execFileSync('iperf3', args, { encoding: 'utf8' }));
  const { end } = JSON.parse(text) as { readonly end: { readonly sum_received: { readonly bits_per_second: number } } };
  return end.sum_received.bits_per_second / 1e9;
}

function within(netns: string, act: (netlink: Netlink) => void): void {
  using netlink = openNetlink({ netns });
  act(netlink);
}

function pathOf(index: number, what: string, n: number): string {
  return `/mnt/netns/${index}-${what}-${n}`;
}

function macOf(n: number): string {
  return `02:00:00:00:09:0${n}`;
}

function nodeIp(n: number): Ip {
  return parseIp(`192.0.2.${n}`)!;
}

function podIp(n: number): Ip {
  return parseIp(`10.9.${n}.2`)!;
}

function gatewayIp(n: number): Ip {
  return parseIp(`10.9.${n}.1`)!;
}
