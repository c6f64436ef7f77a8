import { cidrCovers } from '../../base/ip/index.ts';
import { freeCount } from './block.ts';
import type { CoolDown } from './block.ts';
import type { Stored } from './store.ts';
import type { Block, IpPool } from './types.ts';

/**
 * The empty blocks of a node that it can do without: all of those outside of `useful` pools (a pool that was disabled or
 * that chooses other nodes now), and of each useful pool those without which it still has more than `lowWater` and one
 * whole block free, so that a few pods that come and go do not claim and give up by turns. What cools down is kept.
 */
export function surplusBlocks(
  owned: readonly Stored<Block>[],
  useful: readonly IpPool[],
  { lowWater, ...coolDown }: CoolDown & { readonly lowWater: number },
): readonly Stored<Block>[] {
  const isIdle = ({ value }: Stored<Block>): boolean =>
    value.allocations.size === 0 && freeCount(value, coolDown) === value.free.length;
  const poolOf = ({ value }: Stored<Block>): IpPool | undefined =>
    useful.find((pool) => cidrCovers(pool.cidr, value.cidr));
  const surplus = owned.filter((block) => poolOf(block) === undefined && isIdle(block));
  for (const pool of useful) {
    const blocks = owned.filter((block) => poolOf(block) === pool);
    let free = blocks.reduce((sum, { value }) => sum + freeCount(value, coolDown), 0);
    // From the highest address: blocks fill up from the lowest.
    for (const block of blocks.toReversed().filter(isIdle)) {
      const size = block.value.free.length;
      if (free - size <= lowWater + size) break;
      free -= size;
      surplus.push(block);
    }
  }
  return surplus;
}
