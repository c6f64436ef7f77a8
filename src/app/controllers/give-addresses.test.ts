import type { Service } from 'kubernetes-types/core/v1.d.ts';
import { expect, it, onTestFinished } from 'vitest';
import { formatCidr } from '../../base/ip/index.ts';
import { silentLogger } from '../../base/log.ts';
import { encodeBlock } from '../../core/ipam/index.ts';
import { kubeBlockStore } from '../../host/ipam-store/kube-block-store.ts';
import { MemoryKubeClient } from '../../host/kube-client/memory-client.ts';
import { EVENTS, IP_POOLS, SERVICES } from '../../host/kube-client/resources.ts';
import type { KubeObject } from '../../host/kube-client/types.ts';
import { giveAddresses } from './give-addresses.ts';

async function cluster(...pools: readonly Record<string, unknown>[]) {
  const client = new MemoryKubeClient();
  const store = kubeBlockStore({ client, report: () => undefined });
  for (const [i, spec] of pools.entries())
    await client.create(IP_POOLS, { metadata: { name: `p${i}` }, spec } as object);
  const stop = new AbortController();
  const done = giveAddresses({ client, store, log: silentLogger, now: Date.now }, stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await done;
  });
  const create = (name: string, spec: Service['spec'], annotations: Record<string, string> = {}) =>
    client.create(SERVICES, { metadata: { name, namespace: 'default', annotations }, spec } as KubeObject);
  const ofName = (name: string) => ({ namespace: 'default', name });
  const shown = async (name: string) =>
    (await client.get<KubeObject & Service>(SERVICES, ofName(name))).status?.loadBalancer?.ingress;
  const held = async () =>
    (await store.listBlocks()).flatMap(({ value }) =>
      [...value.allocations.values()].map(({ attributes }) => attributes['service']),
    );
  return { client, store, create, ofName, shown, held };
}

const FOR_SERVICES = { allowedUses: ['LoadBalancer'], blockSize: 30 };
const BALANCED = { type: 'LoadBalancer', ipFamilies: ['IPv4'] };
const vip = (ip: string) => [{ ip, ipMode: 'VIP' }];

it('gives Services the addresses that they ask for, of pools for load balancers alone, and takes them back', async () => {
  const made = await cluster(
    { cidr: '10.244.0.0/24' },
    { ...FOR_SERVICES, cidr: '198.51.100.0/30' },
    { ...FOR_SERVICES, cidr: '203.0.113.0/30' },
    { ...FOR_SERVICES, cidr: '2001:db8:5::/126', blockSize: 126 },
  );
  await made.create('exact', BALANCED, { 'projectcalico.org/loadBalancerIPs': '["198.51.100.2"]' });
  await made.create('old', { ...BALANCED, loadBalancerIP: '198.51.100.1' });
  await made.create('pool', BALANCED, { 'projectcalico.org/ipv4pools': '["p2"]' });
  await made.create('dual', { ...BALANCED, loadBalancerClass: 'calico', ipFamilies: ['IPv6', 'IPv4'] });
  await made.create('foreign', { ...BALANCED, loadBalancerClass: 'example.test/other' });
  await made.create('plain', { type: 'ClusterIP' });
  await expect.poll(() => made.shown('exact')).toEqual(vip('198.51.100.2'));
  await expect.poll(() => made.shown('old')).toEqual(vip('198.51.100.1'));
  await expect.poll(() => made.shown('pool')).toEqual([{ ip: expect.stringMatching(/^203\.0\.113\./), ipMode: 'VIP' }]);
  await expect
    .poll(() => made.shown('dual'))
    .toEqual([
      { ip: expect.stringMatching(/^2001:db8:5::/), ipMode: 'VIP' },
      { ip: expect.any(String), ipMode: 'VIP' },
    ]);
  expect([await made.shown('foreign'), await made.shown('plain')]).toEqual([undefined, undefined]);
  const [block] = await made.store.listBlocks();
  expect(encodeBlock(block!.value).spec.affinity).toBe('virtual:load-balancer');

  await made.client.patch(SERVICES, made.ofName('exact'), 'merge', { spec: { type: 'ClusterIP' } });
  await expect.poll(() => made.shown('exact')).toBeUndefined();
  await made.client.delete(SERVICES, made.ofName('old'));
  await expect
    .poll(async () => [...(await made.held())].sort((a = '', b = '') => (a < b ? -1 : 1)))
    .toEqual(['dual', 'dual', 'pool']);
  // What came free is for the next one.
  await made.client.patch(SERVICES, made.ofName('pool'), 'merge', {
    metadata: { annotations: { 'projectcalico.org/loadBalancerIPs': '["198.51.100.2"]' } },
  });
  await expect.poll(() => made.shown('pool')).toEqual(vip('198.51.100.2'));
  // Nor is a block of the pods' addresses kept for Services ahead of need.
  const cidrs = (await made.store.listBlocks()).map(({ value }) => formatCidr(value.cidr));
  expect(cidrs.filter((cidr) => cidr.startsWith('10.244.'))).toEqual([]);
});

it.each([
  ['not a list', '198.51.100.2', 'must be a JSON list'],
  ['no address', '["here"]', '"here" is not an address'],
  ['of a family that the Service has not', '["2001:db8:5::1"]', 'none of the Service'],
  ['two of one family', '["198.51.100.1", "198.51.100.2"]', 'one IPv4 address'],
  ['outside of the pools', '["192.0.2.1"]', '192.0.2.1'],
])('says in an event why a Service gets no address: %s', async (_, text, message) => {
  const made = await cluster({ ...FOR_SERVICES, cidr: '198.51.100.0/30' });
  await made.create('web', BALANCED, { 'projectcalico.org/loadBalancerIPs': text });
  const said = async () => {
    const events = await made.client.list<KubeObject & { readonly message?: string }>(EVENTS, {});
    return events.items.map((event) => event.message).join();
  };
  await expect.poll(said).toContain(message);
  expect(await made.shown('web')).toBeUndefined();
});

it('leaves Services alone where no pool is for load balancers', async () => {
  const made = await cluster({ cidr: '10.244.0.0/24' });
  const other = await made.create('web', BALANCED);
  await made.client.patch(
    SERVICES,
    made.ofName('web'),
    'merge',
    { status: { loadBalancer: { ingress: [{ ip: '192.0.2.9' }] } } },
    { subresource: 'status' },
  );
  await made.client.create(IP_POOLS, { metadata: { name: 'pods' }, spec: { cidr: '10.245.0.0/24' } } as object);
  await expect.poll(() => made.held()).toEqual([]);
  expect(await made.shown('web')).toEqual([{ ip: '192.0.2.9' }]);
  expect(other).toBeDefined();
});
