import { describe, expect, it } from 'vitest';
import { IP_POOLS, IPAM_CONFIGS, NAMESPACES, PODS } from '../../host/kube-client/resources.ts';
import { FakeNode } from './fake-node.test-support.ts';

type Annotations = Readonly<Record<string, string>>;

async function start(): Promise<FakeNode> {
  const node = await FakeNode.create();
  for (const [name, cidr, more] of [
    ['blue', '10.1.0.0/24', { assignmentMode: 'Manual' }],
    ['green', '10.2.0.0/24', { namespaceSelector: 'team == "green"' }],
  ] as const)
    await node.client.create(IP_POOLS, { metadata: { name }, spec: { cidr, ...more } } as object);
  await node.start();
  return node;
}

async function createPod(node: FakeNode, name: string, annotations: Annotations, namespace = 'default'): Promise<void> {
  node.network.addNetns(`/netns/${name}`);
  const metadata = { name, namespace, annotations: prefixed(annotations) };
  await node.client.create(PODS, { metadata, spec: { nodeName: 'n1' } } as object);
}

function prefixed(annotations: Annotations): Annotations {
  return Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`cni.projectcalico.org/${key}`, value]));
}

interface Added {
  readonly ips: readonly { readonly address: string }[];
  readonly interfaces: readonly { readonly mac: string }[];
}

async function add(node: FakeNode, name: string, config: object = {}, namespace = 'default'): Promise<Added> {
  const args = `K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name}`;
  const request = node.request('ADD', name, { args });
  return (await node.ask({ ...request, config: { ...request.config, ...config } })) as Added;
}

describe('annotations of pods', () => {
  it('choose pools and addresses', async () => {
    await using node = await start();
    await createPod(node, 'plain', {});
    await createPod(node, 'pooled', { ipv4pools: '["blue"]' });
    await createPod(node, 'exact', { ipAddrs: '["10.1.0.77"]', hwAddr: '1c:0c:0a:c0:ff:ee' });
    expect((await add(node, 'plain')).ips[0]?.address).toMatch(/^10\.244\./);
    expect((await add(node, 'pooled')).ips[0]?.address).toMatch(/^10\.1\.0\./);
    const exact = await add(node, 'exact');
    expect(exact.ips[0]?.address).toBe('10.1.0.77/32');
    expect(exact.interfaces[1]?.mac).toBe('1c:0c:0a:c0:ff:ee');
  });

  it('ask for a family that pods get only when they ask', async () => {
    await using node = await start();
    const spec = { cidr: 'fd00:6::/64', assignmentMode: 'Manual' };
    await node.client.create(IP_POOLS, { metadata: { name: 'six' }, spec } as object);
    await createPod(node, 'plain', {});
    await createPod(node, 'both', { ipv6pools: '["six"]' });
    expect((await add(node, 'plain')).ips).toHaveLength(1);
    const [four, six] = (await add(node, 'both')).ips;
    expect(four?.address).toMatch(/^10\.244\./);
    expect(six?.address).toMatch(/^fd00:6:/);
  });

  it('come before those of namespaces, and these before the network configuration', async () => {
    await using node = await start();
    const annotations = prefixed({ ipv4pools: '["10.1.0.0/24"]' });
    const metadata = { name: 'painted', annotations, labels: { team: 'green' } };
    await node.client.create(NAMESPACES, { metadata } as object);
    await createPod(node, 'a', {}, 'painted');
    await createPod(node, 'b', { ipv4pools: '["green"]' }, 'painted');
    await createPod(node, 'c', {});
    const config = { ipam: { ipv4_pools: ['green'] } };
    expect((await add(node, 'a', config, 'painted')).ips[0]?.address).toMatch(/^10\.1\.0\./);
    expect((await add(node, 'b', config, 'painted')).ips[0]?.address).toMatch(/^10\.2\.0\./);
    expect((await add(node, 'c', config)).ips[0]?.address).toMatch(/^10\.2\.0\./);
  });

  it.each<[Annotations, string]>([
    [
      { ipv4pools: 'blue' },
      "7: pod default/a: pod annotation cni.projectcalico.org/ipv4pools: 'blue' is not a JSON list",
    ],
    [
      { ipv4pools: '["red"]' },
      "11: no address for pod default/a: no IPPool gives IPv4 addresses to node n1 here: 'red'",
    ],
    [{ ipAddrs: '["192.0.2.1"]' }, '11: no address for pod default/a: address 192.0.2.1 lies in no IPPool'],
    [
      { ipAddrsNoIpam: '["192.0.2.1"]' },
      '7: pod default/a: pod annotation cni.projectcalico.org/ipAddrsNoIpam: the feat',
    ],
    [{ hwAddr: 'x' }, '7: pod default/a: pod annotation cni.projectcalico.org/hwAddr: "x" is not a hardware address'],
    [{ floatingIPs: '["192.0.2.1"]' }, '7: pod default/a: pod annotation cni.projectcalico.org/floatingIPs: floating'],
  ])('that cannot be followed leave nothing behind: %j', async (annotations, message) => {
    await using node = await start();
    await createPod(node, 'a', annotations);
    await expect(add(node, 'a')).rejects.toThrow(message);
    expect(await node.heldByPods()).toEqual([]);
    expect(node.endpoints.load(() => undefined)).toEqual([]);
    await node.ask(node.request('DEL', 'a'));
  });

  it('may name an address that nobody manages, where the network configuration allows it', async () => {
    await using node = await start();
    const config = { feature_control: { ip_addrs_no_ipam: true } };
    await createPod(node, 'a', { ipAddrsNoIpam: '["192.0.2.1"]' });
    await createPod(node, 'b', { ipAddrsNoIpam: '["192.0.2.1"]' });
    expect((await add(node, 'a', config)).ips[0]?.address).toBe('192.0.2.1/32');
    await expect(add(node, 'b', config)).rejects.toThrow('192.0.2.1: another pod of this node has it');
    expect(await node.heldByPods()).toEqual([]);
    await node.ask(node.request('DEL', 'a'));
    expect((await add(node, 'b', config)).ips[0]?.address).toBe('192.0.2.1/32');
  });
});

describe('pools and rules that change while the agent runs', () => {
  it('count for the next pod', async () => {
    await using node = await start();
    await node.client.patch(IP_POOLS, { name: 'blue' }, 'merge', { spec: { assignmentMode: 'Automatic' } });
    const next = async (): Promise<string> => {
      const name = `p${++pods}`;
      await createPod(node, name, {});
      return (await add(node, name)).ips[0]!.address;
    };
    let pods = 0;
    // The watch tells the agent in its own time.
    await node.until(async () => (await next()).startsWith('10.1.0.'));
    await node.client.patch(IP_POOLS, { name: 'blue' }, 'merge', { spec: { disabled: true } });
    await node.until(async () => (await next()).startsWith('10.244.'));
    const rules = { metadata: { name: 'default' }, spec: { autoAllocateBlocks: false, strictAffinity: true } };
    await node.client.create(IPAM_CONFIGS, rules as object);
    await createPod(node, 'green', { ipv4pools: '["green"]' });
    await node.until(() =>
      add(node, 'green').then(
        () => node.ask(node.request('DEL', 'green')).then(() => false),
        (error) => String(error).includes('autoAllocateBlocks is off'),
      ),
    );
  });
});
