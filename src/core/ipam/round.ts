import { formatCidr } from '../../base/ip/index.ts';
import { assignOrdinal, nextFree, releaseOrdinals } from './block.ts';
import type { CoolDown } from './block.ts';
import type { Stored } from './store.ts';
import type { Allocation, Block } from './types.ts';

/** Changes to blocks collected in memory, to become one write per block. Begins from what the store confirmed. */
export class Round {
  private readonly base = new Map<string, Stored<Block>>();
  private readonly drafts = new Map<string, Block>();
  private readonly touchedBy = new Map<string, Set<string>>();
  private readonly coolDown: CoolDown;

  constructor(coolDown: CoolDown) {
    this.coolDown = coolDown;
  }

  /** Gives `handle` the next free address of the first of `blocks` that has one; false when none has. */
  assignNext(blocks: readonly Stored<Block>[], allocation: Allocation): boolean {
    for (const block of blocks) {
      const draft = this.draftOf(block);
      const ordinal = nextFree(draft, this.coolDown);
      if (ordinal === undefined) continue;
      this.write(block, assignOrdinal(draft, ordinal, allocation, this.coolDown), allocation.handle);
      return true;
    }
    return false;
  }

  /** Gives `handle` this very ordinal; returns who else has it, if someone has. Cool-down does not apply. */
  assignExactly(block: Stored<Block>, ordinal: number, allocation: Allocation): Allocation | undefined {
    const draft = this.draftOf(block);
    const holder = draft.allocations.get(ordinal);
    if (holder !== undefined) return holder;
    this.write(block, assignOrdinal(draft, ordinal, allocation, this.coolDown), allocation.handle);
    return undefined;
  }

  /** Takes `ordinals` from their owner. */
  release(block: Stored<Block>, ordinals: readonly number[], handle: string): void {
    const draft = this.draftOf(block);
    const next = releaseOrdinals(draft, ordinals, this.coolDown);
    if (next !== draft) this.write(block, next, handle);
  }

  /** The writes to make: the new block, the revision it is based on and the handles that wait for it. */
  writes(): readonly { readonly block: Block; readonly revision: string; readonly handles: ReadonlySet<string> }[] {
    return [...this.drafts].map(([key, block]) => ({
      block,
      revision: this.base.get(key)!.revision,
      handles: this.touchedBy.get(key)!,
    }));
  }

  private draftOf(block: Stored<Block>): Block {
    return this.drafts.get(formatCidr(block.value.cidr)) ?? block.value;
  }

  private write(base: Stored<Block>, draft: Block, handle: string): void {
    const key = formatCidr(base.value.cidr);
    // The draft goes on from the first: another reading of the block may have what the draft lacks.
    if (!this.base.has(key)) this.base.set(key, base);
    this.drafts.set(key, draft);
    const handles = this.touchedBy.get(key) ?? new Set();
    this.touchedBy.set(key, handles.add(handle));
  }
}
