import type { Cidr, Family } from '../../base/ip/index.ts';
import type { BlockStore, Stored } from './store.ts';
import type { AllocateRequest, Assignment, Block, PoolUse } from './types.ts';

/** How one node manages its addresses. */
export interface AllocatorOptions {
  readonly node: string;
  /** Labels of the node as they are now, for the pools' node selectors. */
  readonly nodeLabels: () => Readonly<Record<string, string>>;
  /**
   * Ranges in which nobody's block is claimed ahead of need or on demand, as they are now: what nodes still give out by
   * themselves while a cluster changes over to blocks.
   */
  readonly reserved?: () => readonly Cidr[];
  /** Ranges outside of which the node gets no address, as they are now: all that is routed to it. Absent: no such ranges. */
  readonly within?: (() => readonly Cidr[]) | undefined;
  /** What addresses are for in the pools of which blocks are claimed ahead of need; absent: pods. */
  readonly use?: PoolUse;
  /** A released address is not given out again for this long. */
  readonly coolDownMs: number;
  /** A new block is claimed when the node's blocks of a family have no more than this many free addresses. */
  readonly lowWater: number;
}

/** What an allocator needs from outside. */
export interface AllocatorDependencies {
  readonly store: BlockStore;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Told of failures that no caller waits for (claiming ahead of need). */
  readonly report: (message: string, error: unknown) => void;
}

/** The outcome of one request of a batch. */
export type AllocateOutcome =
  { readonly kind: 'assigned'; readonly assignment: Assignment } | { readonly kind: 'failed'; readonly error: unknown };

/** The addresses of one node. Concurrent calls are merged: one store update per block and round. */
export interface Allocator {
  /** Reads pools and blocks anew and finishes claims that a crash left pending. Call before anything else. */
  load(): Promise<void>;
  /** Makes sure that the node has a block with room in each family that has pools. Also runs by itself after allocations. */
  ensureBlocks(families: readonly Family[]): Promise<void>;
  /** Gives up empty blocks that the node does not need, see `surplusBlocks()`. Call it now and then. */
  giveBack(): Promise<void>;
  /** Rejects with a SluiceError of an IpamErrorCode, or with the store's error. Idempotent by handle. */
  allocate(request: AllocateRequest): Promise<Assignment>;
  allocateMany(requests: readonly AllocateRequest[]): Promise<readonly AllocateOutcome[]>;
  /** Resolves to how many addresses the handles had; unknown handles are no error. */
  release(handles: readonly string[]): Promise<number>;
  /** What `handle` holds, from memory. */
  lookup(handle: string): Assignment | undefined;
  /** Every handle that this node holds, from memory. */
  assignments(): ReadonlyMap<string, Assignment>;
  /** The blocks that this node owns or has borrowed from, from memory. */
  blocks(): readonly Stored<Block>[];
  /** Forgets what is in memory before the next operation, e.g. when pools or someone else's writes changed. */
  invalidate(): void;
}
