import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openCarriedNetlink } from '../../src/app/agent/carried-netlink.ts';
import { OwnTunnels } from '../../src/app/agent/own-tunnels.ts';
import { FastPath } from '../../src/app/agent/fast-path.ts';
import { ReturnPeers } from '../../src/app/agent/return-peers.ts';
import { formatIp, parseCidr } from '../../src/base/ip/index.ts';
import { jsonLogger, silentLogger } from '../../src/base/log.ts';
import { createCalcEngine } from '../../src/core/calc/index.ts';
import type { Delta } from '../../src/core/calc/index.ts';
import { replaceAll } from '../../src/core/nft/index.ts';
import { namespaceInfo, podEndpoint } from '../../src/core/policy/index.ts';
import {
  DEFAULT_SETTINGS,
  DEFAULT_TUNNELS,
  desiredNetwork,
  diffNetwork,
  fastWays,
  RoutingTable,
} from '../../src/core/routing/index.ts';
import type { BackendName, RoutingChange, RoutingInput } from '../../src/core/routing/index.ts';
import { openBpf } from '../../src/host/bpf/kernel.ts';
import { openNetlink } from '../../src/host/netlink/kernel.ts';
import type { Netlink } from '../../src/host/netlink/port.ts';
import { inNetns } from '../../src/host/netns/netns.ts';
import { openNftables } from '../../src/host/nftables/kernel.ts';
import { openSysctl } from '../../src/host/sysctl/sysctl.ts';
import { median } from '../harness.ts';
import type { Figure } from '../harness.ts';
import { byHand, makePair, MTU, POD_LINK, textOf } from './pair.ts';
import type { PacketSizes, Pair, PairNode } from './pair.ts';

/** Many short ones in turn, so that what else the machine does falls on all alike. */
const ROUNDS = 11;
const SECONDS = 1;
const READY = 'Server listening';
/** How often a node is set up anew while it refuses, and the time between, milliseconds. */
const ATTEMPTS = 20;
const PAUSE = 250;

/** One way from pod to pod. To measure another: a row. */
interface Way {
  readonly name: string;
  /** MTU of the pods: what the way leaves of the wire's. */
  readonly mtu: number;
  readonly sizes?: PacketSizes;
  /** What `stack` is given lives as long as the measurement. */
  readonly setUp: (pair: Pair, stack: AsyncDisposableStack) => void | Promise<void>;
  /** The way that it must come close to. */
  readonly like?: string;
}

const SHARE = 0.95;
/** Three times the usual. */
const LARGE = 196_608;
/** A kernel that holds nothing of Sluice's. */
const NOTHING = { links: [], addresses: [], routes: [], neighbours: [], fdb: [], rules: [], returnRoutes: [] };

const WAYS: readonly Way[] = [
  { name: 'plain route by hand', mtu: MTU, setUp: (pair) => eachNode(pair, plainByHand) },
  { name: 'host-gw', mtu: MTU, setUp: (pair) => eachNode(pair, bySluice('host-gw')), like: 'plain route by hand' },
  // A wire that takes larger packets: the agent lets its pods send such, which nobody does who makes them by hand.
  {
    name: 'plain route by hand, large packets on the wire',
    mtu: MTU,
    sizes: { wire: LARGE },
    setUp: (pair) => eachNode(pair, plainByHand),
  },
  {
    name: 'host-gw, large packets on the wire',
    mtu: MTU,
    sizes: { wire: LARGE, pods: LARGE },
    setUp: (pair) => eachNode(pair, bySluice('host-gw')),
    like: 'plain route by hand, large packets on the wire',
  },
  { name: 'VXLAN by hand', mtu: MTU - 50, setUp: (pair) => eachNode(pair, vxlanByHand) },
  { name: 'vxlan', mtu: MTU - 50, setUp: (pair) => eachNode(pair, bySluice('vxlan')), like: 'VXLAN by hand' },
  { name: 'udp', mtu: MTU - 28, setUp: (pair, stack) => eachCarried(pair, 'udp', stack) },
  ...(existsSync('/usr/sbin/ovs-vswitchd')
    ? [
        {
          name: 'ovs',
          mtu: MTU - 50,
          setUp: (pair: Pair, stack: AsyncDisposableStack) => eachCarried(pair, 'ovs', stack),
        },
      ]
    : []),
];

/** A TCP stream between pods of two nodes, as Sluice sets the nodes up, packet filter and all, and as one would by hand. */
export async function throughput(note: (text: string) => void): Promise<readonly Figure[]> {
  note(`${ROUNDS} rounds of ${SECONDS} s of iperf3 for each way; both ends share this machine's processors`);
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const script = ['--net', '--mount', '--propagation', 'private', process.execPath, fileURLToPath(import.meta.url)];
  const { stdout } = await promisify(execFile)('unshare', [...user, ...script]);
  return JSON.parse(stdout) as Figure[];
}

if (import.meta.main) console.log(JSON.stringify(await measure()));

async function measure(): Promise<Figure[]> {
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/mnt']);
  await using servers = new AsyncDisposableStack();
  const pairs = new Map<Way, Pair>();
  for (const [index, way] of WAYS.entries()) {
    const pair = makePair(`/mnt/way-${index}`, way.mtu, way.sizes);
    await way.setUp(pair, servers);
    pairs.set(way, pair);
    servers.defer(await serve(pair[1]));
  }
  const samples = new Map(WAYS.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round < ROUNDS; round++)
    for (const way of round % 2 === 0 ? WAYS : WAYS.toReversed()) samples.get(way.name)!.push(stream(pairs.get(way)!));
  return WAYS.flatMap(({ name, like }): Figure[] => {
    const value = median(samples.get(name)!);
    const figure = { figure: `${name}: throughput`, value, unit: 'Gbit/s' };
    if (like === undefined) return [figure];
    const ratio = value / median(samples.get(like)!);
    return [figure, { figure: `${name} / ${like}`, value: ratio, unit: '', bar: { atLeast: SHARE } }];
  });
}

/** Starts a server in the node's pod; resolves, when it listens, to what ends it. */
async function serve({ pod }: PairNode): Promise<() => void> {
  const child = inNetns(pod, () =>
    spawn('iperf3', ['--server', '--forceflush'], { stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes(READY)) resolve();
    });
    child.once('exit', (code) => reject(new Error(`iperf3 ended with ${code}`)));
  });
  return () => void child.kill('SIGKILL');
}

/** Gbit/s from the first pod to the second. */
function stream([from, to]: Pair): number {
  const args = ['--client', formatIp(to.podAddress), '--time', String(SECONDS), '--json'];
  const output = inNetns(from.pod, () => execFileSync('iperf3', args, { encoding: 'utf8' }));
  const { end } = JSON.parse(output) as { end: { sum_received: { bits_per_second: number } } };
  return end.sum_received.bits_per_second / 1e9;
}

function eachNode([first, second]: Pair, setUp: (node: PairNode, peer: PairNode) => void): void {
  setUp(first, second);
  setUp(second, first);
}

function plainByHand(node: PairNode, peer: PairNode): void {
  const { far, farBlock } = textOf(node, peer);
  byHand(node.netns, `ip route add ${farBlock} via ${far}`);
}

function vxlanByHand(node: PairNode, peer: PairNode): void {
  const { own, far, ownTunnel, farTunnel, farBlock } = textOf(node, peer);
  const mac = (name: string): string => `66:00:00:00:00:0${name.slice(-1)}`;
  byHand(
    node.netns,
    `ip link add vx0 address ${mac(node.name)} type vxlan id 1 dstport 4789 local ${own} nolearning
    ip link set vx0 mtu ${MTU - 50} up; ip addr add ${ownTunnel}/32 dev vx0
    ip neigh add ${farTunnel} lladdr ${mac(peer.name)} dev vx0 nud permanent
    bridge fdb add ${mac(peer.name)} dev vx0 dst ${far}
    ip route add ${farBlock} via ${farTunnel} dev vx0 onlink`,
  );
}

/** Links and routes from the routing core, the filter from the calculation: what an agent brings into the kernel. */
function bySluice(backend: BackendName) {
  return (node: PairNode, peer: PairNode): void => {
    using netlink = openNetlink({ netns: node.netns });
    setUpNode(backend, netlink, node, peer);
  };
}

/** Backends that the agent carries, or has a switch of its own carry. */
async function eachCarried([first, second]: Pair, backend: BackendName, stack: AsyncDisposableStack): Promise<void> {
  for (const [node, peer] of [
    [first, second],
    [second, first],
  ] as const) {
    const { netns: ref } = node;
    const options = { backend, runDir: `${ref}-run`, netns: { ref, command: ['nsenter', `--net=${ref}`] } };
    const netlink = stack.use(openCarriedNetlink(options, silentLogger));
    // A switch that has just been started is not ready at once.
    for (let attempt = 0; ; attempt++) {
      try {
        netlink.apply(changesOf(backend, node, peer).filter(({ kind }) => kind === 'add-link'));
        break;
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
        await pause(PAUSE);
      }
    }
    setUpNode(backend, netlink, node, peer);
  }
}

function setUpNode(backend: BackendName, netlink: Netlink, node: PairNode, peer: PairNode): void {
  const input = inputOf(backend, node, peer);
  netlink.apply(changesOf(backend, node, peer));
  const engine = createCalcEngine({ node: node.name, families: [4] });
  for (const delta of [...deltas(node, peer), ...networkDeltas(inputOf(backend, node, peer))]) engine.apply(delta);
  engine.flush();
  using filter = openNftables({ netns: node.netns });
  filter.apply(replaceAll(engine.ruleset()));
  const { netns } = node;
  const ways = fastWays(desiredNetwork(input), input.underlay);
  const devices = new Map(netlink.links().map((link) => [link.name, link]));
  const fast = new FastPath({
    openBpf: () => openBpf({ netns }),
    sysctl: openSysctl({ netns }),
    log: jsonLogger({ level: 'warn' }, { write: console.error, now: () => '' }),
    plan: () => ({ ...ways, pods: input.endpoints, wraps: true }),
    links: () => devices,
  });
  fast.update();
  fast.stop();
}

function changesOf(backend: BackendName, node: PairNode, peer: PairNode): readonly RoutingChange[] {
  return diffNetwork(desiredNetwork(inputOf(backend, node, peer)), NOTHING);
}

/** What routing has to say to the packet filter. */
function networkDeltas(input: RoutingInput): readonly Delta[] {
  const { tunnels, returnPeers } = new RoutingTable().update(input);
  const own = new OwnTunnels(
    () => DEFAULT_TUNNELS,
    () => undefined,
  );
  const back = new ReturnPeers(() => undefined);
  own.update(tunnels);
  back.update(returnPeers);
  return [...own.snapshot(), ...back.snapshot()];
}

function inputOf(backend: BackendName, node: PairNode, peer: PairNode): RoutingInput {
  const both = [node, peer];
  return {
    node: node.name,
    backend,
    pools: [],
    nodes: new Map(
      both.map((each) => [
        each.name,
        {
          name: each.name,
          addresses: [each.address],
          tunnelAddresses: { vxlan: [each.tunnel], udp: [each.tunnel], ovs: [each.tunnel] },
        },
      ]),
    ),
    blocks: both.map((each) => ({ cidr: each.block, node: each.name, elsewhere: [] })),
    endpoints: [{ interface: POD_LINK, mac: node.podMac, addresses: [node.podAddress] }],
    underlay: { subnets: [{ ip: node.address, prefix: 24 }], links: ['eth0'], mtu: MTU, peerMtu: new Map() },
    settings: DEFAULT_SETTINGS,
    configuredMtu: 0,
  };
}

function deltas(node: PairNode, peer: PairNode): readonly Delta[] {
  const namespace = namespaceInfo({ metadata: { name: 'default', labels: {} } });
  const pods = [node, peer].map(({ name, podAddress }): Delta => {
    const value = podEndpoint({
      metadata: { name: `on-${name}`, namespace: 'default', labels: {} },
      spec: { nodeName: name, containers: [{ name: 'main', image: 'x' }] },
      status: { phase: 'Running', podIPs: [{ ip: formatIp(podAddress) }] },
    });
    return { kind: 'pod', key: value.key, value };
  });
  const nodes = [node, peer].map(({ name, address, tunnel }): Delta => {
    const value = {
      kind: 'node',
      key: name,
      name,
      labels: {},
      addresses: [address],
      tunnelAddresses: [tunnel],
    } as const;
    return { kind: 'node', key: name, value };
  });
  const pod = `default/on-${node.name}`;
  return [
    { kind: 'namespace', key: namespace.name, value: namespace },
    { kind: 'pool', key: 'pool', value: { name: 'pool', cidr: parseCidr('10.244.0.0/16')!, natOutgoing: true } },
    ...nodes,
    ...pods,
    { kind: 'local-endpoint', key: pod, value: { id: pod, interface: POD_LINK, pod, addresses: [node.podAddress] } },
  ];
}
