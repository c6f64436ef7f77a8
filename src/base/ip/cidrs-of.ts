import { bitsOf } from './address.ts';
import type { Family } from './address.ts';
import type { Cidr } from './cidr.ts';
import type { IntervalSet } from './interval-set.ts';

/** The fewest blocks that hold exactly the addresses of `set`, in order. */
export function cidrsOf(set: IntervalSet, family: Family): Cidr[] {
  const bits = bitsOf(family);
  const blocks: Cidr[] = [];
  for (const { first, last } of set) {
    for (let next = first; next <= last;) {
      let size = next === 0n ? BigInt(bits) : trailingZeros(next);
      while (next + (1n << size) - 1n > last) size--;
      blocks.push({ ip: { family, value: next }, prefix: bits - Number(size) });
      next += 1n << size;
    }
  }
  return blocks;
}

function trailingZeros(value: bigint): bigint {
  let count = 0n;
  for (let rest = value; (rest & 1n) === 0n; rest >>= 1n) count++;
  return count;
}
