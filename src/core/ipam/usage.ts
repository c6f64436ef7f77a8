import { cidrContains, cidrCovers, cidrSize, compareIp, formatCidr } from '../../base/ip/index.ts';
import type { Cidr, Ip } from '../../base/ip/index.ts';
import { addressAt, ordinalOf } from './block.ts';
import type { Allocation, Block, IpPool } from './types.ts';

/** How full one block is. */
export interface BlockUsage {
  readonly block: Block;
  readonly total: number;
  readonly used: number;
}

/** How full one pool is. Counts are big: an IPv6 pool has more addresses than a number holds. */
export interface PoolUsage {
  readonly pool: IpPool;
  readonly total: bigint;
  readonly used: bigint;
  /** Lowest address first. */
  readonly blocks: readonly BlockUsage[];
}

/** An address that a node holds in a block which is not its own. */
export interface Borrowed {
  readonly ip: Ip;
  readonly block: Cidr;
  /** Undefined when nobody owns the block any more. */
  readonly owner: string | undefined;
  readonly allocation: Allocation;
}

/** How full each of `pools` is, by name, and the blocks that lie in none of them. */
export function usageOf(
  pools: readonly IpPool[],
  blocks: readonly Block[],
): { readonly pools: readonly PoolUsage[]; readonly outside: readonly BlockUsage[] } {
  const sorted = blocks.toSorted((a, b) => compareIp(a.cidr.ip, b.cidr.ip)).map(blockUsage);
  const used = pools
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((pool): PoolUsage => {
      const within = sorted.filter(({ block }) => cidrCovers(pool.cidr, block.cidr));
      const held = within.reduce((sum, each) => sum + each.used, 0);
      return { pool, total: cidrSize(pool.cidr), used: BigInt(held), blocks: within };
    });
  const outside = sorted.filter(({ block }) => !pools.some((pool) => cidrCovers(pool.cidr, block.cidr)));
  return { pools: used, outside };
}

/** The addresses of `blocks` that nodes hold in blocks of others, in order. */
export function borrowedIn(blocks: readonly Block[]): readonly Borrowed[] {
  return allocationsIn(blocks)
    .filter(({ block, allocation }) => {
      const holder = allocation.attributes['node'];
      return holder !== undefined && holder !== block.node;
    })
    .map(({ ip, block, allocation }) => ({ ip, block: block.cidr, owner: block.node, allocation }));
}

/** Every address of `blocks` that somebody holds, in order. */
export function allocationsIn(
  blocks: readonly Block[],
): readonly { readonly ip: Ip; readonly block: Block; readonly allocation: Allocation }[] {
  return blocks
    .flatMap((block) =>
      [...block.allocations].map(([ordinal, allocation]) => ({ ip: addressAt(block, ordinal), block, allocation })),
    )
    .sort((a, b) => compareIp(a.ip, b.ip));
}

/** What is known of one address: its pool, its block, and who holds it. */
export function lookUp(
  ip: Ip,
  pools: readonly IpPool[],
  blocks: readonly Block[],
): {
  readonly pool: IpPool | undefined;
  readonly block: Block | undefined;
  readonly allocation: Allocation | undefined;
} {
  const block = blocks.find(({ cidr }) => cidrContains(cidr, ip));
  return {
    pool: pools.find(({ cidr }) => cidrContains(cidr, ip)),
    block,
    allocation: block?.allocations.get(ordinalOf(block, ip)),
  };
}

/** Who holds an address, in words. */
export function holderText({ handle, attributes }: Allocation): string {
  const { namespace, pod, node, type } = attributes;
  if (namespace !== undefined && pod !== undefined) return `pod ${namespace}/${pod} on ${node ?? 'an unknown node'}`;
  if (node !== undefined) return `${type ?? 'an address'} of node ${node}`;
  return handle === '' ? 'somebody without a handle' : `handle ${handle}`;
}

function blockUsage(block: Block): BlockUsage {
  return { block, total: Number(cidrSize(block.cidr)), used: block.allocations.size };
}

/** A block's name for messages. */
export function blockText({ cidr, node }: Pick<Block, 'cidr' | 'node'>): string {
  return `block ${formatCidr(cidr)} (${node === undefined ? 'of no node' : `of ${node}`})`;
}
