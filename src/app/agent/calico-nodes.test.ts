import { expect, it } from 'vitest';
import { lendEtcd } from '../../host/etcd/lend-etcd.test-support.ts';
import { etcdKubeClient } from '../../host/etcd/kube-client.ts';
import type { Etcd } from '../../host/etcd/types.ts';
import type { Delta } from '../../host/kube-client/informer.ts';
import { MemoryKubeClient } from '../../host/kube-client/memory-client.ts';
import { CLUSTER_INFORMATIONS, NODES } from '../../host/kube-client/resources.ts';
import { nodesWithCalico, publishCalicoNode } from './calico-nodes.ts';
import { knownNode } from './routing-objects.ts';
import type { KnownNode } from './routing-objects.ts';

const ROOT = '/calico/resources/v3/projectcalico.org/nodes/';

let etcd: Etcd;
lendEtcd((lent) => ({ etcd } = lent));

const stored = async (name: string) => {
  const { items } = await etcd.range({ key: ROOT + name });
  return JSON.parse(items[0]?.value ?? 'null') as unknown;
};
const store = (name: string, value: object) => etcd.put(ROOT + name, JSON.stringify(value));

it("reads what Calico's nodes say in etcd, and has its own say it where Calico reads", async () => {
  const kubernetes = new MemoryKubeClient();
  const client = etcdKubeClient({ etcd, heedsLock: false, kubernetes, report: () => undefined });
  const addresses = (address: string) => ({ addresses: [{ type: 'InternalIP', address }] });
  for (const [i, name] of ['ours', 'theirs'].entries())
    await kubernetes.create(NODES, {
      metadata: { name, labels: { zone: 'a' }, annotations: { 'projectcalico.org/IPv4Address': '9.9.9.9/8' } },
      spec: { podCIDRs: [`10.244.${i}.0/24`] },
      status: addresses(`172.30.1.${i}`),
    } as object);
  await store('theirs', {
    kind: 'Node',
    apiVersion: 'projectcalico.org/v3',
    metadata: { name: 'theirs', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {
      bgp: { ipv4Address: '172.30.1.1/24', asNumber: 64513 },
      ipv4VXLANTunnelAddr: '10.244.9.64',
      orchRefs: [{ nodeName: 'theirs', orchestrator: 'k8s' }],
    },
    status: { podCIDRs: ['10.244.1.0/24'] },
  });
  const stop = new AbortController();
  const deltas: Delta<KnownNode>[] = [];
  const onError = (what: string, error: unknown): never => {
    throw new Error(what, { cause: error });
  };
  const nodes = nodesWithCalico(client, 'ours', { onDelta: (delta) => deltas.push(delta), onError }, stop.signal);
  await nodes.synced;
  const said = (name: string) => nodes.items.get(name)?.annotations;
  expect(said('theirs')).toEqual({
    'projectcalico.org/IPv4Address': '172.30.1.1/24',
    'projectcalico.org/ASNumber': '64513',
    'projectcalico.org/IPv4VXLANTunnelAddr': '10.244.9.64',
  });
  // It has said nothing yet where Calico reads.
  expect(said('ours')).toEqual({});

  const ours = {
    'projectcalico.org/IPv4Address': '172.30.1.0/24',
    'projectcalico.org/IPv4VXLANTunnelAddr': '10.244.7.0',
    'projectcalico.org/WireguardPublicKey': null,
  };
  await publishCalicoNode(client, nodes.items.get('ours')!, ours, {});
  expect(await stored('ours')).toEqual({
    kind: 'Node',
    apiVersion: 'projectcalico.org/v3',
    metadata: {
      name: 'ours',
      uid: expect.any(String) as unknown,
      creationTimestamp: expect.any(String) as unknown,
      labels: { zone: 'a' },
    },
    spec: {
      bgp: { ipv4Address: '172.30.1.0/24' },
      ipv4VXLANTunnelAddr: '10.244.7.0',
      wireguard: {},
      addresses: [{ address: '172.30.1.0/24', type: 'CalicoNodeIP' }],
      orchRefs: [{ nodeName: 'ours', orchestrator: 'k8s' }],
    },
    status: { podCIDRs: ['10.244.0.0/24'] },
  });
  await expect.poll(() => said('ours')?.['projectcalico.org/IPv4VXLANTunnelAddr']).toBe('10.244.7.0');

  // Calico changes what it says, of its own node and of ours; ours is put right without a loss of what is Calico's.
  await store('theirs', { metadata: { name: 'theirs' }, spec: { bgp: { ipv4Address: '172.30.1.99/24' } } });
  await expect.poll(() => said('theirs')).toEqual({ 'projectcalico.org/IPv4Address': '172.30.1.99/24' });
  await store('ours', { metadata: { name: 'ours' }, spec: { bgp: { asNumber: 5, ipv4Address: '1.1.1.1/8' }, x: 1 } });
  await expect.poll(() => said('ours')?.['projectcalico.org/IPv4Address']).toBe('1.1.1.1/8');
  await publishCalicoNode(client, nodes.items.get('ours')!, ours, {});
  expect(await stored('ours')).toMatchObject({ spec: { bgp: { asNumber: 5, ipv4Address: '172.30.1.0/24' }, x: 1 } });

  await kubernetes.delete(NODES, { name: 'theirs' });
  await expect.poll(() => nodes.items.has('theirs')).toBe(false);
  expect(deltas.at(-1)).toMatchObject({ kind: 'delete', key: 'theirs' });
  stop.abort();
  await nodes.done;
});

it('is not in the way of an agent that starts while the datastore is locked', async () => {
  const client = etcdKubeClient({ etcd, heedsLock: true, kubernetes: new MemoryKubeClient(), report: () => undefined });
  const lock = { metadata: { name: 'default' }, spec: { datastoreReady: false } };
  await client.create(CLUSTER_INFORMATIONS, lock);
  const known = knownNode({ metadata: { name: 'waits' } });
  await publishCalicoNode(client, known, {}, {});
  expect(await stored('waits')).toBeNull();
  await client.update(CLUSTER_INFORMATIONS, { ...lock, spec: { datastoreReady: true } });
  await publishCalicoNode(client, known, {}, {});
  expect(await stored('waits')).not.toBeNull();
});
