import { formatCidr } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import type { IpPool } from '../../core/ipam/index.ts';
import { isAlreadyExists } from '../kube-client/errors.ts';
import { IP_POOLS } from '../kube-client/resources.ts';
import type { KubeClient } from '../kube-client/types.ts';

/**
 * Creates those of `pools` whose family has no pool yet, and returns whether there were any. Every agent tries: the
 * first to come creates a pool, and the others find it there.
 */
export async function createMissingPools(
  pools: readonly IpPool[],
  present: ReadonlySet<Family>,
  client: KubeClient,
): Promise<boolean> {
  const missing = pools.filter(({ cidr }) => !present.has(cidr.ip.family));
  for (const { name, cidr, disabled: _, ...spec } of missing) {
    try {
      await client.create(IP_POOLS, { metadata: { name }, spec: { cidr: formatCidr(cidr), ...spec } } as object);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }
  return missing.length > 0;
}
