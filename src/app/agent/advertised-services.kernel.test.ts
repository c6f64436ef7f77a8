import { expect, it } from 'vitest';
import { BGP_CONFIGURATIONS, ENDPOINT_SLICES, NETWORK_POLICIES, SERVICES } from '../../host/kube-client/resources.ts';
import type { Resource } from '../../host/kube-client/types.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';
import type { TestPod } from './cluster.test-support.ts';
import { policy, service, slice } from './workloads.test-support.ts';

const [, CONFIGURATIONS] = BGP_CONFIGURATIONS as [Resource, Resource];
const PATIENCE = 180_000;
const SERVICE = ['10.96.0.1', 'fd00:10:96::1'] as const;
const CLIENT = ['172.30.1.1', 'fd00:30:1::1'] as const;

/** What the client outside reads from the Service, by IPv4 and IPv6; `refused`, or empty where nobody answers. */
const ask = (cluster: TestCluster): Promise<readonly string[]> =>
  Promise.all(
    SERVICE.map(async (address) => {
      const command = ['busybox', 'timeout', '3', 'busybox', 'nc', address, '80'];
      // One socket of the pod's serves both families.
      const { output } = await cluster.run(cluster.router, command);
      return output.includes('refused') ? 'refused' : output.replace('::ffff:', '');
    }),
  );

/** The world outside reaches the Service by the node from here on. */
async function leadBy(cluster: TestCluster, number: number): Promise<void> {
  const ways = [
    [`${SERVICE[0]}/32`, `172.30.1.${number}`],
    [`${SERVICE[1]}/128`, `fd00:30:1::${number}`],
  ] as const;
  for (const [destination, via] of ways)
    expect(await cluster.run(cluster.router, ['ip', 'route', 'replace', destination, 'via', via])).toMatchObject({
      code: 0,
    });
}

async function becomes(cluster: TestCluster, expected: readonly string[]): Promise<void> {
  let last: readonly string[] = [];
  const asked = async () => (last = await ask(cluster)).join() === expected.join();
  await eventually(asked, PATIENCE).catch((error: unknown) => {
    throw new Error(`expected ${expected.join()}, got ${last.join()}`, { cause: error });
  });
}

const seen = (name: string, clients: readonly string[]): readonly string[] => clients.map((each) => `${name} ${each}`);

it(
  'answers from outside on a ClusterIP by every node that BGP advertises it from, and judges the client itself',
  async () => {
    await using cluster = await TestCluster.create({ backend: 'none', pools: ['10.244.0.0/16', 'fd00:10:244::/56'] });
    const spec = { serviceClusterIPs: [{ cidr: '10.96.0.0/12' }, { cidr: 'fd00:10:96::/108' }] };
    await cluster.client.create(CONFIGURATIONS, { metadata: { name: 'default' }, spec } as object);
    await cluster.addNode('n1');
    await cluster.addNode('n2');
    await cluster.addNode('n3', 'b');
    const near = await cluster.addPod('n2', 'near');
    const far = await cluster.addPod('n3', 'far');
    for (const pod of [near, far]) cluster.serve(pod, 6);
    await cluster.client.create(SERVICES, service(...SERVICE));
    const offer = async (pod: TestPod, verb: 'create' | 'update'): Promise<void> => {
      for (const family of [4, 6] as const) await cluster.client[verb](ENDPOINT_SLICES, slice(pod, family));
    };
    await offer(near, 'create');
    for (const number of [11, 12]) {
      await leadBy(cluster, number);
      await becomes(cluster, seen('near', CLIENT));
    }

    // An address of the advertised block that no Service has is not sent back and forth until its time to live is over.
    const stray = ['ip', 'route', 'replace', '10.96.0.77', 'via', '172.30.1.11'];
    expect(await cluster.run(cluster.router, stray)).toMatchObject({ code: 0 });
    const { output } = await cluster.run(cluster.router, ['ping', '-c', '1', '-W', '1', '10.96.0.77']);
    expect(output).toContain('100% packet loss');
    expect(output).not.toMatch(/exceeded/iu);

    // Policy at the pod's node is about the client, not about the node that it enters by.
    await leadBy(cluster, 11);
    const from = (...clients: readonly string[]): object =>
      policy('allow', {
        podSelector: {},
        ingress: [{ from: clients.map((ip) => ({ ipBlock: { cidr: `${ip}/${ip.includes(':') ? 128 : 32}` } })) }],
      });
    await cluster.client.create(NETWORK_POLICIES, from('172.30.1.11', 'fd00:30:1::11'));
    await becomes(cluster, ['', '']);
    await cluster.client.update(NETWORK_POLICIES, from(...CLIENT));
    await becomes(cluster, seen('near', CLIENT));
    await cluster.client.delete(NETWORK_POLICIES, { namespace: 'default', name: 'allow' });

    // Where a router passes the connection on, the pod's node cannot tell by which node it entered: that one stands for the client.
    await offer(far, 'update');
    for (const ip of far.ips)
      await cluster.run(cluster.router, [
        'ip',
        'route',
        'replace',
        ip,
        'via',
        ip.includes(':') ? 'fd00:30:2::13' : '172.30.2.13',
      ]);
    await becomes(cluster, seen('far', ['172.30.1.11', 'fd00:30:1::11']));

    await cluster.client.patch(SERVICES, { namespace: 'default', name: 'web' }, 'merge', {
      spec: { externalTrafficPolicy: 'Local' },
    });
    await becomes(cluster, ['refused', 'refused']);
    await offer(near, 'update');
    await leadBy(cluster, 12);
    await becomes(cluster, seen('near', CLIENT));
  },
  6 * PATIENCE,
);
