import { parseCidr } from '../../base/ip/index.ts';
import { decodePool, MemoryBlockStore } from '../../core/ipam/index.ts';
import { blockStoreContract } from './contract.ts';

blockStoreContract('in memory', async () => {
  const pool = decodePool({ metadata: { name: 'default-ipv4-ippool' }, spec: { cidr: '10.244.0.0/16' } });
  return new MemoryBlockStore([{ ...pool, cidr: parseCidr('10.244.0.0/16')! }]);
});
