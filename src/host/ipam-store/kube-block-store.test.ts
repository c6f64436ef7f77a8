import { describe, expect, it } from 'vitest';
import { parseCidr } from '../../base/ip/index.ts';
import { createAllocator, emptyBlock, encodeAffinity, encodeBlock } from '../../core/ipam/index.ts';
import { MemoryKubeClient } from '../kube-client/memory-client.ts';
import { BLOCK_AFFINITIES, IPAM_BLOCKS, IP_POOLS } from '../kube-client/resources.ts';
import type { KubeObject } from '../kube-client/types.ts';
import { blockStoreContract } from './contract.ts';
import { kubeBlockStore } from './kube-block-store.ts';

blockStoreContract('in the Kubernetes API', async () => {
  const client = new MemoryKubeClient();
  const pool = {
    apiVersion: 'crd.projectcalico.org/v1',
    kind: 'IPPool',
    metadata: { name: 'default-ipv4-ippool' },
    spec: { cidr: '10.244.0.0/16' },
  };
  await client.create(IP_POOLS, pool);
  return kubeBlockStore({
    client,
    report: (message) => {
      throw new Error(message);
    },
  });
});

describe('blocks that Calico has written', () => {
  it('keep the fields and labels that are not ours when we write them', async () => {
    const client = new MemoryKubeClient();
    const block = encodeBlock(emptyBlock(parseCidr('10.244.0.64/26')!, 'node-1', false));
    const labels = { owner: 'calico' };
    await client.create(IPAM_BLOCKS, {
      ...block,
      metadata: { ...block.metadata, labels },
      spec: { ...block.spec, sequenceNumber: 17, added: 'later' },
    });
    const store = kubeBlockStore({ client, report: () => undefined });
    const [stored] = await store.listBlocks();
    await store.updateBlock({ ...stored!.value, node: undefined }, stored!.revision);
    const after = await client.get(IPAM_BLOCKS, { name: '10-244-0-64-26' });
    expect(after).toMatchObject({ metadata: { labels }, spec: { sequenceNumber: 18, added: 'later' } });
    expect(after).not.toHaveProperty('spec.affinity');
  });

  it('lose the note of when an address was given once it changes hands', async () => {
    const client = new MemoryKubeClient();
    const held = (handle: string) => ({ handle, attributes: {} });
    const cidr = parseCidr('10.244.0.64/26')!;
    const allocations = new Map([3, 4, 5].map((ordinal) => [ordinal, held(`calico-${ordinal}`)]));
    const { metadata, spec } = encodeBlock({ ...emptyBlock(cidr, 'node-1', false), allocations });
    const nanoseconds = Number('1763879040123456789');
    const notes = { sequenceNumber: nanoseconds, sequenceNumberForAllocation: { 3: 7, 4: 8, 5: 9 } };
    await client.create(IPAM_BLOCKS, { metadata, spec: { ...spec, ...notes } } as object);
    const store = kubeBlockStore({ client, report: () => undefined });
    const { value, revision } = (await store.getBlock(cidr))!;
    const next = new Map([
      [3, held('calico-3')],
      [4, held('net.other')],
    ]);
    await store.updateBlock({ ...value, allocations: next }, revision);
    const after = await client.get<KubeObject & { spec: typeof notes }>(IPAM_BLOCKS, { name: '10-244-0-64-26' });
    expect(after.spec.sequenceNumberForAllocation).toEqual({ 3: 7 });
    expect(after.spec.sequenceNumber).toBeGreaterThan(nanoseconds);
  });
});

describe('a block that cannot be read', () => {
  const cidrs = ['10.244.0.0/26', '10.244.0.64/26'].map((text) => parseCidr(text)!);

  async function scene() {
    const client = new MemoryKubeClient();
    await client.create(IP_POOLS, {
      metadata: { name: 'pool' },
      spec: { cidr: '10.244.0.0/25' },
    } as object);
    const told: string[] = [];
    const store = kubeBlockStore({ client, report: (message) => told.push(message) });
    const node = createAllocator(
      { node: 'node-1', nodeLabels: () => ({}), coolDownMs: 0, lowWater: 0 },
      { store, now: () => 0, report: () => undefined },
    );
    const spoil = (cidr: (typeof cidrs)[number]) => {
      const { metadata, spec } = encodeBlock(emptyBlock(cidr, 'node-2', false));
      return client.create(IPAM_BLOCKS, { metadata, spec: { ...spec, allocations: [] } } as object);
    };
    return { client, store, node, spoil, told };
  }

  it.each(cidrs)('is passed over by a node that claims: %o', async (cidr) => {
    const { node, spoil, told } = await scene();
    await spoil(cidr);
    const { addresses } = await node.allocate({ handle: 'a', families: [4], attributes: {} });
    expect(addresses[0]!.block).toEqual(cidrs.find((each) => each !== cidr));
    expect(told.join()).toContain('spec.allocations must have one entry');
  });

  it('keeps no node from its other blocks that was about to claim it', async () => {
    const { client, node, store, spoil } = await scene();
    await spoil(cidrs[0]!);
    await client.create(BLOCK_AFFINITIES, encodeAffinity({ node: 'node-1', cidr: cidrs[0]!, state: 'pending' }));
    const { addresses } = await node.allocate({ handle: 'a', families: [4], attributes: {} });
    expect(addresses[0]!.block).toEqual(cidrs[1]);
    expect((await store.listAffinities('node-1')).map(({ value }) => value.cidr)).toEqual([cidrs[1]]);
  });
});
