import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { formatIp, parseCidr, parseIp } from '../../src/base/ip/index.ts';
import type { Cidr, Ip } from '../../src/base/ip/index.ts';
import { silentLogger } from '../../src/base/log.ts';
import { NetworkDriver } from '../../src/app/agent/network-driver.ts';
import { RoutingView } from '../../src/app/agent/routing-view.ts';
import { knownNode } from '../../src/app/agent/routing-objects.ts';
import type { KnownNode } from '../../src/app/agent/routing-objects.ts';
import { DEFAULT_SETTINGS } from '../../src/core/routing/index.ts';
import type { BackendName, RoutingBlock } from '../../src/core/routing/index.ts';
import { openNetlink } from '../../src/host/netlink/kernel.ts';
import type { Netlink } from '../../src/host/netlink/port.ts';
import { openSysctl } from '../../src/host/sysctl/sysctl.ts';
import { median } from '../harness.ts';
import type { Figure } from '../harness.ts';

const NODES = 1000;
/** Changes of one node that are measured, after some that warm up. */
const ROUNDS = 100;
const WARM_UP = 20;
const SELF = 'node-0';

/** 1000 nodes join at once, then change one by one: the agent's driver of routes over the real kernel. */
export async function scale(note: (text: string) => void): Promise<readonly Figure[]> {
  note(`${NODES} nodes join, then ${ROUNDS} of them change their address`);
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const script = [process.execPath, fileURLToPath(import.meta.url), 'vxlan', 'host-gw'];
  const { stdout } = await promisify(execFile)('unshare', [...user, '--net', ...script]);
  return JSON.parse(stdout) as Figure[];
}

if (import.meta.main) {
  const results: Figure[] = [];
  for (const backend of process.argv.slice(2)) results.push(...(await measure(backend as BackendName)));
  console.log(JSON.stringify(results));
}

/** A node whose driver is the agent's, over the real kernel; its peers are entries of maps, as the watch would keep them. */
async function measure(backend: BackendName): Promise<Figure[]> {
  const device = `eth-${backend}`;
  using kernel = openNetlink();
  kernel.apply([
    { kind: 'set-link', link: 'lo', up: true },
    { kind: 'add-link', link: { type: 'veth', name: device, peer: { name: `far-${backend}` } } },
    // An address that the kernel makes after a while would be news, and news are looked into.
    { kind: 'set-link', link: device, ipv6AddressGeneration: 'none' },
    { kind: 'set-link', link: `far-${backend}`, up: true, ipv6AddressGeneration: 'none' },
    { kind: 'set-link', link: device, up: true },
    { kind: 'add-address', address: { link: device, address: cidr(addressOf(0), 16) } },
  ]);
  const { netlink, reads } = counting(kernel);
  const nodes = new Map<string, KnownNode>([[SELF, nodeOf(0)]]);
  const blocks = new Map<string, RoutingBlock>([['0', blockOf(0)]]);
  const view = new RoutingView(
    { node: SELF, backend, mtu: 0 },
    {
      netlink,
      nodes: () => nodes,
      blocks: () => blocks.values(),
      tunnels: () => nodeOf(0).routing.tunnelAddresses,
      pools: () => [],
      settings: () => DEFAULT_SETTINGS,
      endpoints: () => [],
      plainSources: () => false,
      encrypted: () => [],
    },
  );
  const driver = new NetworkDriver({
    netlink,
    sysctl: openSysctl(),
    log: silentLogger,
    input: () => view.input(),
    onUnderlayChanged: () => view.underlayChanged(),
    onReturnPeers: () => undefined,
  });
  driver.start();
  for (let n = 1; n <= NODES; n++) {
    nodes.set(`node-${n}`, nodeOf(n));
    blocks.set(String(n), blockOf(n));
  }
  const cpu = process.cpuUsage();
  const joining = await timed(driver);
  const { user, system } = process.cpuUsage(cpu);
  expectAll(driver, kernel, backend);
  await quiet();
  const readBefore = reads();
  const resyncs = driver.status().resyncs;
  const changes: number[] = [];
  for (let round = 0; round < ROUNDS + WARM_UP; round++) {
    const n = 1 + round;
    // The node comes back with another address.
    nodes.set(`node-${n}`, nodeOf(n, NODES + 1 + n));
    const took = await timed(driver);
    if (round >= WARM_UP) changes.push(took);
    await quiet();
  }
  expectAll(driver, kernel, backend);
  const read = reads() - readBefore + driver.status().resyncs - resyncs;
  driver.stop();
  kernel.apply([{ kind: 'delete-link', link: device }]);
  if (backend === 'vxlan') kernel.apply([{ kind: 'delete-link', link: 'vxlan.sluice' }]);
  return [
    { figure: `${backend}: ${NODES} nodes joining`, value: joining / 1000, unit: 's', bar: { atMost: 1 } },
    { figure: `${backend}: processor time of that`, value: (user + system) / 1e6, unit: 's' },
    { figure: `${backend}: one node's change`, value: median(changes), unit: 'ms', bar: { atMost: 5 } },
    {
      figure: `${backend}: dumps of the kernel in ${ROUNDS + WARM_UP} changes`,
      value: read,
      unit: '',
      bar: { atMost: 0 },
    },
  ];
}

/** Milliseconds from the news to the end of the reconciliation. */
async function timed(driver: NetworkDriver): Promise<number> {
  const start = performance.now();
  driver.changed();
  await new Promise((resolve) => setImmediate(resolve));
  return performance.now() - start;
}

/** The kernel's events of our own changes have been heard. */
function quiet(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

function expectAll(driver: NetworkDriver, kernel: Netlink, backend: BackendName): void {
  const { error, problems } = driver.status();
  const routes = kernel.routes({ protocol: 80, family: 4, table: 254 }).filter(({ type }) => type === 'unicast').length;
  const entries = backend === 'vxlan' ? kernel.fdb({ link: 'vxlan.sluice' }).length : NODES;
  if (error !== undefined || problems.length > 0 || routes !== NODES || entries !== NODES)
    throw new Error(
      `${backend}: ${routes} routes, ${entries} entries; ${error ?? problems[0]?.message ?? 'incomplete'}`,
    );
}

/** `netlink`, counting how often a whole table of the kernel is read. */
function counting(netlink: Netlink): { readonly netlink: Netlink; readonly reads: () => number } {
  let reads = 0;
  const dumps = new Set<PropertyKey>(['links', 'addresses', 'routes', 'neighbours', 'fdb', 'rules']);
  const proxy = new Proxy(netlink, {
    get: (target, name) => {
      if (dumps.has(name)) reads++;
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { netlink: proxy, reads: () => reads };
}

function nodeOf(n: number, address = n): KnownNode {
  const tunnel: Ip = { family: 4, value: blockOf(n).cidr.ip.value + 1n };
  return knownNode({
    metadata: {
      name: `node-${n}`,
      annotations: {
        'projectcalico.org/IPv4VXLANTunnelAddr': formatIp(tunnel),
        'sluice.dev/underlay-macs': `02:00:00:00:${hex(n >> 8)}:${hex(n & 255)}`,
      },
    },
    status: { addresses: [{ type: 'InternalIP', address: formatIp(addressOf(address)) }] },
  });
}

function blockOf(n: number): RoutingBlock {
  const ip: Ip = { family: 4, value: parseIp('10.128.0.0')!.value + BigInt(n) * 64n };
  return { cidr: cidr(ip, 26), node: `node-${n}`, elsewhere: [] };
}

function addressOf(n: number): Ip {
  return { family: 4, value: parseCidr('172.30.1.0/24')!.ip.value + BigInt(n) };
}

function cidr(ip: Ip, prefix: number): Cidr {
  return { ip, prefix };
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
