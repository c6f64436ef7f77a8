import { SluiceError } from '../../base/errors.ts';
import { cidrCovers, cidrSize, formatCidr } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import { freeCount } from './block.ts';
import type { CoolDown } from './block.ts';
import { blocksIn } from './candidates.ts';
import type { Block, IpPool } from './types.ts';

/** What the message needs to know about the search that failed. */
export interface ExhaustionContext {
  readonly node: string;
  readonly family: Family;
  /** The pools that were searched. */
  readonly pools: readonly IpPool[];
  /** Every block of the store. */
  readonly blocks: readonly Block[];
  readonly strictAffinity: boolean;
}

/** The error of an allocation for which no pool has an address: which pools, how large, how full, and what to do. */
export function exhausted(context: ExhaustionContext, coolDown: CoolDown): SluiceError<'exhausted'> {
  const pools = context.pools.map((pool) => poolUsage(pool, context.blocks, coolDown));
  const freeElsewhere = pools.reduce((sum, usage) => sum + usage.free, 0);
  const cooling = pools.reduce((sum, usage) => sum + usage.cooling, 0);
  const advice = [
    ...(cooling > 0 ? [`wait up to ${Math.ceil(coolDown.coolDownMs / 1000)} s for released addresses`] : []),
    ...(freeElsewhere > 0 && context.strictAffinity
      ? [`allow borrowing (strictAffinity is on and ${freeElsewhere} addresses are free in blocks of other nodes)`]
      : []),
    'delete pods',
    'add an IPPool',
  ];
  return new SluiceError(
    'exhausted',
    `no free IPv${context.family} address for node ${context.node}: ${pools.map(describe).join('; ')}. ` +
      `To go on: ${advice.join(', or ')}.`,
    { node: context.node, family: context.family, pools },
  );
}

/** The error of an allocation that no pool serves at all. */
export function noPool(
  context: Omit<ExhaustionContext, 'blocks' | 'strictAffinity'>,
  all: readonly IpPool[],
  wanted: readonly string[] | undefined,
): SluiceError<'no-pool'> {
  const reasons = all
    .filter((pool) => pool.cidr.ip.family === context.family)
    .map((pool) => {
      if (pool.disabled) return `${pool.name} is disabled`;
      if (wanted !== undefined && !wanted.includes(pool.name)) return `${pool.name} was not asked for`;
      return `${pool.name} selects other nodes (${pool.nodeSelector})`;
    });
  return new SluiceError(
    'no-pool',
    `no IPPool gives IPv${context.family} addresses to node ${context.node}: ` +
      `${reasons.length === 0 ? `there is no IPv${context.family} pool` : reasons.join(', ')}. Add or enable an IPPool.`,
    { node: context.node, family: context.family },
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
