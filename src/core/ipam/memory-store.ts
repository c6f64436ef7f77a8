import { cidrCovers, formatCidr } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import { DEFAULT_IPAM_CONFIG } from './config.ts';
import { affinityName, blockName } from './names.ts';
import type { BlockStore, Stored } from './store.ts';
import type { Affinity, Block, IpamConfig, IpPool } from './types.ts';

/** A {@link BlockStore} in memory, with the revisions and conflicts of a real one. Pools and rules can be replaced at any time. */
export class MemoryBlockStore implements BlockStore {
  pools: readonly IpPool[];
  config: IpamConfig;
  private readonly blocks = new Table<Block>();
  private readonly affinities = new Table<Affinity>();

  constructor(pools: readonly IpPool[], config: Partial<IpamConfig> = {}) {
    this.pools = pools;
    this.config = { ...DEFAULT_IPAM_CONFIG, ...config };
  }

  async listPools(): Promise<readonly IpPool[]> {
    return this.pools;
  }

  async getConfig(): Promise<IpamConfig> {
    return this.config;
  }

  async listBlocks(): Promise<readonly Stored<Block>[]> {
    return this.blocks.list();
  }

  async getBlock(cidr: Cidr): Promise<Stored<Block> | undefined> {
    return this.blocks.get(blockName(cidr));
  }

  async createBlock(block: Block): Promise<Stored<Block> | 'exists'> {
    if (!this.pools.some((pool) => cidrCovers(pool.cidr, block.cidr)))
      throw new RangeError(`block ${formatCidr(block.cidr)} lies in no pool`);
    return this.blocks.create(blockName(block.cidr), block);
  }

  async updateBlock(block: Block, revision: string): Promise<Stored<Block> | 'conflict'> {
    return this.blocks.update(blockName(block.cidr), block, revision);
  }

  async deleteBlock(cidr: Cidr, revision: string): Promise<'deleted' | 'conflict'> {
    return this.blocks.delete(blockName(cidr), revision);
  }

  async listAffinities(node?: string): Promise<readonly Stored<Affinity>[]> {
    return this.affinities.list().filter(({ value }) => node === undefined || value.node === node);
  }

  async getAffinity(node: string, cidr: Cidr): Promise<Stored<Affinity> | undefined> {
    return this.affinities.get(affinityName(node, cidr));
  }

  async createAffinity(affinity: Affinity): Promise<Stored<Affinity> | 'exists'> {
    return this.affinities.create(affinityName(affinity.node, affinity.cidr), affinity);
  }

  async updateAffinity(affinity: Affinity, revision: string): Promise<Stored<Affinity> | 'conflict'> {
    return this.affinities.update(affinityName(affinity.node, affinity.cidr), affinity, revision);
  }

  async deleteAffinity(affinity: Affinity, revision: string): Promise<'deleted' | 'conflict'> {
    return this.affinities.delete(affinityName(affinity.node, affinity.cidr), revision);
  }
}

class Table<T> {
  private readonly rows = new Map<string, Stored<T>>();
  private revision = 0;

  list(): readonly Stored<T>[] {
    return [...this.rows.values()];
  }

  get(name: string): Stored<T> | undefined {
    return this.rows.get(name);
  }

  create(name: string, value: T): Stored<T> | 'exists' {
    return this.rows.has(name) ? 'exists' : this.put(name, value);
  }

  update(name: string, value: T, revision: string): Stored<T> | 'conflict' {
    return this.rows.get(name)?.revision === revision ? this.put(name, value) : 'conflict';
  }

  delete(name: string, revision: string): 'deleted' | 'conflict' {
    if (this.rows.get(name)?.revision !== revision) return 'conflict';
    this.rows.delete(name);
    return 'deleted';
  }

  private put(name: string, value: T): Stored<T> {
    const row = { value, revision: String(++this.revision) };
    this.rows.set(name, row);
    return row;
  }
}
