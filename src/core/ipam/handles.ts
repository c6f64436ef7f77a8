import { formatCidr } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';

/** What one owner holds, by block: Calico's IPAMHandle, an index that follows from the blocks. */
export interface IpamHandle {
  readonly handle: string;
  /** Block, as text → how many of its addresses. */
  readonly blocks: ReadonlyMap<string, number>;
}

/** Who holds how many addresses of one block. */
export interface BlockHolders {
  readonly cidr: Cidr;
  /** One entry for each address that is held; empty where an address was taken without a handle. */
  readonly handles: readonly string[];
}

/** What makes the handles in the store agree with the blocks. */
export interface HandlePlan {
  readonly create: readonly IpamHandle[];
  /** Handles that hold something else than is written. */
  readonly correct: readonly IpamHandle[];
  /** Names of handles that hold nothing. */
  readonly remove: readonly string[];
}

/** The handles that follow from `blocks`, by name. */
export function handlesOf(blocks: Iterable<BlockHolders>): ReadonlyMap<string, IpamHandle> {
  const counts = new Map<string, Map<string, number>>();
  for (const { cidr, handles } of blocks) {
    const block = formatCidr(cidr);
    for (const handle of handles) {
      if (handle === '') continue;
      const held = counts.get(handle) ?? new Map<string, number>();
      counts.set(handle, held.set(block, (held.get(block) ?? 0) + 1));
    }
  }
  return new Map([...counts].map(([handle, held]) => [handle, { handle, blocks: held }]));
}

/** Compares what `blocks` say with the handles that are `present`. */
export function planHandles(blocks: Iterable<BlockHolders>, present: Iterable<IpamHandle>): HandlePlan {
  const wanted = handlesOf(blocks);
  const known = new Map([...present].map((each) => [each.handle, each]));
  const create: IpamHandle[] = [];
  const correct: IpamHandle[] = [];
  for (const each of wanted.values()) {
    const found = known.get(each.handle);
    if (found === undefined) create.push(each);
    else if (!sameBlocks(found, each)) correct.push(each);
  }
  return { create, correct, remove: [...known.keys()].filter((handle) => !wanted.has(handle)) };
}

function sameBlocks({ blocks: a }: IpamHandle, { blocks: b }: IpamHandle): boolean {
  return a.size === b.size && [...a].every(([block, count]) => b.get(block) === count);
}
