import type { Cidr } from '../../base/ip/index.ts';
import type { Affinity, Block, IpamConfig, IpPool } from './types.ts';

/** A value as the store had it, with the revision that a later write must still find. */
export interface Stored<T> {
  readonly value: T;
  readonly revision: string;
}

/**
 * Where pools, blocks, affinities and the rules for them live. Every write is atomic on its own and conditional: expected losses of a race
 * come back as `exists` or `conflict` (which also means "gone"); a thrown error means that the outcome is unknown.
 */
export interface BlockStore {
  /** Oldest first: of two that overlap, the older one counts. */
  listPools(): Promise<readonly IpPool[]>;
  /** Where the cluster has none: `DEFAULT_IPAM_CONFIG`. */
  getConfig(): Promise<IpamConfig>;

  listBlocks(): Promise<readonly Stored<Block>[]>;
  getBlock(cidr: Cidr): Promise<Stored<Block> | undefined>;
  createBlock(block: Block): Promise<Stored<Block> | 'exists'>;
  updateBlock(block: Block, revision: string): Promise<Stored<Block> | 'conflict'>;
  deleteBlock(cidr: Cidr, revision: string): Promise<'deleted' | 'conflict'>;

  /** All affinities, or those of one node. */
  listAffinities(node?: string): Promise<readonly Stored<Affinity>[]>;
  getAffinity(node: string, cidr: Cidr): Promise<Stored<Affinity> | undefined>;
  createAffinity(affinity: Affinity): Promise<Stored<Affinity> | 'exists'>;
  updateAffinity(affinity: Affinity, revision: string): Promise<Stored<Affinity> | 'conflict'>;
  deleteAffinity(affinity: Affinity, revision: string): Promise<'deleted' | 'conflict'>;
}
