import { messageOf } from '../../base/errors.ts';
import { bitsOf, cidrCovers, formatCidr } from '../../base/ip/index.ts';
import type { Cidr, Family } from '../../base/ip/index.ts';
import { labelsSelected } from './pool-selector.ts';
import type { Block, IpPool } from './types.ts';

/** Block sizes that Calico accepts: 20 to 32 bits for IPv4, 116 to 128 for IPv6. */
export const BLOCK_SIZES = { 4: { min: 20, max: 32, usual: 26 }, 6: { min: 116, max: 128, usual: 122 } } as const;

/** The prefix length of the blocks of a pool that names none. */
export function defaultBlockSize(family: Family): number {
  return BLOCK_SIZES[family].usual;
}

/** Everything that is wrong with a pool, each with its field path; empty when it is usable. */
export function validatePool(
  pool: IpPool,
  others: readonly IpPool[],
): readonly { readonly path: string; readonly message: string }[] {
  const issues: { path: string; message: string }[] = [];
  const { min, max } = BLOCK_SIZES[pool.cidr.ip.family];
  if (pool.blockSize < min || pool.blockSize > max)
    issues.push({ path: 'spec.blockSize', message: `must be from ${min} to ${max}, not ${pool.blockSize}` });
  else if (pool.blockSize < pool.cidr.prefix)
    issues.push({
      path: 'spec.cidr',
      message: `${formatCidr(pool.cidr)} is too small: it must hold at least one block of /${pool.blockSize}`,
    });
  for (const other of others)
    if (other.name !== pool.name && overlaps(other.cidr, pool.cidr))
      issues.push({
        path: 'spec.cidr',
        message: `${formatCidr(pool.cidr)} overlaps pool ${other.name} (${formatCidr(other.cidr)})`,
      });
  for (const field of ['nodeSelector', 'namespaceSelector'] as const)
    try {
      labelsSelected(pool[field], {});
    } catch (error) {
      issues.push({ path: `spec.${field}`, message: messageOf(error) });
    }
  return issues;
}

/** Whether the block lies in one of `pools`. */
export function isWithin({ cidr }: Pick<Block, 'cidr'>, pools: readonly IpPool[]): boolean {
  return pools.some((pool) => cidrCovers(pool.cidr, cidr));
}

/** The block of `pool` in which an address of it lies. */
export function blockAround(pool: IpPool, value: bigint): Cidr {
  const { family } = pool.cidr.ip;
  const hostBits = BigInt(bitsOf(family) - pool.blockSize);
  return { ip: { family, value: (value >> hostBits) << hostBits }, prefix: pool.blockSize };
}

/**
 * `pools`, oldest first, with those disabled whose range an older one has already: blocks that two pools cut from one range
 * would share addresses.
 */
export function withoutOverlaps(pools: readonly IpPool[]): readonly IpPool[] {
  return pools.map((pool, index) =>
    pools.slice(0, index).some((older) => overlaps(older.cidr, pool.cidr)) ? { ...pool, disabled: true } : pool,
  );
}

/** What lies of `pools` in `ranges`; blocks are no larger than a range. */
export function narrowPools(pools: readonly IpPool[], ranges: readonly Cidr[]): readonly IpPool[] {
  return pools.flatMap((pool) =>
    ranges.flatMap((range) => {
      if (cidrCovers(range, pool.cidr)) return [pool];
      if (!cidrCovers(pool.cidr, range)) return [];
      return [{ ...pool, cidr: range, blockSize: Math.max(pool.blockSize, range.prefix) }];
    }),
  );
}

/** Whether two ranges share an address. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  return cidrCovers(a, b) || cidrCovers(b, a);
}
