import { SluiceError } from '../../base/errors.ts';
import { formatCidr, formatIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import { borrowedIn, holderText, lookUp, usageOf } from '../../core/ipam/index.ts';
import type { Block, BlockStore, IpamConfig, IpPool, PoolUsage } from '../../core/ipam/index.ts';
import { table } from '../table.ts';

/** What `sluice ipam show` is asked for. */
export interface ShowOptions {
  /** Only this pool, by name or CIDR. */
  readonly pool: string | undefined;
  readonly ip: Ip | undefined;
  readonly blocks: boolean;
  readonly borrowed: boolean;
  readonly configuration: boolean;
  readonly json: boolean;
}

/** Prints how full pools are, or what is known of one address. Returns 1 when nobody holds that address. */
export async function show(options: ShowOptions, store: BlockStore, print: (line: string) => void): Promise<number> {
  const [pools, stored, config] = await Promise.all([store.listPools(), store.listBlocks(), store.getConfig()]);
  const blocks = stored.map(({ value }) => value);
  if (options.ip !== undefined) return showAddress(options.ip, pools, blocks, options.json, print);
  const chosen = choose(pools, options.pool);
  const { pools: usage, outside } = usageOf(chosen, blocks);
  const shown = options.pool === undefined ? blocks : usage.flatMap((each) => each.blocks.map(({ block }) => block));
  if (options.json) {
    print(JSON.stringify(document(usage, outside, shown, config), null, 2));
    return 0;
  }
  print(usageTable(usage, outside, options));
  if (options.borrowed) print(`\n${borrowedTable(shown)}`);
  if (options.configuration) print(`\n${configurationTable(config)}`);
  return 0;
}

function choose(pools: readonly IpPool[], wanted: string | undefined): readonly IpPool[] {
  const chosen = pools.filter(({ name, cidr }) => wanted === undefined || [name, formatCidr(cidr)].includes(wanted));
  if (chosen.length > 0 || wanted === undefined) return chosen;
  const known = pools.map(({ name, cidr }) => `${name} (${formatCidr(cidr)})`).join(', ') || 'none';
  throw new SluiceError('no-pool', `there is no IPPool ${wanted}: there are ${known}`);
}

function showAddress(
  ip: Ip,
  pools: readonly IpPool[],
  blocks: readonly Block[],
  json: boolean,
  print: (line: string) => void,
): number {
  const { pool, block, allocation } = lookUp(ip, pools, blocks);
  if (json) {
    const where = { pool: pool?.name ?? null, block: block === undefined ? null : formatCidr(block.cidr) };
    const owner = { node: block?.node ?? null };
    print(JSON.stringify({ ip: formatIp(ip), ...where, ...owner, allocation: allocation ?? null }, null, 2));
  } else if (allocation === undefined) {
    const lies = pool === undefined ? 'it lies in no IPPool' : `it lies in IPPool ${pool.name}`;
    print(`${formatIp(ip)} is held by nobody; ${lies}.`);
  } else {
    print(`${formatIp(ip)} is held for ${holderText(allocation)}.`);
    const rows = [
      ['pool', pool?.name ?? 'none'],
      ['block', `${formatCidr(block!.cidr)} of ${block!.node ?? 'no node'}`],
      ['handle', allocation.handle],
      ...Object.entries(allocation.attributes),
    ];
    for (const [name, value] of rows) print(`  ${name}: ${value}`);
  }
  return allocation === undefined ? 1 : 0;
}

function usageTable(
  usage: readonly PoolUsage[],
  outside: PoolUsage['blocks'],
  { blocks, pool }: Pick<ShowOptions, 'blocks' | 'pool'>,
): string {
  const rows = usage.flatMap((each) => [
    ['IPPool', each.pool.name, formatCidr(each.pool.cidr), each.pool.disabled ? '(disabled)' : '-', ...counts(each)],
    ...(blocks ? each.blocks.map(blockRow) : []),
  ]);
  const others = blocks && pool === undefined ? outside.map(blockRow) : [];
  if (rows.length + others.length === 0) return 'No address pools.';
  return table(['GROUPING', 'NAME', 'CIDR', 'NODE', 'IPS TOTAL', 'IPS IN USE', 'IPS FREE'], [...rows, ...others]);
}

function blockRow({ block, total, used }: PoolUsage['blocks'][number]): readonly string[] {
  const numbers = counts({ total: BigInt(total), used: BigInt(used) });
  return ['Block', '-', formatCidr(block.cidr), block.node ?? '(none)', ...numbers];
}

function counts({ total, used }: { readonly total: bigint; readonly used: bigint }): readonly string[] {
  const percent = total === 0n ? 0 : Math.round(Number((used * 1000n) / total) / 10);
  return [String(total), `${used} (${percent}%)`, `${total - used} (${100 - percent}%)`];
}

function borrowedTable(blocks: readonly Block[]): string {
  const borrowed = borrowedIn(blocks);
  if (borrowed.length === 0) return 'No borrowed addresses.';
  const rows = borrowed.map(({ ip, block, owner, allocation }) => [
    formatIp(ip),
    allocation.attributes['node'] ?? '-',
    formatCidr(block),
    owner ?? '(none)',
    holderText(allocation),
  ]);
  return table(['IP', 'BORROWING NODE', 'BLOCK', 'BLOCK OWNER', 'HELD FOR'], rows);
}

function configurationTable({ strictAffinity, autoAllocateBlocks, maxBlocksPerHost }: IpamConfig): string {
  return table(
    ['PROPERTY', 'VALUE'],
    [
      ['StrictAffinity', String(strictAffinity)],
      ['AutoAllocateBlocks', String(autoAllocateBlocks)],
      ['MaxBlocksPerHost', String(maxBlocksPerHost)],
    ],
  );
}

function document(
  usage: readonly PoolUsage[],
  outside: PoolUsage['blocks'],
  blocks: readonly Block[],
  configuration: IpamConfig,
): object {
  const one = ({ block, total, used }: PoolUsage['blocks'][number]): object => ({
    cidr: formatCidr(block.cidr),
    node: block.node ?? null,
    total,
    used,
  });
  return {
    pools: usage.map(({ pool, total, used, blocks: within }) => ({
      name: pool.name,
      cidr: formatCidr(pool.cidr),
      disabled: pool.disabled,
      // As text: an IPv6 pool has more addresses than a JSON number holds exactly.
      total: String(total),
      used: String(used),
      blocks: within.map(one),
    })),
    blocksOutsidePools: outside.map(one),
    borrowed: borrowedIn(blocks).map(({ ip, block, owner, allocation }) => ({
      ip: formatIp(ip),
      block: formatCidr(block),
      owner: owner ?? null,
      node: allocation.attributes['node'] ?? null,
      handle: allocation.handle,
    })),
    configuration,
  };
}
