import { SluiceError } from '../../base/errors.ts';
import { formatCidr } from '../../base/ip/index.ts';
import type { NodeBlocks } from './node-blocks.ts';
import { Round } from './round.ts';
import type { BlockStore } from './store.ts';

/** What a batch works on. */
export interface BatchContext {
  readonly store: BlockStore;
  readonly now: () => number;
  readonly coolDownMs: number;
  readonly blocks: NodeBlocks;
}

/** Rounds of one batch before it gives up: Calico's number of tries, for a block that is being written by someone in a loop. */
export const MAX_ROUNDS = 100;

/** Releases all that `handles` hold with one write per block. Resolves to how many addresses each had. */
export async function releaseBatch(
  handles: readonly string[],
  context: BatchContext,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map(handles.map((handle) => [handle, context.blocks.placesOf(handle).length]));
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const draft = new Round({ now: context.now(), coolDownMs: context.coolDownMs });
    for (const handle of new Set(handles))
      for (const { cidr, ordinal } of context.blocks.placesOf(handle))
        draft.release(context.blocks.get(cidr)!, [ordinal], handle);
    if (await writeRound(draft, context)) return counts;
  }
  throw contention('release', context);
}

/** Writes every block of `round`; what conflicted is read anew. Resolves to whether all writes went through. */
export async function writeRound(round: Round, { store, blocks }: BatchContext): Promise<boolean> {
  const results = await Promise.allSettled(
    round.writes().map(async ({ block, revision }) => {
      const stored = await store.updateBlock(block, revision);
      if (stored !== 'conflict') {
        blocks.put(stored);
        return true;
      }
      const current = await store.getBlock(block.cidr);
      if (current === undefined) blocks.drop(block.cidr);
      else blocks.put(current);
      return false;
    }),
  );
  // Only when all have ended may the first failure surface: what is read after it must not be overtaken by a write.
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return results.every((result) => result.status === 'fulfilled' && result.value);
}

/** The error of a batch that lost every round. */
export function contention(what: string, { blocks }: BatchContext): SluiceError<'contention'> {
  const names = blocks.all().map(({ value }) => formatCidr(value.cidr));
  return new SluiceError(
    'contention',
    `could not ${what} addresses: the blocks ${names.join(', ')} were changed by others ${MAX_ROUNDS} times in a row; try again`,
    { blocks: names },
  );
}
