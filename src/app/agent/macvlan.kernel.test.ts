import { describe, expect, it } from 'vitest';
import type { MacvlanMode } from '../../core/routing/index.ts';
import { ENDPOINT_SLICES, IP_POOLS, NETWORK_POLICIES, PODS, SERVICES } from '../../host/kube-client/resources.ts';
import { expectSuccess } from '../../host/errno.ts';
import { close, sendto, socket } from '../../host/libc.ts';
import { openNetlink } from '../../host/netlink/kernel.ts';
import { deleteNetns, inNetns } from '../../host/netns/netns.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';
import type { TestPod } from './cluster.test-support.ts';
import { policy, reaches, service, slice } from './workloads.test-support.ts';

/** Parts of segment a's own subnets. */
const POOLS = ['172.30.1.128/25', 'fd00:30:1:0:1::/80'] as const;

function macvlanCluster(mode: MacvlanMode = 'bridge'): Promise<TestCluster> {
  return TestCluster.create({
    backend: 'macvlan',
    pools: POOLS,
    poolSpec: { natOutgoing: false },
    adapt: (options) => ({ ...options, macvlan: { mode } }),
  });
}

/** {@link reaches} for each pair, side by side. */
function all(...pairs: readonly (readonly [TestPod, TestPod])[]): Promise<boolean[]> {
  return Promise.all(pairs.map(([from, to]) => reaches(from, to)));
}

/** An Ethernet frame with one UDP datagram over IPv4 to port 9999, its checksums as they should be or absent. */
function udpFrame(frame: {
  readonly text: string;
  readonly from: string;
  readonly to: string;
  readonly source: string;
  readonly destination: string;
}): Uint8Array<ArrayBuffer> {
  const mac = (text: string) => text.split(':').map((each) => Number.parseInt(each, 16));
  const ip = (text: string) => text.split('.').map(Number);
  const data = [...new TextEncoder().encode(frame.text)];
  const word = (value: number) => [value >> 8, value & 0xff];
  const header = [0x45, 0, ...word(28 + data.length), 0, 0, 0, 0, 64, 17, 0, 0, ...ip(frame.from), ...ip(frame.to)];
  let sum = 0;
  for (let i = 0; i < header.length; i += 2) sum += (header[i]! << 8) + header[i + 1]!;
  const checksum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
  [header[10], header[11]] = word(checksum) as [number, number];
  const udp = [...word(40_000), ...word(9999), ...word(8 + data.length), 0, 0];
  return Uint8Array.from([...mac(frame.destination), ...mac(frame.source), 8, 0, ...header, ...udp, ...data]);
}

/** Puts a frame on the wire by a packet socket, as a container with CAP_NET_RAW can. */
function sendFrame(netns: string, frame: Uint8Array<ArrayBuffer>): void {
  inNetns(netns, () => {
    const [AF_PACKET, SOCK_RAW] = [17, 3];
    using netlink = openNetlink();
    const fd = expectSuccess(socket(AF_PACKET, SOCK_RAW, 0), 'opening a packet socket');
    try {
      // struct sockaddr_ll (linux/if_packet.h)
      const address = new DataView(new ArrayBuffer(20));
      address.setUint16(0, AF_PACKET, true);
      address.setUint16(2, 0x0800);
      address.setInt32(4, netlink.link('eth0')!.index, true);
      // A packet that a hook drops is an error or none, as kernels have it.
      sendto(fd, frame, frame.length, 0, new Uint8Array(address.buffer), 20);
    } finally {
      close(fd);
    }
  });
}

/** Both of them on n1, the third one on n2. */
async function threePods(cluster: TestCluster): Promise<readonly [TestPod, TestPod, TestPod]> {
  await cluster.addNode('n1');
  await cluster.addNode('n2');
  return [
    await cluster.addPod('n1', 'near', { role: 'near' }),
    await cluster.addPod('n1', 'web', { app: 'web' }),
    await cluster.addPod('n2', 'far', { role: 'far' }),
  ];
}

describe('pods on the layer 2 of their nodes', () => {
  it('reach each other, every node, the router and are reached by them, and leave the node as it was', async () => {
    await using cluster = await macvlanCluster();
    await cluster.addNode('n0');
    const node = cluster.nodes.get('n0')!.netns;
    const before = await cluster.run(node, ['ip', '-br', 'address', 'show', 'eth0']);
    const [near, web, far] = await threePods(cluster);
    expect((await cluster.run(web.netns, ['ip', '-d', 'link', 'show', 'eth0'])).output).toContain(
      'macvlan mode bridge',
    );
    await eventually(() => reaches(near, web));
    await eventually(() => reaches(near, far));
    await eventually(() => reaches(far, web));
    for (const address of ['172.30.1.1', '172.30.1.11', '172.30.1.12', 'fd00:30:1::1', 'fd00:30:1::12'])
      expect([address, await cluster.pings(web.netns, address)]).toEqual([address, true]);
    for (const ip of web.ips)
      for (const from of [cluster.router, ...['n0', 'n1'].map((name) => cluster.nodes.get(name)!.netns)])
        await eventually(() => cluster.pings(from, ip));
    expect(await cluster.run(node, ['ip', '-br', 'address', 'show', 'eth0'])).toEqual(before);
    await cluster.removePod(web);
    await eventually(() => reaches(far, near));
    expect(await cluster.pings(cluster.router, web.ips[0]!)).toBe(false);
    expect((await cluster.run(web.netns, ['ip', '-br', 'link'])).output).not.toContain('eth0');
  });

  it('have addresses of their own segment, and reach those of another by its router', async () => {
    await using cluster = await TestCluster.create({
      backend: 'macvlan',
      pools: [],
      adapt: (options) => ({ ...options, macvlan: { mode: 'bridge' } }),
    });
    for (const [node, cidr] of [
      ['n1', '172.30.1.128/25'],
      ['n2', '172.30.2.128/25'],
    ])
      await cluster.client.create(IP_POOLS, {
        metadata: { name: `beside-${node}` },
        spec: { cidr, blockSize: 29, natOutgoing: false, nodeSelector: `kubernetes.io/hostname == '${node}'` },
      } as object);
    await cluster.addNode('n1', 'a');
    await cluster.addNode('n2', 'b');
    const [a, b] = [await cluster.addPod('n1', 'a'), await cluster.addPod('n2', 'b')];
    expect(b.ips[0]).toMatch(/^172\.30\.2\./);
    await expect.poll(() => all([a, b], [b, a])).toEqual([true, true]);
    await cluster.client.create(NETWORK_POLICIES, policy('deny', { podSelector: {}, policyTypes: ['Ingress'] }));
    await eventually(async () => !(await all([a, b], [b, a])).some(Boolean));
  });

  it('obey policies at both ends, on one node and between nodes, and what changes in them', async () => {
    await using cluster = await macvlanCluster();
    const [near, web, far] = await threePods(cluster);
    await cluster.client.create(
      NETWORK_POLICIES,
      policy('web', {
        podSelector: { matchLabels: { app: 'web' } },
        ingress: [{ from: [{ podSelector: { matchLabels: { may: 'yes' } } }], ports: [{ port: 80 }] }],
      }),
    );
    await eventually(async () => !(await reaches(near, web)));
    const nodes = ['n1', 'n2'].map((name) => cluster.nodes.get(name)!.netns);
    await expect.poll(() => all([far, web], [web, far], [web, near])).toEqual([false, true, true]);
    await expect.poll(() => Promise.all(nodes.map((node) => cluster.pings(node, web.ips[0]!)))).toEqual([true, false]);
    for (const client of [near, far])
      await cluster.client.patch(PODS, client, 'merge', { metadata: { labels: { may: 'yes' } } });
    await eventually(async () => (await all([near, web], [far, web])).every(Boolean));
    const other = [near, far].map((client) => reaches(client, web, 81));
    expect(await Promise.all(other)).toEqual([false, false]);
    const deny = policy('no-way-out', { podSelector: { matchLabels: { role: 'near' } }, policyTypes: ['Egress'] });
    await cluster.client.create(NETWORK_POLICIES, deny);
    await eventually(async () => !(await cluster.pings(near.netns, '172.30.1.1')));
    // A pod that comes late is under policy before its ADD returns.
    const late = await cluster.addPod('n2', 'late', { app: 'web' });
    expect(await all([near, web], [web, late])).toEqual([false, false]);
    await expect.poll(() => all([far, near], [far, late])).toEqual([true, true]);
  });

  it('keep their policy while no agent runs, and get what changed meanwhile from the next one', async () => {
    await using cluster = await macvlanCluster();
    const [near, web] = await threePods(cluster);
    await cluster.client.create(NETWORK_POLICIES, policy('deny', { podSelector: {}, policyTypes: ['Ingress'] }));
    await eventually(async () => !(await reaches(near, web)));
    await cluster.stopAgent('n1');
    await cluster.client.delete(NETWORK_POLICIES, { namespace: 'default', name: 'deny' });
    expect(await reaches(near, web)).toBe(false);
    await cluster.startAgent('n1');
    await eventually(() => reaches(near, web));
    // Somebody with the right to do so takes the table away.
    await cluster.client.create(NETWORK_POLICIES, policy('deny', { podSelector: {}, policyTypes: ['Ingress'] }));
    await eventually(async () => !(await reaches(near, web)));
    for (const family of ['netdev', 'inet']) await cluster.run(web.netns, ['nft', 'delete', 'table', family, 'sluice']);
    await eventually(() => reaches(near, web));
    await cluster.stopAgent('n1');
    await cluster.startAgent('n1');
    expect(await reaches(near, web)).toBe(false);
    // The node's addresses, too, are looked at anew.
    await cluster.stopAgent('n1');
    const node = cluster.nodes.get('n1')!.netns;
    await cluster.run(node, ['ip', 'address', 'add', '172.30.1.77/24', 'dev', 'eth0']);
    await cluster.startAgent('n1');
    await eventually(() => cluster.pings(web.netns, '172.30.1.77'));
    const check = { ...web.request, command: 'CHECK' } as const;
    await cluster.cni('n1', check);
    const again = (await cluster.cni('n1', web.request)) as { ips: readonly { address: string; gateway: string }[] };
    expect(again.ips[0]).toMatchObject({ address: `${web.ips[0]}/24`, gateway: '172.30.1.1' });
  });

  it('send nothing past their egress policies by packet sockets, nor under another address', async () => {
    await using cluster = await macvlanCluster();
    const [near, web] = await threePods(cluster);
    await cluster.client.create(
      NETWORK_POLICIES,
      policy('no-way-out', { podSelector: { matchLabels: { role: 'near' } }, policyTypes: ['Egress'] }),
    );
    await eventually(async () => !(await cluster.pings(near.netns, web.ips[0]!)));
    const script = `const s = require('dgram').createSocket('udp4'); s.on('message', (m) => console.log(String(m))); s.bind(9999)`;
    let heard = '';
    cluster.start(web.netns, [process.execPath, '-e', script]).stdout!.on('data', (data) => (heard += String(data)));
    const macOf = ({ netns }: TestPod): string => {
      using netlink = openNetlink({ netns });
      return netlink.link('eth0')!.mac!;
    };
    const frame = (text: string, from: string, mac: string) =>
      udpFrame({ text, from, to: web.ips[0]!, source: mac, destination });
    const [own, destination] = [macOf(near), macOf(web)];
    const send = () => {
      sendFrame(near.netns, frame('own', near.ips[0]!, own));
      sendFrame(near.netns, frame('stolen', '172.30.1.1', own));
    };
    for (let i = 0; i < 3; i++) send();
    // The guard away, the same frames arrive: what was silent before was silent because of it.
    await cluster.run(near.netns, ['nft', 'delete', 'table', 'netdev', 'sluice']);
    await eventually(async () => {
      sendFrame(near.netns, frame('late', near.ips[0]!, own));
      await cluster.pings(web.netns, web.ips[0]!);
      return heard.includes('late');
    });
    expect(heard).not.toMatch(/own|stolen/);
  });

  it('go with their namespaces, whether or not anybody says so first', async () => {
    await using cluster = await macvlanCluster();
    const [near, web] = await threePods(cluster);
    deleteNetns(web.netns);
    await cluster.client.create(NETWORK_POLICIES, policy('deny', { podSelector: {}, policyTypes: ['Ingress'] }));
    await eventually(async () => !(await cluster.pings(cluster.router, near.ips[0]!)));
    await cluster.removePod(web);
    await cluster.stopAgent('n1');
    deleteNetns(near.netns);
    await cluster.startAgent('n1');
    const late = await cluster.addPod('n1', 'late');
    await eventually(() => cluster.pings(cluster.nodes.get('n1')!.netns, late.ips[0]!));
    // Of the pod that went meanwhile nobody has told the agent.
    const { packetFilter } = (await cluster.status('n1')) as { packetFilter: object };
    expect(packetFilter).toMatchObject({ programmed: true, podTables: {} });
    expect(packetFilter).not.toHaveProperty('error');
  });

  it('have a live connection cut that policy now denies, whichever end is told', async () => {
    await using cluster = await macvlanCluster();
    const [near, web, far] = await threePods(cluster);
    cluster.start(web.netns, ['busybox', 'nc', '-ll', '-p', '80', '-e', 'busybox', 'cat']);
    await eventually(async () =>
      (await cluster.run(web.netns, ['busybox', 'netstat', '-ltn'])).output.includes(':80 '),
    );
    const streams = [near, far].map((pod) => {
      const child = cluster.start(pod.netns, [
        'sh',
        '-c',
        `while :; do echo tick; sleep 0.05; done | busybox nc ${web.ips[0]} 80`,
      ]);
      let seen = 0;
      child.stdout!.on('data', () => seen++);
      return () => seen;
    }) as [() => number, () => number];
    await eventually(() => streams.every((seen) => seen() > 3));
    await cluster.client.create(
      NETWORK_POLICIES,
      policy('far-only', {
        podSelector: { matchLabels: { app: 'web' } },
        ingress: [{ from: [{ podSelector: { matchLabels: { role: 'far' } } }] }],
      }),
    );
    const [nearSeen, farSeen] = streams;
    const isCut = async (seen: () => number): Promise<boolean> => {
      const [a, b] = [seen(), farSeen()];
      await eventually(() => farSeen() > b + 5);
      return seen() === a;
    };
    await eventually(() => isCut(nearSeen));
    await cluster.client.delete(NETWORK_POLICIES, { namespace: 'default', name: 'far-only' });
    const before = nearSeen();
    await eventually(() => nearSeen() > before);
  });

  it('use Services and are used through them, over either link, with the client known where it comes in', async () => {
    await using cluster = await macvlanCluster();
    const [near, web, far] = await threePods(cluster);
    cluster.serve(web, 6);
    await cluster.client.create(SERVICES, service('10.96.0.1', 'fd00:10:96::1'));
    for (const family of [4, 6] as const) await cluster.client.create(ENDPOINT_SLICES, slice(web, family));
    const ask = async (netns: string, address: string, port: number) =>
      (await cluster.run(netns, ['busybox', 'timeout', '2', 'busybox', 'nc', address, String(port)])).output;
    for (const pod of [near, far, web]) {
      await eventually(async () => (await ask(pod.netns, '10.96.0.1', 80)) === `web ::ffff:${pod.ips[0]}`);
      await expect.poll(() => ask(pod.netns, 'fd00:10:96::1', 80)).toBe(`web ${pod.ips[1]}`);
      // Of its own node and of another one.
      for (const node of ['172.30.1.11', '172.30.1.12'])
        await expect.poll(() => ask(pod.netns, node, 30_080)).toBe(`web ::ffff:${pod.ips[0]}`);
    }
    // The backend's node leads a client of outside to it by the second link, and the answers take it, too.
    await expect.poll(() => ask(cluster.router, '172.30.1.11', 30_080)).toBe('web ::ffff:172.30.1.1');
    await expect.poll(() => ask(cluster.router, 'fd00:30:1::11', 30_080)).toBe('web fd00:30:1::1');
    // Another node can only be answered if it takes the client's place.
    await expect.poll(() => ask(cluster.router, '172.30.1.12', 30_080)).toBe('web ::ffff:172.30.1.12');
    // Translation turns the packet from one link to the other, and the policy is asked all the same.
    const noWayOut = { podSelector: { matchLabels: { role: 'near' } }, policyTypes: ['Egress'] };
    await cluster.client.create(NETWORK_POLICIES, policy('no-way-out', noWayOut));
    await eventually(async () => (await ask(near.netns, '10.96.0.1', 80)) === '');
    expect(await ask(near.netns, '172.30.1.11', 30_080)).toBe('');
    await cluster.client.delete(NETWORK_POLICIES, { namespace: 'default', name: 'no-way-out' });
    await eventually(async () => (await ask(near.netns, '172.30.1.11', 30_080)) !== '');
    const onlyRouter = { from: [{ ipBlock: { cidr: '172.30.1.1/32' } }] };
    await cluster.client.create(NETWORK_POLICIES, policy('outside', { podSelector: {}, ingress: [onlyRouter] }));
    await eventually(async () => (await ask(near.netns, '10.96.0.1', 80)) === '');
    await expect.poll(() => ask(cluster.router, '172.30.1.11', 30_080)).toBe('web ::ffff:172.30.1.1');
    expect(await ask(cluster.router, '172.30.1.12', 30_080)).toBe('');
  });

  it('are answered by the new endpoint of a Service, over the socket that they talked to the old one with', async () => {
    await using cluster = await macvlanCluster();
    const [near, web, far] = await threePods(cluster);
    for (const pod of [web, far]) cluster.serve(pod);
    await cluster.client.create(SERVICES, service('10.96.0.1'));
    await cluster.client.create(ENDPOINT_SLICES, slice(web));
    const last = cluster.converse(near, '10.96.0.1');
    await eventually(() => last().startsWith('web '));
    await cluster.client.delete(ENDPOINT_SLICES, { namespace: 'default', name: 'web-4' });
    await cluster.client.create(ENDPOINT_SLICES, slice(far));
    await eventually(() => last().startsWith('far '));
  });

  it.each([
    ['private', true, false],
    ['vepa', false, false],
    ['vepa', true, true],
  ] as const)(
    'in mode %s, with a switch that sends frames back: %s, reach others of their node: %s',
    async (mode, hairpin, reached) => {
      await using cluster = await macvlanCluster(mode);
      const [near, web, far] = await threePods(cluster);
      if (hairpin)
        await cluster.run(cluster.router, ['ip', 'link', 'set', 'to-n1', 'type', 'bridge_slave', 'hairpin', 'on']);
      await eventually(() => reaches(far, web));
      await expect.poll(() => reaches(near, web)).toBe(reached);
      await cluster.client.create(NETWORK_POLICIES, policy('deny', { podSelector: {}, policyTypes: ['Ingress'] }));
      await eventually(async () => !(await reaches(far, web)));
      expect(await reaches(near, web)).toBe(false);
    },
  );

  it('have a device to themselves in mode passthru, and the second pod hears why it has none', async () => {
    await using cluster = await macvlanCluster('passthru');
    await cluster.addNode('n1');
    const first = await cluster.addPod('n1', 'first');
    expect((await cluster.run(first.netns, ['ip', '-d', 'link', 'show', 'eth0'])).output).toContain('mode passthru');
    await expect(cluster.addPod('n1', 'second')).rejects.toThrow(/cannot wire pod default\/second/);
  });
});

describe('the network of such pods', () => {
  const config = { cniVersion: '1.1.0', name: 'k8s-pod-network', type: 'sluice' };

  it('is refused with what is wrong with its configuration, and costs no address', async () => {
    await using cluster = await macvlanCluster();
    await cluster.addNode('n1');
    const { request } = await cluster.addPod('n1', 'a');
    const add = async (more: object) => {
      await cluster.cni('n1', { ...request, command: 'DEL' });
      return cluster.cni('n1', { ...request, config: { ...config, ...more } });
    };
    await expect(add({ master: 'eth7' })).rejects.toThrow(/no device eth7 to be the macvlan master.*it has eth0/);
    await expect(add({ mode: 'brigde' })).rejects.toThrow(/'brigde', must be one of bridge, private, vepa, passthru/);
    await expect(add({ linkInContainer: true })).rejects.toThrow(/linkInContainer/);
    await add({ master: 'eth0', mode: 'private' });
    await cluster.cni('n1', { ...request, command: 'DEL' });
    const { blocks } = (await cluster.status('n1')) as { blocks: { used: number }[] };
    expect(blocks.map(({ used }) => used)).toEqual([0, 0]);
  });

  it('is refused where the pool is no part of the segment', async () => {
    await using cluster = await TestCluster.create({
      backend: 'macvlan',
      adapt: (options) => ({ ...options, macvlan: { mode: 'bridge' } }),
    });
    await cluster.addNode('n1');
    await expect(cluster.addPod('n1', 'a')).rejects.toThrow(
      /in no subnet of macvlan master eth0 \(172\.30\.1\.11\/24\)/,
    );
  });

  it('takes its addresses from what the nodes, their router and the subnet itself leave of the pool', async () => {
    await using cluster = await TestCluster.create({
      backend: 'macvlan',
      // Eight blocks, of which one has the router, one the nodes, and the last the address for all.
      pools: ['172.30.1.0/28', '172.30.1.248/29'],
      poolSpec: { blockSize: 30, natOutgoing: false },
      adapt: (options) => ({ ...options, macvlan: { mode: 'bridge' } }),
    });
    await cluster.addNode('n1');
    const addresses = new Set<string>();
    for (let i = 0; i < 12; i++) {
      const added = await cluster.addPod('n1', `pod-${i}`).catch(() => undefined);
      if (added !== undefined) addresses.add(added.ips[0]!);
    }
    const range = (first: number) => [0, 1, 2, 3].map((i) => `172.30.1.${first + i}`);
    expect([...addresses].toSorted()).toEqual([...range(4), ...range(12), ...range(248)].toSorted());
  });

  it('is reported when its device is gone', async () => {
    await using cluster = await TestCluster.create({
      backend: 'macvlan',
      pools: POOLS,
      adapt: (options) => ({ ...options, macvlan: { mode: 'bridge', master: 'spare' } }),
    });
    await cluster.addNode('n1', 'a', { agent: false });
    const { netns } = cluster.nodes.get('n1')!;
    await cluster.run(netns, ['ip', 'link', 'add', 'spare', 'type', 'bridge']);
    await cluster.startAgent('n1');
    await expect(cluster.addPod('n1', 'a')).rejects.toThrow(/macvlan master spare \(no IPv4 address\)/);
    await cluster.run(netns, ['ip', 'link', 'del', 'spare']);
    const status = { command: 'STATUS', containerId: '', netns: '', ifname: '', args: '', path: '', config } as const;
    await expect(cluster.cni('n1', status)).rejects.toThrow(/no device spare to be the macvlan master/);
  });
});
