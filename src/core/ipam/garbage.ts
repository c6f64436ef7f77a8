import { cidrCovers } from '../../base/ip/index.ts';
import type { Cidr, Ip } from '../../base/ip/index.ts';
import { parseRfc3339 } from '../../base/rfc3339.ts';
import { addressAt, releaseOrdinals } from './block.ts';
import { giveUpBlock } from './claim.ts';
import type { BlockStore, Stored } from './store.ts';
import type { Allocation, Block } from './types.ts';

/** What exists in the cluster, read *after* the blocks: a pod is created before its address is allocated. */
export interface World {
  nodeExists(node: string): boolean;
  /** Whether the pod still exists (with this uid, when known) and has not ended; `ip` is what it would hold. */
  podHolds(pod: {
    namespace: string;
    name: string;
    uid: string | undefined;
    node: string | undefined;
    ip: Ip;
  }): boolean;
}

/** How careful the collector is. */
export interface GarbageOptions {
  /** An allocation younger than this is never a leak: the caches behind the world may lag. */
  readonly graceMs: number;
  readonly coolDownMs: number;
}

/** What the collector needs from outside. */
export interface GarbageDependencies {
  readonly store: BlockStore;
  readonly now: () => number;
  readonly readWorld: () => Promise<World>;
}

/** What one collection did. */
export interface GarbageReport {
  readonly released: readonly { readonly ip: Ip; readonly allocation: Allocation }[];
  /** Blocks taken from nodes that no longer exist. */
  readonly blocks: readonly Cidr[];
}

/**
 * Releases the addresses of pods and nodes that are gone and takes the blocks of dead nodes back. Every change is
 * conditional on the block being as it was listed; what somebody changed meanwhile is left to the next collection.
 */
export async function collectGarbage(
  options: GarbageOptions,
  dependencies: GarbageDependencies,
): Promise<GarbageReport> {
  const { store } = dependencies;
  const listed = await store.listBlocks();
  const world = await dependencies.readWorld();
  const released: { ip: Ip; allocation: Allocation }[] = [];
  const blocks: Cidr[] = [];
  for (const stored of listed) {
    const current = await releaseLeaks(stored, world, released, options, dependencies);
    if (current === undefined || current.value.node === undefined) continue;
    if (world.nodeExists(current.value.node)) continue;
    if (await giveUpBlock(store, current)) blocks.push(current.value.cidr);
  }
  await dropDeadAffinities(world, store);
  await deleteOrphans(store);
  return { released, blocks };
}

/** The leaked ordinals of one block, see {@link World}. */
function leakedOrdinals(
  block: Block,
  world: World,
  options: GarbageOptions & { readonly now: number },
): readonly number[] {
  return [...block.allocations]
    .filter(([ordinal, allocation]) => isLeak(addressAt(block, ordinal), allocation, world, options))
    .map(([ordinal]) => ordinal);
}

/** Whether nobody has the address any more for whom it is held. */
export function isLeak(
  ip: Ip,
  { attributes }: Allocation,
  world: World,
  { now, graceMs }: Pick<GarbageOptions, 'graceMs'> & { readonly now: number },
): boolean {
  const since = parseRfc3339(attributes['timestamp'] ?? '');
  if (since !== undefined && since <= now && now - since < graceMs) return false;
  const { namespace, pod, uid, node } = attributes;
  if (namespace !== undefined && pod !== undefined) return !world.podHolds({ namespace, name: pod, uid, node, ip });
  // Tunnel addresses and the like live as long as their node; without either there is nothing to judge by.
  return node !== undefined && !world.nodeExists(node);
}

async function releaseLeaks(
  stored: Stored<Block>,
  world: World,
  released: { ip: Ip; allocation: Allocation }[],
  options: GarbageOptions,
  { store, now }: GarbageDependencies,
): Promise<Stored<Block> | undefined> {
  const block = stored.value;
  const leaks = leakedOrdinals(block, world, { ...options, now: now() });
  if (leaks.length === 0) return stored;
  const next = releaseOrdinals(block, leaks, { now: now(), coolDownMs: options.coolDownMs });
  const written = await store.updateBlock(next, stored.revision);
  if (written === 'conflict') return undefined;
  for (const ordinal of leaks)
    released.push({ ip: addressAt(block, ordinal), allocation: block.allocations.get(ordinal)! });
  return written;
}

/** Claims of dead nodes that never became a block, or whose block is gone. */
async function dropDeadAffinities(world: World, store: BlockStore): Promise<void> {
  for (const { value, revision } of await store.listAffinities()) {
    if (world.nodeExists(value.node)) continue;
    const block = await store.getBlock(value.cidr);
    if (block?.value.node !== value.node) await store.deleteAffinity(value, revision);
  }
}

/** Blocks without owner and without addresses, and empty blocks outside of all pools. */
async function deleteOrphans(store: BlockStore): Promise<void> {
  const pools = await store.listPools();
  for (const stored of await store.listBlocks()) {
    const { node, allocations, cidr } = stored.value;
    if (allocations.size > 0) continue;
    if (node === undefined) await store.deleteBlock(cidr, stored.revision);
    else if (!pools.some((pool) => cidrCovers(pool.cidr, cidr))) await giveUpBlock(store, stored);
  }
}
