import { describe, expect, it } from 'vitest';
import { parseNetConf } from '../../core/flannel/index.ts';
import { NETWORK_POLICIES, NODES } from '../../host/kube-client/resources.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';
import type { TestPod } from './cluster.test-support.ts';
import { FlannelNode } from './flannel-node.test-support.ts';
import type { FlannelConfig } from './flannel-node.test-support.ts';
import { withFlannel } from './flannel-options.ts';

const PATIENCE = 60_000;
const NETWORKS = { EnableIPv6: true, Network: '10.244.0.0/16', IPv6Network: 'fd00:10:244::/56' } as const;
const cidrsOf = (n: number): readonly string[] => [`10.244.${n}.0/24`, `fd00:10:244:${n}::/64`];
const podOf = (n: number): readonly string[] => [`10.244.${n}.77`, `fd00:10:244:${n}::77`];

/** Sluice's nodes s1 and s2 and flannel's f1 on one segment, and f2 on the other where `far` says so. */
interface Scene {
  readonly cluster: TestCluster;
  readonly near: FlannelNode;
  readonly far: FlannelNode | undefined;
  /** On s1 and s2. */
  readonly first: TestPod;
  readonly second: TestPod;
  /** Namespaces of the pods on f1 and f2. */
  readonly nearPod: string;
  readonly farPod: string | undefined;
}

async function scene(Backend: FlannelConfig['Backend'], { far: withFar = true } = {}): Promise<Scene> {
  const config: FlannelConfig = { ...NETWORKS, Backend };
  const reading = parseNetConf(JSON.stringify(config));
  if (reading.kind === 'bad') throw new Error(reading.problems.join());
  const cluster = await TestCluster.create({ pools: [], adapt: (options) => withFlannel(options, reading.netConf) });
  await cluster.addNode('s1', 'a', { podCIDRs: cidrsOf(1) });
  const near = await flannelNode(cluster, 'f1', 'a', config, 2);
  const far = withFar ? await flannelNode(cluster, 'f2', 'b', config, 3) : undefined;
  await cluster.addNode('s2', 'a', { podCIDRs: cidrsOf(4) });
  return {
    cluster,
    near,
    far,
    first: await cluster.addPod('s1', 'first'),
    second: await cluster.addPod('s2', 'second'),
    nearPod: await near.addPod('near', podOf(2)),
    farPod: await far?.addPod('far', podOf(3)),
  };
}

async function flannelNode(
  cluster: TestCluster,
  name: string,
  segment: 'a' | 'b',
  config: FlannelConfig,
  number: number,
): Promise<FlannelNode> {
  await cluster.addNode(name, segment, { agent: false, podCIDRs: cidrsOf(number) });
  const node = new FlannelNode(cluster, name, config, cidrsOf(number));
  await node.start(await addressesOf(cluster, name));
  return node;
}

async function addressesOf(cluster: TestCluster, name: string): Promise<readonly string[]> {
  const node = await cluster.client.get<{
    metadata: object;
    status: { addresses: readonly { readonly address: string }[] };
  }>(NODES, { name });
  return node.status.addresses.map(({ address }) => address);
}

async function expectPings({ cluster }: Scene, from: string, to: readonly string[]): Promise<void> {
  for (const address of to)
    await eventually(() => cluster.pings(from, address), PATIENCE).catch((error: unknown) => {
      throw new Error(`${from} does not reach ${address}`, { cause: error });
    });
}

/** Every pod reaches every other in both families, and both kinds of node reach the pods of the other. */
async function expectConnected(setting: Scene): Promise<void> {
  const { cluster, near, far, first, second, nearPod, farPod } = setting;
  const flannels = [...podOf(2), ...(far === undefined ? [] : podOf(3))];
  for (const { netns } of [first, second]) await expectPings(setting, netns, flannels);
  await expectPings(setting, first.netns, second.ips);
  for (const netns of [nearPod, ...(farPod === undefined ? [] : [farPod])])
    await expectPings(setting, netns, [...first.ips, ...second.ips]);
  await expectPings(setting, cluster.nodes.get('s1')!.netns, flannels);
  await expectPings(setting, near.netns, first.ips);
  expect(near.failures).toEqual([]);
  expect(far?.failures ?? []).toEqual([]);
}

/** From now on the underlay carries no VXLAN to or from the node. */
async function refuseVxlan({ cluster }: Scene, node: string): Promise<void> {
  const rules = ['add table inet t', 'add chain inet t c { type filter hook prerouting priority -500; }'];
  rules.push('add rule inet t c iifname "eth0" udp dport 8472 drop');
  expect(await cluster.run(cluster.nodes.get(node)!.netns, ['nft', rules.join('; ')])).toEqual({ code: 0, output: '' });
}

describe('a node in a network of flannel nodes', { timeout: 4 * PATIENCE }, () => {
  it('exchanges packets of both families over VXLAN, under its own policies and with the true addresses', async () => {
    const setting = await scene({ Type: 'vxlan' });
    await using cluster = setting.cluster;
    const { first, nearPod } = setting;
    // Addresses of its podCIDRs alone, because all of these is sent here.
    expect(first.ips).toEqual([expect.stringMatching(/^10\.244\.1\.\d+$/u), expect.stringMatching(/^fd00:10:244:1:/u)]);
    await expectConnected(setting);
    cluster.serve(first);
    const ask = async (): Promise<string> =>
      (await cluster.run(nearPod, ['busybox', 'timeout', '3', 'busybox', 'nc', first.ips[0]!, '8080'])).output;
    await eventually(async () => (await ask()) === `first ${podOf(2)[0]}`, PATIENCE);
    await cluster.client.create(NETWORK_POLICIES, {
      metadata: { name: 'only-far', namespace: 'default' },
      spec: {
        podSelector: {},
        policyTypes: ['Ingress'],
        ingress: [{ from: [{ ipBlock: { cidr: '10.244.3.77/32' } }] }],
      },
    } as object);
    await eventually(async () => !(await cluster.pings(nearPod, first.ips[0]!)), PATIENCE);
    await expectPings(setting, setting.farPod!, [first.ips[0]!]);
    expect(await cluster.pings(setting.farPod!, first.ips[1]!)).toBe(false);
  });

  it('follows a flannel node that goes and comes back with other hardware and another address', async () => {
    const setting = await scene({ Type: 'vxlan', VNI: 7, Port: 9000 }, { far: false });
    await using cluster = setting.cluster;
    const { near, first, nearPod } = setting;
    await expectConnected(setting);
    await near.stop();
    const { netns } = near;
    await cluster.run(netns, ['ip', 'addr', 'add', '172.30.1.99/24', 'dev', 'eth0']);
    await cluster.run(netns, ['ip', 'addr', 'add', 'fd00:30:1::99/64', 'dev', 'eth0', 'nodad']);
    await near.start(['172.30.1.99', 'fd00:30:1::99']);
    await expectPings(setting, first.netns, podOf(2));
    await expectPings(setting, nearPod, first.ips);
    const node = cluster.nodes.get('s1')!.netns;
    const fdb = (await cluster.run(node, ['bridge', 'fdb', 'show', 'dev', 'vxlan.sluice'])).output;
    expect(fdb).toContain('dst 172.30.1.99');
    await near.stop();
    await cluster.client.delete(NODES, { name: 'f1' });
    const routes = async (): Promise<string> =>
      (await cluster.run(node, ['ip', 'route'])).output + (await cluster.run(node, ['ip', '-6', 'route'])).output;
    await eventually(async () => !(await routes()).match(/10\.244\.2\.|fd00:10:244:2:/u), PATIENCE);
    expect(await routes()).toMatch(/blackhole 10\.244\.1\.0\/24/u);
  });

  it('routes directly to those of its own segment where DirectRouting says so', async () => {
    const setting = await scene({ Type: 'vxlan', DirectRouting: true });
    await using _ = setting.cluster;
    await expectConnected(setting);
    await refuseVxlan(setting, 's1');
    await expectPings(setting, setting.first.netns, podOf(2));
    await expectPings(setting, setting.nearPod, setting.first.ips);
    expect(await setting.cluster.pings(setting.farPod!, setting.first.ips[0]!)).toBe(false);
  });

  it('routes directly with host-gw', async () => {
    const setting = await scene({ Type: 'host-gw' }, { far: false });
    await using _ = setting.cluster;
    await expectConnected(setting);
    expect(setting.first.ips[0]).toMatch(/^10\.244\.1\./u);
  });
});
