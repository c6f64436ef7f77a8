import { describe, expect, it } from 'vitest';
import { ENDPOINT_SLICES, FELIX_CONFIGURATIONS, NODES, SERVICES } from '../../host/kube-client/resources.ts';
import { kernelMakes } from '../../host/netlink/rare-links.test-support.ts';
import { answers, unanswered } from '../../host/probe/echo-stream.test-support.ts';
import { openWireguard } from '../../host/wireguard/kernel.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';
import type { TestPod } from './cluster.test-support.ts';
import { PATIENCE, expectConnected, expectMtu, reaches, scene } from './tunnel-scene.test-support.ts';
import type { Scene } from './tunnel-scene.test-support.ts';

const PINGS = 500;
const [FELIX] = FELIX_CONFIGURATIONS as readonly [(typeof FELIX_CONFIGURATIONS)[number]];

/** Service 10.96.0.1:80, NodePort 30080, with one backend. */
async function offer({ cluster }: Scene, { name, node, ips }: TestPod): Promise<void> {
  await cluster.client.create(SERVICES, {
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      type: 'NodePort',
      clusterIP: '10.96.0.1',
      clusterIPs: ['10.96.0.1'],
      ipFamilies: ['IPv4'],
      ports: [{ name: 'web', port: 80, nodePort: 30080, protocol: 'TCP' }],
    },
  } as object);
  await cluster.client.create(ENDPOINT_SLICES, {
    metadata: { name: 'web-4', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'web', port: 8080, protocol: 'TCP' }],
    endpoints: [
      {
        addresses: [ips[0]],
        conditions: { ready: true },
        nodeName: node,
        targetRef: { kind: 'Pod', namespace: 'default', name },
      },
    ],
  } as object);
}

/** Who answers at an address, and whom it sees. */
const asker = (cluster: TestCluster) => async (netns: string, address: string, port: string) =>
  (await cluster.run(netns, ['busybox', 'timeout', '3', 'busybox', 'nc', address, port])).output;

/** A pod, a node and a client outside reach the Service whose backend is on another node, which sees who they are. */
async function expectServices(setting: Scene): Promise<void> {
  const { cluster, first, near } = setting;
  cluster.serve(near);
  await offer(setting, near);
  const ask = asker(cluster);
  await eventually(async () => (await ask(first.netns, '10.96.0.1', '80')) === `near ${first.ips[0]}`, PATIENCE);
  const node = cluster.nodes.get('n1')!.netns;
  await eventually(async () => (await ask(node, '10.96.0.1', '80')).startsWith('near '), PATIENCE);
  const client = 'near 172.30.1.1';
  await eventually(async () => (await ask(cluster.router, '172.30.1.11', '30080')) === client, PATIENCE);
  expect(await cluster.run(cluster.router, ['ip', 'route', 'add', '10.96.0.1', 'via', '172.30.1.11'])).toMatchObject({
    code: 0,
  });
  await eventually(async () => (await ask(cluster.router, '10.96.0.1', '80')) === client, PATIENCE);
  await eventually(() => reaches(setting, '172.30.1.1'));
}

describe.skipIf(!kernelMakes('ipip'))('pods over IP-in-IP', { timeout: 4 * PATIENCE }, () => {
  it.each([
    ['Always', 1480],
    ['CrossSubnet', 1480],
  ])('reach each other, Services and the outside with ipipMode %s', async (ipipMode, mtu) => {
    const setting = await scene('vxlan', { pools: ['10.244.0.0/16'], poolSpec: { ipipMode } });
    await using cluster = setting.cluster;
    await expectConnected(setting);
    await expectServices(setting);
    await expectMtu(setting, setting.far!.ips[0]!, mtu);
    await expectMtu(setting, setting.beside.ips[0]!, mtu);
    // What is in the way of the tunnel alone.
    const blocked = ['nft', 'add table inet t; add chain inet t c { type filter hook prerouting priority -500; }; '];
    blocked[1] += 'add rule inet t c iifname "eth0" ip protocol 4 drop';
    await cluster.run(cluster.nodes.get('n2')!.netns, blocked);
    await cluster.run(cluster.nodes.get('n3')!.netns, blocked);
    expect(await reaches(setting, setting.far!.ips[0]!)).toBe(false);
    await expect.poll(() => reaches(setting, setting.near.ips[0]!)).toBe(ipipMode === 'CrossSubnet');
  });
});

const IPIP_PLAIN = { ipipMode: 'Always', natOutgoing: false };

describe.skipIf(!kernelMakes('ipip'))('pods that keep their address over IP-in-IP', { timeout: 4 * PATIENCE }, () => {
  it('are answered by Services through any node, as themselves', async () => {
    const setting = await scene('vxlan', { pools: ['10.244.0.0/16'], poolSpec: IPIP_PLAIN });
    await using cluster = setting.cluster;
    cluster.serve(setting.near);
    await offer(setting, setting.near);
    const ask = asker(cluster);
    const { first } = setting;
    for (const entry of ['172.30.1.11', '172.30.1.12', '172.30.2.13'])
      await eventually(async () => (await ask(first.netns, entry, '30080')) === `near ${first.ips[0]}`, PATIENCE);
    // An address that the Node object lacks: the node that has it stands for the client.
    const n3 = cluster.nodes.get('n3')!.netns;
    expect(await cluster.run(n3, ['ip', 'address', 'add', '172.30.2.99/24', 'dev', 'eth0'])).toMatchObject({ code: 0 });
    await eventually(async () => (await ask(first.netns, '172.30.2.99', '30080')).startsWith('near '), PATIENCE);
  });
});

const switchOn = (cluster: TestCluster) =>
  cluster.client.create(FELIX, {
    metadata: { name: 'default' },
    spec: { wireguardEnabled: true, wireguardEnabledV6: true },
  } as object);

interface Wireguard {
  readonly devices: readonly { readonly device: string; readonly peers: number; readonly greeted: number }[];
}

/** Until every node sends to every other by its usual devices, whose present keys have answered. */
async function encrypted({ cluster }: Scene): Promise<void> {
  await eventually(async () => {
    const statuses = await Promise.all([...cluster.nodes.keys()].map((node) => cluster.status(node)));
    return statuses.every((status) => {
      const devices = (status as { wireguard?: Wireguard }).wireguard?.devices ?? [];
      const usual = devices.filter(({ device }) => device === 'wg.sluice' || device === 'wg-v6.sluice');
      return (
        usual.length === 2 &&
        usual.every(({ peers, greeted }) => peers === cluster.nodes.size - 1 && peers === greeted) &&
        usual.every((device) => (device as { silent?: readonly string[] }).silent?.length === 0)
      );
    });
  }, PATIENCE);
}

/** From now on nodes take nothing from the network but WireGuard and what finds neighbours. */
async function refusePlain({ cluster }: Scene): Promise<void> {
  const rules = [
    'add table inet plain',
    'add chain inet plain c { type filter hook prerouting priority -500; }',
    'add rule inet plain c iifname "eth0" udp dport 51820-51823 accept',
    'add rule inet plain c iifname "eth0" icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept',
    'add rule inet plain c iifname "eth0" drop',
  ].join('; ');
  for (const { netns } of cluster.nodes.values()) {
    const { code, output } = await cluster.run(netns, ['nft', rules]);
    expect([code, output]).toEqual([0, '']);
  }
}

/** Sends echo requests, twenty a second, for longer than a change of keys takes. Resolves to what ping printed. */
async function pinging(cluster: TestCluster, { netns }: TestPod, address: string): Promise<string> {
  return (await cluster.run(netns, ['ping', '-c', String(PINGS), '-i', '0.05', address])).output;
}

describe.skipIf(!kernelMakes('wireguard'))('pods over WireGuard', { timeout: 4 * PATIENCE }, () => {
  it.each([
    ['vxlan', 1420],
    ['host-gw', 1420],
  ] as const)('are encrypted between nodes whose backend is %s, and reach everything', async (backend, mtu) => {
    const setting = await scene(backend, {}, switchOn);
    await using _ = setting.cluster;
    await encrypted(setting);
    await expectServices(setting);
    await refusePlain(setting);
    await expectConnected(setting);
    for (const address of setting.near.ips) await expectMtu(setting, address, mtu);
  });

  it('lose nothing while it is switched on, and off', async () => {
    const setting = await scene('vxlan', {});
    await using cluster = setting.cluster;
    await expectConnected(setting);
    const stream = cluster.run(setting.first.netns, ['ping', '-i', '0.05', '-c', '300', setting.near.ips[0]!]);
    await switchOn(cluster);
    await encrypted(setting);
    await cluster.client.delete(FELIX, { name: 'default' });
    await eventually(async () => ((await cluster.status('n1')) as { wireguard?: object }).wireguard === undefined);
    const { output } = await stream;
    expect(answers(output).length).toBeGreaterThan(200);
    expect(unanswered(output, 50)).toEqual([]);
  });

  it('lose nothing when a node changes its keys, and are encrypted all the while', async () => {
    const setting = await scene('vxlan', {}, switchOn);
    await using cluster = setting.cluster;
    const { first, near, far } = setting;
    await encrypted(setting);
    await refusePlain(setting);
    for (const address of [...near.ips, ...far!.ips]) await eventually(() => reaches(setting, address), PATIENCE);
    using wireguard = openWireguard({ netns: cluster.nodes.get('n1')!.netns });
    const keys = () => ['wg.sluice', 'wg-v6.sluice'].map((name) => wireguard.device(name)?.publicKey);
    const before = keys();
    const streams = [
      pinging(cluster, first, near.ips[0]!),
      pinging(cluster, near, first.ips[1]!),
      pinging(cluster, far!, first.ips[0]!),
    ];
    await cluster.client.patch(NODES, { name: 'n1' }, 'merge', {
      metadata: { annotations: { 'sluice.dev/wireguard-rotation': '1' } },
    });
    await eventually(() => keys().every((key, i) => key !== undefined && key !== before[i]), PATIENCE);
    await encrypted(setting);
    for (const printed of await Promise.all(streams)) {
      expect(answers(printed).length).toBeGreaterThan(0.8 * PINGS);
      expect(unanswered(printed, 50)).toEqual([]);
    }
    const { metadata } = await cluster.client.get<{ metadata: { annotations: object } }>(NODES, { name: 'n1' });
    expect(metadata.annotations).toMatchObject({ 'projectcalico.org/WireguardPublicKey': keys()[0] });
    expect(metadata.annotations).not.toHaveProperty(['sluice.dev/WireguardNextPublicKey']);
  });

  it('never go in the clear to a node that has a key, even if it does not answer', async () => {
    await using cluster = await TestCluster.create({ backend: 'vxlan' });
    await switchOn(cluster);
    await cluster.addNode('n1');
    const { netns } = cluster.nodes.get('n1')!;
    const rules = [
      'add table inet t',
      'add counter inet t plain',
      'add chain inet t in { type filter hook prerouting priority -500; }',
      'add chain inet t out { type filter hook output priority -500; }',
      'add rule inet t in udp dport 51820-51823 drop',
      'add rule inet t in udp dport 4789 counter name plain',
      'add rule inet t out udp dport 4789 counter name plain',
    ].join('; ');
    expect(await cluster.run(netns, ['nft', rules])).toEqual({ code: 0, output: '' });
    await cluster.addNode('n2');
    const [first, near] = [await cluster.addPod('n1', 'first'), await cluster.addPod('n2', 'near')];
    expect(await cluster.pings(first.netns, near.ips[0]!)).toBe(false);
    expect(await cluster.pings(near.netns, first.ips[0]!)).toBe(false);
    expect(await cluster.status('n1')).toMatchObject({ wireguard: { devices: [{ silent: ['n2'] }, {}] } });
    expect((await cluster.run(netns, ['nft', 'list counter inet t plain'])).output).toContain('packets 0 bytes 0');
    await cluster.run(netns, ['nft', 'flush chain inet t in']);
    await eventually(() => cluster.pings(first.netns, near.ips[0]!), PATIENCE);
  });

  it('are reached as before on a node that has none', async () => {
    const setting = await scene('vxlan', {}, switchOn);
    await using cluster = setting.cluster;
    await cluster.addNode('n4', 'a', { plain: true });
    const plain = await cluster.addPod('n4', 'plain');
    for (const address of plain.ips) await eventually(() => reaches(setting, address), PATIENCE);
    const known = await cluster.client.get<{ metadata: { annotations: object } }>(NODES, { name: 'n4' });
    expect(Object.keys(known.metadata.annotations)).not.toContain('projectcalico.org/WireguardPublicKey');
    await refusePlain(setting);
    for (const address of plain.ips) expect(await reaches(setting, address)).toBe(false);
    await eventually(() => reaches(setting, setting.near.ips[0]!), PATIENCE);
  });
});
