import { beforeEach, describe, expect, it } from 'vitest';
import { SluiceError } from '../../base/errors.ts';
import { parseCidr } from '../../base/ip/index.ts';
import { createAllocator } from '../../core/ipam/index.ts';
import { formatExport, parseExport, sumsOf } from '../../core/datastore/index.ts';
import { lendEtcd } from '../etcd/lend-etcd.test-support.ts';
import { etcdKubeClient } from '../etcd/kube-client.ts';
import type { Etcd } from '../etcd/types.ts';
import { kubeBlockStore } from '../ipam-store/kube-block-store.ts';
import { MemoryKubeClient } from '../kube-client/memory-client.ts';
import {
  CALICO_NETWORK_POLICIES,
  GLOBAL_NETWORK_POLICIES,
  GLOBAL_NETWORK_SETS,
  IPAM_CONFIGS,
  IP_POOLS,
  TIERS,
} from '../kube-client/resources.ts';
import type { KubeClient, KubeObject, Resource } from '../kube-client/types.ts';
import { exportDatastore, importDatastore, setLocked } from './migration.ts';

const report = (message: string): void => {
  throw new Error(message);
};

let etcd: Etcd;
let inEtcd: KubeClient;
let inKubernetes: MemoryKubeClient;

lendEtcd((lent) => ({ etcd } = lent));
beforeEach(async () => {
  await etcd.delete({ prefix: '/calico/' });
  inEtcd = etcdKubeClient({ etcd, heedsLock: false, kubernetes: new MemoryKubeClient(), report });
  inKubernetes = await filled();
});

/** A cluster with something of many kinds, addresses in use among it. */
async function filled(): Promise<MemoryKubeClient> {
  const client = new MemoryKubeClient();
  const create = (resource: Resource, object: object): Promise<unknown> =>
    client.create(resource, object as KubeObject);
  await create(IP_POOLS, { metadata: { name: 'four' }, spec: { cidr: '10.244.0.0/24', blockSize: 28 } });
  await create(IP_POOLS, { metadata: { name: 'six' }, spec: { cidr: 'fd00:10::/120' } });
  await create(IPAM_CONFIGS, {
    metadata: { name: 'default' },
    spec: { strictAffinity: true, autoAllocateBlocks: true },
  });
  await create(TIERS[0]!, { metadata: { name: 'security' }, spec: { order: 100 } });
  const text = '  leading space, "quotes", 世界\n===\n- not: yaml\n';
  await create(GLOBAL_NETWORK_POLICIES[0]!, {
    metadata: { name: 'security.deny', annotations: { note: text } },
    spec: { tier: 'security', selector: "app == 'web'", types: ['Ingress'] },
  });
  const allow = { metadata: { name: 'allow', namespace: 'web', labels: { a: 'b' } }, spec: { order: 0.5 } };
  await create(CALICO_NETWORK_POLICIES[0]!, allow);
  await create(CALICO_NETWORK_POLICIES[1]!, { ...allow, spec: { order: 7 } });
  await create(CALICO_NETWORK_POLICIES[1]!, { metadata: { name: 'knp.default.x', namespace: 'web' } });
  await create(GLOBAL_NETWORK_SETS[1]!, { metadata: { name: 'set' }, spec: { nets: ['192.0.2.0/24', '::/0'] } });
  for (const node of ['node-1', 'node-2']) {
    const options = { node, nodeLabels: () => ({}), coolDownMs: 60_000, lowWater: 2 };
    const dependencies = { store: kubeBlockStore({ client, report }), now: () => 1_700_000_000_000, report };
    const allocator = createAllocator(options, dependencies);
    await allocator.load();
    const requests = Array.from({ length: 20 }, (_, i) => ({
      handle: `net.${node}-${i}`,
      families: [4, 6] as const,
      attributes: { namespace: 'web', pod: `pod-${i}` },
    }));
    await allocator.allocateMany(requests);
    await allocator.release(['net.node-1-3', 'net.node-2-4']);
  }
  return client;
}

async function failureOf(promise: Promise<unknown>): Promise<SluiceError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SluiceError);
  return error as SluiceError;
}

async function exported(client: KubeClient): Promise<string> {
  await setLocked(client, true);
  return formatExport(await exportDatastore(client));
}

describe('a migration', () => {
  it('moves everything to etcd and back, and what it moved is the same', async () => {
    const text = await exported(inKubernetes);
    const file = parseExport(text);
    expect(file.sums).toEqual(sumsOf(file.contents));
    expect(file.sums).toMatchObject({
      ippools: { count: 2 },
      networkpolicies: { count: 1 },
      ipamblocks: { count: 6 },
      blockaffinities: { count: 6 },
      ipamconfigs: { count: 1 },
    });
    const there = await importDatastore(inEtcd, file);
    expect(there).toMatchObject({ present: 0, sums: file.sums });
    expect(await exported(inEtcd)).toBe(text);

    const fresh = new MemoryKubeClient();
    const back = await importDatastore(fresh, parseExport(await exported(inEtcd)));
    expect(back.sums).toEqual(file.sums);
    expect(await exported(fresh)).toBe(text);
    const [before, after] = await Promise.all(
      [inKubernetes, fresh].map((client) => kubeBlockStore({ client, report }).listBlocks()),
    );
    expect(after!.map(({ value }) => value)).toEqual(before!.map(({ value }) => value));
  });

  it('reads only from what is locked, and leaves locked what it has written to', async () => {
    expect((await failureOf(exportDatastore(inKubernetes))).code).toBe('not-locked');
    await importDatastore(inEtcd, parseExport(await exported(inKubernetes)));
    expect(
      (await etcd.range({ prefix: '/calico/resources/v3/projectcalico.org/clusterinformations/' })).items[0]?.value,
    ).toContain('"datastoreReady":false');
    expect(await setLocked(inEtcd, true)).toBe(false);
    expect(await setLocked(inEtcd, false)).toBe(true);
  });

  it('goes on where it was interrupted', async () => {
    const file = parseExport(await exported(inKubernetes));
    let left = 12;
    const broken = new Proxy(inEtcd, {
      get: (target, property: keyof KubeClient) =>
        property === 'create' && left-- <= 0
          ? () => Promise.reject(new SluiceError('unavailable', 'the connection broke'))
          : target[property].bind(target),
    });
    expect((await failureOf(importDatastore(broken, file))).code).toBe('unavailable');
    const { created, present, sums } = await importDatastore(inEtcd, file);
    expect(present).toBeGreaterThan(0);
    expect(created + present).toBe(Object.values(file.sums!).reduce((sum, { count }) => sum + count, 0));
    expect(sums).toEqual(file.sums);
  });

  it('writes nothing where something else is in the way, and names it', async () => {
    const file = parseExport(await exported(inKubernetes));
    await inEtcd.create(IP_POOLS, { metadata: { name: 'four' }, spec: { cidr: '10.0.0.0/8' } } as KubeObject);
    await inEtcd.create(IP_POOLS, { metadata: { name: 'default-ipv4-ippool' }, spec: {} } as KubeObject);
    const failure = await failureOf(importDatastore(inEtcd, file));
    expect(failure.message).toBe(
      'nothing was imported, because the datastore has objects of the file otherwise (IPPool four) and has objects that the file has not (IPPool default-ipv4-ippool): remove them first',
    );
    expect((await etcd.range({ prefix: '/calico/ipam/' })).items).toEqual([]);
  });

  it('names the definitions that a cluster lacks before it writes', async () => {
    const file = parseExport(await exported(inKubernetes));
    const fresh = new MemoryKubeClient();
    for (const resource of TIERS) fresh.serve(resource, false);
    expect((await failureOf(importDatastore(fresh, file))).message).toContain('no definitions of tiers');
    expect((await fresh.list(IP_POOLS)).items).toEqual([]);
  });

  it('notices when somebody writes in spite of the lock', async () => {
    await setLocked(inKubernetes, true);
    let lists = 0;
    const restless = new Proxy(inKubernetes, {
      get: (target, property: keyof KubeClient) =>
        property === 'list'
          ? async (resource: Resource) => {
              if (resource === IP_POOLS || resource.plural === 'ippools')
                await inKubernetes.create(IP_POOLS, { metadata: { name: `p${lists++}` } } as KubeObject);
              return inKubernetes.list(resource);
            }
          : (target[property] as () => unknown).bind(target),
    });
    expect((await failureOf(exportDatastore(restless))).code).toBe('still-written');
  });
});

/** As calicoctl prints it: lists by kind, empty ones and Nodes among them, without our sums. */
const CALICOCTL = `apiVersion: projectcalico.org/v3
items:
- apiVersion: projectcalico.org/v3
  kind: IPPool
  metadata:
    creationTimestamp: null
    name: default-ipv4-ippool
  spec:
    blockSize: 26
    cidr: 10.244.0.0/16
kind: IPPoolList
metadata:
  resourceVersion: "1203"
---
apiVersion: projectcalico.org/v3
items: []
kind: BGPPeerList
metadata:
  resourceVersion: "1203"
---
apiVersion: projectcalico.org/v3
items:
- apiVersion: projectcalico.org/v3
  kind: Node
  metadata:
    creationTimestamp: null
    name: node-1
kind: NodeList
---
===
{
  "kind": "ClusterInformation",
  "apiVersion": "projectcalico.org/v3",
  "metadata": { "name": "default", "resourceVersion": "9" },
  "spec": { "clusterGUID": "abc", "datastoreReady": false }
}
===
{
  "block_affinities": [
    { "Key": "/calico/ipam/v2/host/node-1/ipv4/block/10.244.0.64-26", "Value": { "state": "confirmed", "deleted": false }, "TTL": 0 }
  ],
  "blocks": [
    {
      "Key": "/calico/ipam/v2/assignment/ipv4/block/10.244.0.64-26",
      "Value": { "cidr": "10.244.0.64/26", "affinity": "host:node-1", "allocations": [0, ${Array(63).fill('null').join(', ')}],
        "unallocated": [${Array.from({ length: 63 }, (_, i) => i + 1).join(', ')}],
        "attributes": [{ "handle_id": "k8s-pod-network.1", "secondary": { "node": "node-1" } }],
        "sequenceNumber": 3, "sequenceNumberForAllocation": { "0": 2 }, "deleted": false },
      "TTL": 0
    }
  ],
  "handles": [ { "Key": "/calico/ipam/v2/handle/k8s-pod-network.1", "Value": { "block": { "10.244.0.64/26": 1 }, "deleted": false }, "TTL": 0 } ],
  "config": { "Key": "/calico/ipam/v2/config", "Value": { "auto_allocate_blocks": true }, "TTL": 0 }
}
`;

describe('a file of calicoctl', () => {
  it('is imported into either datastore, but for what Sluice takes from Kubernetes', async () => {
    const file = parseExport(CALICOCTL);
    expect([file.sums, [...file.left], file.information]).toEqual([undefined, [['Node', 1]], { clusterGUID: 'abc' }]);
    const fresh = new MemoryKubeClient();
    const reports = await Promise.all([importDatastore(inEtcd, file), importDatastore(fresh, file)]);
    expect(reports[0]!.sums).toEqual(reports[1]!.sums);
    expect(reports[0]!.created).toBe(5);
    const cidr = parseCidr('10.244.0.64/26')!;
    for (const client of [inEtcd, fresh])
      expect((await kubeBlockStore({ client, report }).getBlock(cidr))?.value).toMatchObject({
        node: 'node-1',
        allocations: new Map([[0, { handle: 'k8s-pod-network.1', attributes: { node: 'node-1' } }]]),
      });
  });

  it.each([
    ['', 'it has 1 parts'],
    [CALICOCTL.replace('"TTL": 0\n    }\n  ],', ''), 'the third part is not JSON'],
    [
      CALICOCTL.replace('ipv4/block/10.244.0.64-26", "Value": { "state"', 'ipv4/block/nonsense", "Value": { "state"'),
      'blockaffinities at',
    ],
    [CALICOCTL.replace('    name: default-ipv4-ippool\n', ''), 'has a IPPool without a name'],
    [CALICOCTL.replace('items:\n- ', 'items: [\n- '), 'the first part is not YAML'],
  ])('that is damaged is refused with what is wrong', (text, message) => {
    expect(() => parseExport(text)).toThrow(message);
  });
});
