import { describe, expect, it } from 'vitest';
import { expectSuccess } from '../../host/errno.ts';
import { findFastPath } from '../../host/bpf/inspect.test-support.ts';
import type { KnownConnection } from '../../host/bpf/inspect.test-support.ts';
import { openConntrack } from '../../host/conntrack/kernel.ts';
import { NETWORK_POLICIES } from '../../host/kube-client/resources.ts';
import { close, sendto, socket } from '../../host/libc.ts';
import { openNetlink } from '../../host/netlink/kernel.ts';
import { inNetns } from '../../host/netns/netns.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';
import type { TestPod } from './cluster.test-support.ts';
import type { AgentStatus } from './status.ts';

const PATIENCE = 180_000;
const POOLS = ['10.244.0.0/16', 'fd00:10:244::/56'];
const PORT = 9000;
/** More than any window of TCP. */
const MUCH = 200e6;

/** Sends for ever, in pieces that know their place. */
const SENDS = `
  const piece = Buffer.alloc(65536);
  for (let i = 0; i < piece.length; i += 4) piece.writeUInt32BE(i, i);
  require('net').createServer((socket) => {
    const more = () => { while (socket.write(piece)); };
    socket.on('drain', more).on('error', () => {});
    more();
  }).listen({ port: ${PORT}, host: '::' });`;
/** Tells every 50 ms how much has come, or that something has come that was not sent. */
const RECEIVES = `
  let got = 0;
  const receive = () => {
    const socket = require('net').connect(${PORT}, process.argv[1]);
    socket.on('data', (data) => {
      const skip = (4 - (got % 4)) % 4;
      if (data.length >= skip + 4 && data.readUInt32BE(skip) !== (got + skip) % 65536) {
        console.log('wrong');
        process.exit(1);
      }
      got += data.length;
    });
    // The server may not be there yet.
    socket.on('error', (error) => (got === 0 ? setTimeout(receive, 100) : console.log(error.code)));
  };
  receive();
  setInterval(() => console.log(got), 50);`;

/** A stream from one pod to another. */
class Stream {
  /** The last line of the receiver. */
  last = '0';

  constructor(cluster: TestCluster, to: TestPod, address: string) {
    const child = cluster.start(to.netns, [process.execPath, '-e', RECEIVES, address]);
    child.stdout!.on('data', (chunk: Buffer) => (this.last = chunk.toString().trim().split('\n').at(-1)!));
  }

  get bytes(): number {
    return Number(this.last);
  }

  /** Until so much more has come. */
  async more(bytes: number): Promise<void> {
    const goal = this.bytes + bytes;
    await eventually(() => !(this.bytes < goal), PATIENCE);
    expect(this.last).toMatch(/^\d+$/);
  }
}

async function makeCluster(
  backend: 'host-gw' | 'vxlan',
): Promise<{ cluster: TestCluster; from: TestPod; to: TestPod }> {
  const cluster = await TestCluster.create({ backend, pools: POOLS });
  for (const name of ['n1', 'n2']) await cluster.addNode(name, 'a');
  const [from, to] = [await cluster.addPod('n1', 'from'), await cluster.addPod('n2', 'to')];
  cluster.start(from.netns, [process.execPath, '-e', SENDS]);
  await eventually(async () => (await fastDevices(cluster, 'n1')).length > 0, PATIENCE);
  return { cluster, from, to };
}

const statusOf = async (cluster: TestCluster, node: string) => (await cluster.status(node)) as AgentStatus;
const fastDevices = async (cluster: TestCluster, node: string) =>
  (await statusOf(cluster, node)).fastPath?.devices ?? [];

async function read(cluster: TestCluster, node: string, file: string, line: RegExp): Promise<number> {
  const { output } = await cluster.run(cluster.nodes.get(node)!.netns, ['cat', file]);
  return Number(line.exec(output)![1]);
}

/** Packets that the node has routed, of both families. */
async function routed(cluster: TestCluster, node: string): Promise<number> {
  const four = await read(cluster, node, '/proc/net/snmp', /^Ip: [12] \d+ \d+ \d+ \d+ (\d+)/m);
  return four + (await read(cluster, node, '/proc/net/snmp6', /^Ip6OutForwDatagrams\s+(\d+)/m));
}

/** The node's fast path, as the kernel has it. */
const fastPathOf = (cluster: TestCluster, node: string) => findFastPath(cluster.nodes.get(node)!.netns);

/** What the node knows of connections with that address. */
function known(cluster: TestCluster, node: string, address: string): readonly KnownConnection[] {
  return fastPathOf(cluster, node).known.filter(({ source, destination }) => [source, destination].includes(address));
}

/** What it knows of those from that address to another node. */
const knownFrom = (cluster: TestCluster, node: string, address: string): readonly KnownConnection[] =>
  known(cluster, node, address).filter(({ source }) => source === address);

/** Addresses and ports as they stand in a packet. */
function endsOf({ source, destination, ports }: KnownConnection): number[] {
  return [...[source, destination].flatMap((address) => address.split('.').map(Number)), ...ports];
}

/** A frame to a pod's gateway with an acknowledgement of TCP over IPv4 in it; `tag`: as it is in a frame, before the EtherType. */
function frameOf(ends: readonly number[], hops: number, tag: readonly number[] = []): Uint8Array<ArrayBuffer> {
  const header = [0x45, 0, 0, 40, 0, 0, 0, 0, hops, 6, 0, 0, ...ends.slice(0, 8)];
  let sum = 0;
  for (let i = 0; i < header.length; i += 2) sum += (header[i]! << 8) + header[i + 1]!;
  const checksum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
  [header[10], header[11]] = [checksum >> 8, checksum & 0xff];
  const tcp = [...ends.slice(8), 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 1, 0, 0, 0, 0, 0];
  return Uint8Array.from([...Array<number>(6).fill(0xee), 2, 0, 0, 0, 0, 1, ...tag, 8, 0, ...header, ...tcp]);
}

/** Puts frames on the wire of a pod by a packet socket, as a container with CAP_NET_RAW can. */
function sendFrames(netns: string, frames: readonly Uint8Array<ArrayBuffer>[]): void {
  inNetns(netns, () => {
    const [AF_PACKET, SOCK_RAW] = [17, 3];
    using netlink = openNetlink();
    const fd = expectSuccess(socket(AF_PACKET, SOCK_RAW, 0), 'opening a packet socket');
    try {
      // struct sockaddr_ll (linux/if_packet.h)
      const address = new DataView(new ArrayBuffer(20));
      address.setUint16(0, AF_PACKET, true);
      address.setInt32(4, netlink.link('eth0')!.index, true);
      for (const frame of frames)
        expectSuccess(sendto(fd, frame, frame.length, 0, new Uint8Array(address.buffer), 20), 'sending a frame');
    } finally {
      close(fd);
    }
  });
}

const denyAll = {
  metadata: { name: 'deny', namespace: 'default' },
  spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
};
const other = (turn: number) => ({
  metadata: { name: 'other', namespace: 'default' },
  spec: { podSelector: { matchLabels: { turn: String(turn) } }, policyTypes: ['Ingress'] },
});

describe.each(['host-gw', 'vxlan'] as const)('the fast path over %s', { timeout: 4 * PATIENCE }, (backend) => {
  it.each([0, 1])('carries connections past routing, and what arrives is what was sent (address %i)', async (index) => {
    const { cluster, from, to } = await makeCluster(backend);
    await using _ = cluster;
    const address = from.ips[index]!;
    const stream = new Stream(cluster, to, address);
    await stream.more(1e6);
    // Of what passes while so much comes, hardly anything is routed.
    await eventually(async () => {
      const before = await routed(cluster, 'n1');
      await stream.more(MUCH);
      // A packet has 65 536 bytes at most.
      return (await routed(cluster, 'n1')) - before < MUCH / 65_536 / 4;
    }, PATIENCE);
    expect(known(cluster, 'n1', address)).not.toEqual([]);
    expect(known(cluster, 'n2', address)).not.toEqual([]);
    for (const node of ['n1', 'n2']) expect(fastPathOf(cluster, node).tunnels).toBe(backend === 'vxlan' ? 1 : 0);
  });

  it('lets a connection go on that passes all rules again and again, far from where conntrack left it', async () => {
    const { cluster, from, to } = await makeCluster(backend);
    await using _ = cluster;
    const stream = new Stream(cluster, to, from.ips[0]!);
    await cluster.client.create(NETWORK_POLICIES, other(0));
    for (let turn = 1; turn <= 5; turn++) {
      await stream.more(MUCH);
      await cluster.client.update(NETWORK_POLICIES, other(turn));
    }
    await stream.more(MUCH);
  });

  it('has conntrack keep a connection whose acknowledgements it does not see', async () => {
    const { cluster, from, to } = await makeCluster(backend);
    await using _ = cluster;
    const stream = new Stream(cluster, to, from.ips[0]!);
    await stream.more(MUCH);
    using conntrack = openConntrack({ netns: cluster.nodes.get('n1')!.netns });
    const [flow] = conntrack.dump().filter(({ original }) => original.destinationPort === PORT);
    // Five days where nothing is missing, five minutes where an acknowledgement is.
    expect(flow?.timeout).toBeGreaterThan(86_400);
  });

  it('forgets a connection that policy cuts, and lets it live on when policy allows it again', async () => {
    const { cluster, from, to } = await makeCluster(backend);
    await using _ = cluster;
    const address = from.ips[0]!;
    const stream = new Stream(cluster, to, address);
    await stream.more(MUCH);
    await cluster.client.create(NETWORK_POLICIES, denyAll);
    for (const node of ['n1', 'n2'])
      await eventually(async () => (await statusOf(cluster, node)).connections.cut > 0, PATIENCE);
    for (const node of ['n1', 'n2']) expect(known(cluster, node, address)).toEqual([]);
    await cluster.client.delete(NETWORK_POLICIES, { namespace: 'default', name: 'deny' });
    await stream.more(MUCH);
  });

  it('forgets a pod that is gone, and has no program on its interface', async () => {
    const { cluster, from, to } = await makeCluster(backend);
    await using _ = cluster;
    const stream = new Stream(cluster, to, from.ips[0]!);
    await stream.more(MUCH);
    await cluster.removePod(from);
    await eventually(() => known(cluster, 'n1', from.ips[0]!).length === 0, PATIENCE);
    await eventually(() => !fastPathOf(cluster, 'n1').links.some((name) => name.startsWith('slc')), PATIENCE);
    expect((await statusOf(cluster, 'n1')).fastPath?.problem).toBeUndefined();
  });
});

it(
  'does not learn a connection that was cut from packets that have waited for their neighbour',
  { timeout: 4 * PATIENCE },
  async () => {
    const { cluster, from, to } = await makeCluster('host-gw');
    await using _ = cluster;
    const stream = new Stream(cluster, to, from.ips[0]!);
    await stream.more(MUCH);
    const [n1, n2] = ['n1', 'n2'].map((name) => cluster.nodes.get(name)!.netns) as [string, string];
    const nft = async (netns: string, text: string): Promise<void> =>
      expect(await cluster.run(netns, ['nft', text])).toEqual({ code: 0, output: '' });
    // Each packet that has passed all rules teaches, not one of so many.
    const marks = 'iifname slc* ct state established ct mark 0 meta mark set 0x10000000';
    const hook = 'type filter hook forward priority 5';
    await nft(n1, `add table inet test; add chain inet test marks { ${hook}; }; add rule inet test marks ${marks}`);
    await nft(n2, 'add table arp test; add chain arp test deaf { type filter hook input priority 0; policy drop; }');
    const neighbour = ['neighbor', 'show', '172.30.1.12', 'dev', 'eth0'];
    await cluster.run(n1, ['ip', 'neighbor', 'delete', '172.30.1.12', 'dev', 'eth0']);
    findFastPath(n1, true);
    await eventually(async () => (await cluster.run(n1, ['ip', ...neighbour])).output.includes('INCOMPLETE'));
    await cluster.client.create(NETWORK_POLICIES, denyAll);
    await eventually(async () => (await statusOf(cluster, 'n1')).connections.cut > 0, PATIENCE);
    await nft(n2, 'delete table arp test');
    await eventually(async () => {
      await cluster.run(n1, ['ping', '-c', '1', '-W', '1', '172.30.1.12']);
      return (await cluster.run(n1, ['ip', ...neighbour])).output.includes('lladdr');
    });
    expect(knownFrom(cluster, 'n1', from.ips[0]!)).toEqual([]);
    // And what policy allows is learnt again.
    await cluster.client.delete(NETWORK_POLICIES, { namespace: 'default', name: 'deny' });
    await eventually(() => knownFrom(cluster, 'n1', from.ips[0]!).length > 0, PATIENCE);
  },
);

it(
  'takes no packets of a pod that are too big for its node, which the pod hears of again and again',
  { timeout: 4 * PATIENCE },
  async () => {
    const { cluster, from, to } = await makeCluster('host-gw');
    await using _ = cluster;
    const stream = new Stream(cluster, to, from.ips[0]!);
    await stream.more(MUCH);
    const n1 = cluster.nodes.get('n1')!.netns;
    const shrink = async (mtu: string): Promise<void> => {
      await cluster.run(n1, ['ip', 'link', 'set', 'eth0', 'mtu', mtu]);
      await cluster.run(cluster.router, ['ip', 'link', 'set', 'to-n1', 'mtu', mtu]);
    };
    const isThere = (): boolean => fastPathOf(cluster, 'n1').links.some((name) => name.startsWith('slc'));
    await shrink('1400');
    await eventually(() => !isThere(), PATIENCE);
    for (let turn = 0; turn < 3; turn++) {
      // As after ten minutes, when a pod tries whether more passes by now.
      await cluster.run(from.netns, ['ip', 'route', 'flush', 'cache']);
      await stream.more(1e6);
    }
    await shrink('1500');
    await eventually(isThere, PATIENCE);
  },
);

it('goes no other way than routes of somebody else lead', { timeout: 4 * PATIENCE }, async () => {
  const { cluster, from, to } = await makeCluster('host-gw');
  await using _ = cluster;
  const stream = new Stream(cluster, to, from.ips[0]!);
  await stream.more(MUCH);
  const n1 = cluster.nodes.get('n1')!.netns;
  const route = (netns: string, change: string, via: string) =>
    cluster.run(netns, ['ip', 'route', change, `${to.ips[0]!}/32`, 'via', via]);
  const leads = (): boolean => findFastPath(n1).blocks.some((block) => block.startsWith('10.244.'));
  await eventually(leads, PATIENCE);
  // By a gateway that looks at what pods send.
  expect(await route(cluster.router, 'add', '172.30.1.12')).toMatchObject({ code: 0 });
  expect(await route(n1, 'add', '172.30.1.1')).toMatchObject({ code: 0 });
  await eventually(() => !leads(), PATIENCE);
  await stream.more(1e6);
  expect(await route(n1, 'delete', '172.30.1.1')).toMatchObject({ code: 0 });
  await eventually(leads, PATIENCE);
});

it('is gone when the node has an agent for policy alone', { timeout: 4 * PATIENCE }, async () => {
  const { cluster, from, to } = await makeCluster('host-gw');
  await using _ = cluster;
  const stream = new Stream(cluster, to, from.ips[0]!);
  await stream.more(MUCH);
  await cluster.stopAgent('n1');
  await cluster.startAgent('n1', { policyOnly: { prefixes: ['slc'] } });
  expect(fastPathOf(cluster, 'n1').links).toEqual([]);
  await stream.more(MUCH);
});

it(
  'sends none of the frames on that a pod has tagged for another network of its node',
  { timeout: 4 * PATIENCE },
  async () => {
    const { cluster, from, to } = await makeCluster('host-gw');
    await using _ = cluster;
    const stream = new Stream(cluster, to, from.ips[0]!);
    await stream.more(MUCH);
    // What leaves the node, by the hops that it has left.
    const rules = ['vlan id 5 counter', 'ip ttl 76 counter'].map((rule) => `add rule netdev test wire ${rule}`);
    const hook = 'type filter hook ingress device to-n1 priority 0';
    const text = ['add table netdev test', `add chain netdev test wire { ${hook}; }`, ...rules].join('; ');
    expect(await cluster.run(cluster.router, ['nft', text])).toEqual({ code: 0, output: '' });
    const counted = async (): Promise<number[]> => {
      const { output } = await cluster.run(cluster.router, ['nft', 'list', 'table', 'netdev', 'test']);
      return [...output.matchAll(/packets (\d+)/g)].map(([, count]) => Number(count));
    };
    for (let turn = 1; turn <= 5; turn++) {
      await eventually(() => knownFrom(cluster, 'n1', from.ips[0]!).length > 0);
      const ends = endsOf(knownFrom(cluster, 'n1', from.ips[0]!)[0]!);
      sendFrames(from.netns, [
        ...Array<number[]>(20)
          .fill([0x81, 0, 0, 5])
          .map((tag) => frameOf(ends, 70, tag)),
        frameOf(ends, 77),
      ]);
      await eventually(async () => (await counted())[1]! >= turn);
    }
    expect(await counted()).toEqual([0, 5]);
  },
);
