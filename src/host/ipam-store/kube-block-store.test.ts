import { describe, expect, it } from 'vitest';
import { parseCidr } from '../../base/ip/index.ts';
import { emptyBlock, encodeBlock } from '../../core/ipam/index.ts';
import { MemoryKubeClient } from '../kube-client/memory-client.ts';
import { IPAM_BLOCKS, IP_POOLS } from '../kube-client/resources.ts';
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
      spec: { ...block.spec, sequenceNumber: 17 },
    });
    const store = kubeBlockStore({ client, report: () => undefined });
    const [stored] = await store.listBlocks();
    await store.updateBlock({ ...stored!.value, node: undefined }, stored!.revision);
    const after = await client.get(IPAM_BLOCKS, { name: '10-244-0-64-26' });
    expect(after).toMatchObject({ metadata: { labels }, spec: { sequenceNumber: 17 } });
    expect(after).not.toHaveProperty('spec.affinity');
  });
});
