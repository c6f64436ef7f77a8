import { MemoryKubeClient } from '../kube-client/memory-client.ts';
import { IP_POOLS } from '../kube-client/resources.ts';
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
