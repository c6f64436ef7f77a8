import { expect, it } from 'vitest';
import type { Lease } from 'kubernetes-types/coordination/v1.d.ts';
import { LEASE_NAMESPACE } from '../../core/announce/index.ts';
import { ENDPOINT_SLICES, IP_POOLS, LEASES, NAMESPACES, NODES, SERVICES } from '../../host/kube-client/resources.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';
import type { AnnouncedStatus } from './announced-addresses.ts';
import { service, slice } from './workloads.test-support.ts';

const PATIENCE = 180_000;
/** In the range of segment a, whose router stands for a client there. */
const ADDRESSES = ['172.30.1.201', 'fd00:30:1::c9'] as const;
const CLIENT = ['172.30.1.1', 'fd00:30:1::1'] as const;
const NAME = { namespace: 'default', name: 'web' } as const;

async function announcing(cluster: TestCluster): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const { name, stop } of cluster.nodes.values()) {
    if (stop?.signal.aborted === true) continue;
    const { announced = [] } = (await cluster.status(name)) as { announced?: readonly AnnouncedStatus[] };
    for (const { address } of announced) found[address] = `${found[address] ?? ''}${name}`;
  }
  return found;
}

/** Waits until each address is announced by one node, `nodes` for them all if given; returns which. */
async function announcedBy(cluster: TestCluster, ...nodes: readonly string[]): Promise<readonly string[]> {
  let last: readonly string[] = [];
  await eventually(async () => {
    const found = await announcing(cluster);
    last = ADDRESSES.map((address) => found[address] ?? '');
    return last.every((node) => cluster.nodes.has(node) && (nodes.length === 0 || nodes.includes(node)));
  }, PATIENCE).catch((error: unknown) => {
    throw new Error(`announced by ${JSON.stringify(last)}`, { cause: error });
  });
  return last;
}

/** What the client reads from both addresses is what the pod says, whoever announces them now. */
async function answers(cluster: TestCluster, pod: string): Promise<void> {
  for (const [i, address] of ADDRESSES.entries()) {
    const ask = async (): Promise<string> => {
      const { output } = await cluster.run(cluster.router, ['busybox', 'timeout', '5', 'busybox', 'nc', address, '80']);
      return output.replace('::ffff:', '').trim();
    };
    await expect.poll(ask, { timeout: PATIENCE }).toBe(`${pod} ${CLIENT[i]}`);
  }
}

const neighbour = async (cluster: TestCluster, address: string): Promise<string> =>
  (await cluster.run(cluster.router, ['ip', 'neighbour', 'show', address])).output;

const label = (cluster: TestCluster, name: string, value: string | null): Promise<unknown> =>
  cluster.client.patch(NODES, { name }, 'merge', {
    metadata: { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': value } },
  });

it(
  'answers for a load balancer’s addresses on the segment by one node, another when that goes, and none when they go',
  async () => {
    await using cluster = await TestCluster.create({ pools: ['10.244.0.0/16', 'fd00:10:244::/56'] });
    const { client } = cluster;
    await client.create(NAMESPACES, { metadata: { name: LEASE_NAMESPACE } });
    for (const name of ['n1', 'n2']) await cluster.addNode(name);
    await cluster.addNode('n3', 'b');
    const near = await cluster.addPod('n2', 'near');
    const far = await cluster.addPod('n3', 'far');
    for (const pod of [near, far]) cluster.serve(pod, 6);
    await client.create(SERVICES, {
      ...service('10.96.0.1', 'fd00:10:96::1'),
      status: { loadBalancer: { ingress: ADDRESSES.map((ip) => ({ ip })) } },
    } as object);
    for (const family of [4, 6] as const) await client.create(ENDPOINT_SLICES, slice(far, family));
    expect(await announcing(cluster)).toEqual({});

    // It is off until a pool asks for it.
    const pools = { 'balanced-4': '172.30.1.200/29', 'balanced-6': 'fd00:30:1::c8/125' };
    const announce = { 'sluice.dev/announce': 'LoadBalancerIPs' };
    for (const [name, cidr] of Object.entries(pools))
      await client.create(IP_POOLS, {
        metadata: { name, annotations: announce },
        spec: { cidr, allowedUses: ['LoadBalancer'], blockSize: cidr.includes(':') ? 125 : 29 },
      } as object);
    // n3 has the only endpoint, but is on another segment.
    const [first] = await announcedBy(cluster, 'n1', 'n2');
    await answers(cluster, 'far');

    // A node that is kept out of load balancing hands over at once, with neighbours that know it by its hardware address.
    await label(cluster, first!, '');
    const second = first === 'n1' ? 'n2' : 'n1';
    await announcedBy(cluster, second);
    await answers(cluster, 'far');
    const known = async (): Promise<string> => neighbour(cluster, ADDRESSES[0]);
    await expect.poll(known).toContain(cluster.nodes.get(second)!.mac);

    // A node that is gone without a word leaves when its Lease is over.
    await label(cluster, first!, null);
    for (const family of [4, 6] as const) await client.update(ENDPOINT_SLICES, slice(near, family));
    await client.patch(SERVICES, NAME, 'merge', { spec: { externalTrafficPolicy: 'Local' } });
    await announcedBy(cluster, 'n2');
    await answers(cluster, 'near');
    await client.patch(SERVICES, NAME, 'merge', { spec: { externalTrafficPolicy: 'Cluster' } });
    for (const family of [4, 6] as const) await client.update(ENDPOINT_SLICES, slice(far, family));
    const [holder] = await announcedBy(cluster, 'n1', 'n2');
    await cluster.powerOff(holder!);
    await announcedBy(cluster, holder === 'n1' ? 'n2' : 'n1');
    await answers(cluster, 'far');

    // Without the addresses nobody answers, nor an agent that died while there were some.
    const rest = holder === 'n1' ? 'n2' : 'n1';
    await cluster.stopAgent(rest);
    await client.updateStatus(SERVICES, { metadata: NAME, status: { loadBalancer: {} } } as object);
    await cluster.startAgent(rest);
    expect(await announcing(cluster)).toEqual({});
    for (const address of ADDRESSES) {
      await cluster.run(cluster.router, ['ip', 'neighbour', 'flush', 'dev', 'seg-a']);
      await cluster.run(cluster.router, ['ping', '-c', '1', '-W', '4', address]);
      expect(await neighbour(cluster, address)).not.toContain('lladdr');
    }

    // When no pool asks any more, nodes stop saying that they live.
    for (const name of Object.keys(pools)) await client.delete(IP_POOLS, { name });
    const leases = async (): Promise<readonly string[]> =>
      (await client.list<Lease>(LEASES)).items.map(({ metadata }) => metadata?.name ?? '');
    await expect.poll(leases, { timeout: PATIENCE }).not.toContain(rest);
  },
  6 * PATIENCE,
);
