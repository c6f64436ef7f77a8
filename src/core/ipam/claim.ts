import { cidrCovers } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import { emptyBlock } from './block.ts';
import { claimOrder } from './candidates.ts';
import { overlaps } from './pool.ts';
import type { BlockStore, Stored } from './store.ts';
import type { TakenBlocks } from './taken-blocks.ts';
import type { Affinity, Block, IpPool } from './types.ts';

/** Tries of one claim before the pool counts as full: each failed try means that another node got a block. */
const MAX_CLAIM_TRIES = 64;
/** Tries with what is remembered of other nodes' blocks before all blocks are listed, which is much more to read. */
const TRIES_FROM_MEMORY = 2;

/** Who claims, and how the new block shall behave. */
export interface Claimant {
  readonly node: string;
  readonly strictAffinity: boolean;
  /** Ranges that are left alone unless a block in them is asked for. */
  readonly reserved?: readonly Cidr[];
}

/**
 * Claims one more block of `pool` for the node: a block that does not exist yet, else one that its node gave up.
 * Undefined when every block has an owner. Whoever creates the block object owns it; two nodes never both succeed.
 * What is learnt of other blocks goes to `taken`.
 */
export async function claimBlock(
  store: BlockStore,
  pool: IpPool,
  claimant: Claimant,
  taken: TakenBlocks,
  list: BlockStore['listBlocks'] = () => store.listBlocks(),
): Promise<Stored<Block> | undefined> {
  const remembered = await claimFree(store, pool, claimant, taken, TRIES_FROM_MEMORY);
  if (remembered !== undefined) return remembered;
  const listed = await list();
  taken.reset(listed.map(({ value }) => value.cidr));
  const free = await claimFree(store, pool, claimant, taken, MAX_CLAIM_TRIES);
  if (free !== undefined) return free;
  const orphans = listed.filter(
    ({ value: { cidr, node, free: left } }) => node === undefined && left.length > 0 && cidrCovers(pool.cidr, cidr),
  );
  for (const { value } of orphans) {
    const claimed = await claimCidr(store, value.cidr, claimant);
    if (claimed !== undefined) return claimed;
  }
  return undefined;
}

async function claimFree(
  store: BlockStore,
  pool: IpPool,
  claimant: Claimant,
  taken: TakenBlocks,
  tries: number,
): Promise<Stored<Block> | undefined> {
  const { node, reserved = [] } = claimant;
  const exists = taken.within(pool.cidr, pool.blockSize);
  const isTaken = (cidr: Cidr): boolean => exists(cidr) || reserved.some((range) => overlaps(range, cidr));
  for (const cidr of claimOrder(pool, node, isTaken, tries)) {
    const claimed = await claimCidr(store, cidr, claimant);
    taken.add(cidr);
    if (claimed !== undefined) return claimed;
  }
  return undefined;
}

/**
 * Claims this very block: affinity `pending`, then the block, then affinity `confirmed`, so that a crash in between
 * leaves something that {@link settleClaims} can find. Undefined when another node owns it.
 */
export async function claimCidr(store: BlockStore, cidr: Cidr, claimant: Claimant): Promise<Stored<Block> | undefined> {
  const { node } = claimant;
  const pending = await putAffinity(store, { node, cidr, state: 'pending' });
  const block = await takeBlock(store, cidr, claimant);
  if (block === undefined) await dropAffinity(store, node, cidr);
  else await putAffinity(store, { node, cidr, state: 'confirmed' }, pending);
  return block;
}

/** Finishes what a crash left half done: claims whose block is ours are confirmed, the others are withdrawn. */
export async function settleClaims(store: BlockStore, node: string): Promise<void> {
  for (const { value: affinity } of await store.listAffinities(node)) {
    if (affinity.state === 'confirmed') continue;
    const block = await store.getBlock(affinity.cidr);
    const owned = block?.value.node === node;
    if (owned && affinity.state === 'pending') await putAffinity(store, { ...affinity, state: 'confirmed' });
    else if (owned) await giveUpBlock(store, block);
    else await dropAffinity(store, node, affinity.cidr);
  }
}

/**
 * Takes the owner from a block: an empty block is deleted, one in which others hold addresses stays without owner.
 * Returns whether it happened; false when somebody wrote the block meanwhile, which leaves it owned.
 */
export async function giveUpBlock(store: BlockStore, block: Stored<Block>): Promise<boolean> {
  const { node, cidr } = block.value;
  if (node === undefined) return true;
  await putAffinity(store, { node, cidr, state: 'pendingDeletion' });
  const done =
    block.value.allocations.size === 0
      ? (await store.deleteBlock(cidr, block.revision)) === 'deleted'
      : (await store.updateBlock({ ...block.value, node: undefined }, block.revision)) !== 'conflict';
  if (done) await dropAffinity(store, node, cidr);
  else await putAffinity(store, { node, cidr, state: 'confirmed' });
  return done;
}

async function takeBlock(store: BlockStore, cidr: Cidr, claimant: Claimant): Promise<Stored<Block> | undefined> {
  const created = await store.createBlock(emptyBlock(cidr, claimant.node, claimant.strictAffinity));
  if (created !== 'exists') return created;
  const present = await store.getBlock(cidr);
  if (present === undefined || present.value.node === claimant.node) return present;
  if (present.value.node !== undefined) return undefined;
  const adopted = await store.updateBlock({ ...present.value, node: claimant.node }, present.revision);
  return adopted === 'conflict' ? undefined : adopted;
}

async function putAffinity(
  store: BlockStore,
  affinity: Affinity,
  known?: Stored<Affinity>,
): Promise<Stored<Affinity> | undefined> {
  if (known !== undefined) {
    const updated = await store.updateAffinity(affinity, known.revision);
    if (updated !== 'conflict') return updated;
  }
  // Only this node and the collector of dead nodes write an affinity, so a second round always suffices; the block is
  // the truth in any case and the next start settles what is left.
  for (let round = 0; round < 3; round++) {
    const created = await store.createAffinity(affinity);
    if (created !== 'exists') return created;
    const present = await store.getAffinity(affinity.node, affinity.cidr);
    if (present === undefined) continue;
    if (present.value.state === affinity.state) return present;
    const updated = await store.updateAffinity(affinity, present.revision);
    if (updated !== 'conflict') return updated;
  }
  return undefined;
}

async function dropAffinity(store: BlockStore, node: string, cidr: Cidr): Promise<void> {
  for (let round = 0; round < 3; round++) {
    const present = await store.getAffinity(node, cidr);
    if (present === undefined) return;
    if ((await store.deleteAffinity(present.value, present.revision)) === 'deleted') return;
  }
}
