import { formatCidr } from '../../base/ip/index.ts';
import { freeCount } from './block.ts';
import type { CoolDown } from './block.ts';
import { fnv1a } from './candidates.ts';
import { isWithin } from './pool.ts';
import type { Stored } from './store.ts';
import type { Block, IpPool } from './types.ts';

/**
 * The blocks of `listed` from which `node` may borrow, best first: the emptiest, because their owners will miss the address
 * least. Blocks that are about as empty come in another order on each node, or all would write to the same one.
 */
export function lendersOf(
  listed: readonly Stored<Block>[],
  pools: readonly IpPool[],
  coolDown: CoolDown,
  node: string,
): readonly Stored<Block>[] {
  return listed
    .filter(({ value }) => (!value.strictAffinity || value.node === node) && isWithin(value, pools))
    .map((block) => {
      const free = freeCount(block.value, coolDown);
      return { block, rank: Math.ceil(Math.log2(free + 1)), place: fnv1a(`${node} ${formatCidr(block.value.cidr)}`) };
    })
    .filter(({ rank }) => rank > 0)
    .sort((a, b) => b.rank - a.rank || (a.place < b.place ? -1 : 1))
    .map(({ block }) => block);
}
