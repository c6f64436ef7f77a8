import { SluiceError } from '../../base/errors.ts';
import { cidrCovers, cidrSize, formatCidr } from '../../base/ip/index.ts';
import type { Cidr, Family } from '../../base/ip/index.ts';
import { freeCount } from './block.ts';
import type { CoolDown } from './block.ts';
import { blocksIn } from './candidates.ts';
import { overlaps } from './pool.ts';
import type { Block, IpamConfig, IpPool } from './types.ts';

/** Which search failed. */
interface Search {
  readonly node: string;
  readonly family: Family;
  /** The pools that were searched. */
  readonly pools: readonly IpPool[];
}

/** What the message needs to know about the search that failed. */
export interface ExhaustionContext extends Search {
  /** Every block of the store. */
  readonly blocks: readonly Block[];
  readonly config: IpamConfig;
  /** Ranges in which nothing may be claimed. */
  readonly reserved: readonly Cidr[];
}

/** The error of an allocation for which no pool has an address: which pools, how large, how full, and what to do. */
export function exhausted(context: ExhaustionContext, coolDown: CoolDown): SluiceError<'exhausted'> {
  const { node, family, config } = context;
  const pools = context.pools.map((pool) => poolUsage(pool, context.blocks, coolDown));
  const reserved = context.reserved.filter((range) => context.pools.some((pool) => overlaps(pool.cidr, range))).length;
  const freeElsewhere = pools.reduce((sum, usage) => sum + usage.free, 0);
  const cooling = pools.reduce((sum, usage) => sum + usage.cooling, 0);
  const advice = [
    ...(cooling > 0 ? [`wait up to ${Math.ceil(coolDown.coolDownMs / 1000)} s for released addresses`] : []),
    ...(freeElsewhere > 0 && config.strictAffinity
      ? [`allow borrowing (strictAffinity is on and ${freeElsewhere} addresses are free in blocks of other nodes)`]
      : []),
    ...(config.autoAllocateBlocks ? [] : ['let nodes claim blocks (autoAllocateBlocks is off in IPAMConfig default)']),
    ...(reserved > 0
      ? [`start agents everywhere (${reserved} ranges of nodes that do not use blocks yet are left alone)`]
      : []),
    'delete pods',
    'add an IPPool',
  ];
  return new SluiceError(
    'exhausted',
    `no free IPv${family} address for node ${node}: ${pools.map(describe).join('; ')}. ` +
      `To go on: ${advice.join(', or ')}.`,
    { node, family, pools },
  );
}

/** The error of an allocation for which the node would need more blocks than it may have. */
export function blockLimit({ node, family, pools }: Search, owned: number): SluiceError<'block-limit'> {
  return new SluiceError(
    'block-limit',
    `no free IPv${family} address for node ${node}: its ${owned} blocks in ${pools.map(({ name }) => name).join(', ')} ` +
      'are full, and it may have no more. To go on: raise maxBlocksPerHost in IPAMConfig default, or delete pods.',
    { node, family, owned },
  );
}

/** The error of an allocation that no pool serves at all. */
export function noPool({ node, family }: Omit<Search, 'pools'>, rejections: readonly string[]): SluiceError<'no-pool'> {
  return new SluiceError(
    'no-pool',
    `no IPPool gives IPv${family} addresses to node ${node} here: ` +
      `${rejections.length === 0 ? `there is no IPv${family} pool` : rejections.join(', ')}. Add or enable an IPPool.`,
    { node, family },
  );
}

interface PoolUsage {
  readonly pool: string;
  readonly cidr: string;
  readonly size: string;
  readonly blocks: number;
  readonly maxBlocks: string;
  readonly blockSize: number;
  readonly used: number;
  readonly cooling: number;
  readonly free: number;
}

function poolUsage(pool: IpPool, blocks: readonly Block[], coolDown: CoolDown): PoolUsage {
  const inside = blocks.filter((block) => cidrCovers(pool.cidr, block.cidr));
  const free = inside.reduce((sum, block) => sum + freeCount(block, coolDown), 0);
  return {
    pool: pool.name,
    cidr: formatCidr(pool.cidr),
    size: String(cidrSize(pool.cidr)),
    blocks: inside.length,
    maxBlocks: String(blocksIn(pool)),
    blockSize: pool.blockSize,
    used: inside.reduce((sum, block) => sum + block.allocations.size, 0),
    cooling: inside.reduce((sum, block) => sum + block.free.length, 0) - free,
    free,
  };
}

function describe(usage: PoolUsage): string {
  return (
    `pool ${usage.pool} (${usage.cidr}, ${usage.size} addresses) has ${usage.used} in use, ${usage.cooling} cooling down, ` +
    `${usage.free} free; ${usage.blocks} of its ${usage.maxBlocks} /${usage.blockSize} blocks are claimed`
  );
}
