import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCidr } from '../../base/ip/index.ts';
import { emptyBlock } from '../../core/ipam/index.ts';
import type { BlockStore } from '../../core/ipam/index.ts';
import { createTestCertificates } from '../etcd/certificates.test-support.ts';
import { EtcdServer } from '../etcd/etcd.test-support.ts';
import { etcdKubeClient } from '../etcd/kube-client.ts';
import type { Etcd } from '../etcd/types.ts';
import { MemoryKubeClient } from '../kube-client/memory-client.ts';
import { IP_POOLS } from '../kube-client/resources.ts';
import { blockStoreContract } from './contract.ts';
import { kubeBlockStore } from './kube-block-store.ts';

const report = (message: string): void => {
  throw new Error(message);
};

let plain: EtcdServer;
let guarded: EtcdServer;
let etcd: Etcd;
let guardedEtcd: Etcd;

beforeAll(async () => {
  [plain, guarded] = await Promise.all([
    EtcdServer.start(),
    createTestCertificates().then((certificates) => EtcdServer.start({ certificates })),
  ]);
  guarded.ctl('user', 'add', 'root:pass');
  guarded.ctl('user', 'grant-role', 'root', 'root');
  guarded.ctl('auth', 'enable');
  etcd = plain.client();
  guardedEtcd = guarded.client({ username: 'root', password: 'pass' });
});
afterAll(async () => {
  etcd.close();
  guardedEtcd.close();
  await plain[Symbol.asyncDispose]();
  await guarded[Symbol.asyncDispose]();
});

async function open(client: Etcd): Promise<BlockStore> {
  await client.delete({ prefix: '/calico/' });
  const kube = etcdKubeClient({ etcd: client, heedsLock: true, kubernetes: new MemoryKubeClient(), report });
  await kube.create(IP_POOLS, { metadata: { name: 'pool' }, spec: { cidr: '10.244.0.0/16' } } as object);
  return kubeBlockStore({ client: kube, report });
}

blockStoreContract('in etcd', () => open(etcd));
blockStoreContract('in etcd, with TLS and users', () => open(guardedEtcd));

describe('in etcd, blocks', () => {
  it("lie where Calico looks for them, in Calico's form", async () => {
    const store = await open(etcd);
    const cidr = parseCidr('10.244.0.64/30')!;
    const block = {
      ...emptyBlock(cidr, 'node-1', true),
      allocations: new Map([[1, { handle: 'net.a', attributes: { node: 'node-1', pod: 'web' } }]]),
      free: [3, 2, 0],
      released: new Map([[3, 17]]),
    };
    await store.createBlock(block);
    const sixth = parseCidr('fd00:10::40/122')!;
    await store.createAffinity({ node: 'node-1', cidr: sixth, state: 'pending' });
    const { items } = await etcd.range({ prefix: '/calico/ipam/' });
    expect(Object.fromEntries(items.map(({ key, value }) => [key, JSON.parse(value) as unknown]))).toEqual({
      '/calico/ipam/v2/assignment/ipv4/block/10.244.0.64-30': {
        cidr: '10.244.0.64/30',
        affinity: 'host:node-1',
        strictAffinity: true,
        allocations: [null, 0, null, null],
        unallocated: [3, 2, 0],
        attributes: [{ handle_id: 'net.a', secondary: { node: 'node-1', pod: 'web' } }],
        sequenceNumber: 0,
        deleted: false,
        'sluice.dev/metadata': { annotations: { 'sluice.dev/released-at': '{"3":17}' } },
      },
      '/calico/ipam/v2/host/node-1/ipv6/block/fd00:10::40-122': { state: 'pending', deleted: false },
    });
    expect((await store.getBlock(cidr))?.value).toEqual(block);
  });

  it("are read as Calico wrote them, and keep Calico's fields and its count of changes", async () => {
    const store = await open(etcd);
    const key = '/calico/ipam/v2/assignment/ipv6/block/fd00:10::40-126';
    const theirs = {
      cidr: 'fd00:10::40/126',
      affinity: 'host:node-2',
      allocations: [0, null, null, null],
      unallocated: [1, 2, 3],
      attributes: [{ handle_id: 'k8s-pod-network.abc', secondary: { namespace: 'x', node: 'node-2', pod: 'web' } }],
      sequenceNumber: 17,
      sequenceNumberForAllocation: { '0': 12 },
      deleted: false,
    };
    await etcd.put(key, JSON.stringify(theirs));
    const [stored] = await store.listBlocks();
    expect(stored?.value).toMatchObject({ node: 'node-2', free: [1, 2, 3] });
    await store.updateBlock({ ...stored!.value, node: undefined }, stored!.revision);
    const [item] = (await etcd.range({ key })).items;
    const after = JSON.parse(item!.value) as typeof theirs;
    expect(after).toMatchObject({ affinity: null, sequenceNumber: 18, sequenceNumberForAllocation: { '0': 12 } });
  });

  it('of nodes whose names end like addresses are told apart', async () => {
    const store = await open(etcd);
    const affinities = ['a', 'a-1', 'a-fd00', '10-1-2-3'].flatMap((node) =>
      ['10.244.0.64/26', 'fd00:10::40/122', 'fd00::/122'].map((cidr) => ({
        node,
        cidr: parseCidr(cidr)!,
        state: 'pending' as const,
      })),
    );
    for (const affinity of affinities) expect(await store.createAffinity(affinity)).not.toBe('exists');
    for (const { node, cidr } of affinities)
      expect((await store.getAffinity(node, cidr))?.value, `${node}`).toMatchObject({ node, cidr });
    for (const affinity of affinities) {
      const found = await store.getAffinity(affinity.node, affinity.cidr);
      expect(await store.deleteAffinity(affinity, found!.revision)).toBe('deleted');
    }
    expect(await store.listAffinities()).toEqual([]);
  });
});
