import { bitsOf, rangeOf } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import type { IpPool } from './types.ts';

/** How many blocks a pool is cut into. */
export function blocksIn(pool: IpPool): bigint {
  return 1n << BigInt(pool.blockSize - pool.cidr.prefix);
}

/**
 * The blocks of `pool` that `isTaken` does not know, in the order in which `node` should try to claim them. Every node
 * starts at its own place (a hash of its name), so that nodes that join at the same moment rarely race; the same node
 * always starts at the same place, so that a rebuilt node tends to get its old block. Yields at most `limit` blocks.
 */
export function* claimOrder(
  pool: IpPool,
  node: string,
  isTaken: (cidr: Cidr) => boolean,
  limit: number,
): Generator<Cidr, void> {
  const count = blocksIn(pool);
  const size = BigInt(bitsOf(pool.cidr.ip.family) - pool.blockSize);
  const { family, first } = rangeOf(pool.cidr);
  const start = fnv1a(node) % count;
  let yielded = 0;
  for (let step = 0n; step < count && yielded < limit; step++) {
    const cidr: Cidr = {
      ip: { family, value: first + (((start + step) % count) << size) },
      prefix: pool.blockSize,
    };
    if (isTaken(cidr)) continue;
    yielded++;
    yield cidr;
  }
}

/** FNV-1a, 64 bits (draft-eastlake-fnv §2): good enough to spread names, and the same in every release. */
export function fnv1a(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (let i = 0; i < text.length; i++)
    hash = ((hash ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n) & 0xffffffffffffffffn;
  // The low bits of FNV differ little between names that end alike (node-1, node-2); fold the high half in.
  return hash ^ (hash >> 32n);
}
