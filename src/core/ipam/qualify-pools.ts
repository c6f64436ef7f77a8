import { formatCidr, networkOf, parseCidr } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import { labelsSelected } from './pool-selector.ts';
import type { IpPool, PoolUse } from './types.ts';

/** What an allocation asks of the pools. */
export interface PoolDemand {
  readonly family: Family;
  readonly use: PoolUse;
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly namespaceLabels: Readonly<Record<string, string>> | undefined;
  /** Names of the only pools that exist for this address; absent: all. */
  readonly among?: readonly string[] | undefined;
  /** Names or CIDRs; absent or empty: the pools choose. */
  readonly wanted: readonly string[] | undefined;
}

/** The pools of which an allocation may take, in this order, and why not the others. */
export interface PoolChoice {
  readonly pools: readonly IpPool[];
  /** Of the family's other pools and of what was asked for in vain; sentences without a full stop. */
  readonly rejections: readonly string[];
}

/**
 * Which pools an allocation may use, by Calico's rules. Pools that are asked for are taken in the order of the request;
 * their selectors and their assignment mode do not matter then, and one that does not exist spoils the whole request.
 * Otherwise all enabled, automatic pools that choose the node and the namespace, by name.
 */
export function qualifyPools(all: readonly IpPool[], demand: PoolDemand): PoolChoice {
  const { family, among, wanted = [] } = demand;
  const candidates = all
    .filter((pool) => pool.cidr.ip.family === family && (among?.includes(pool.name) ?? true))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  if (wanted.length > 0) return namedPools(candidates, wanted, demand);
  const pools: IpPool[] = [];
  const rejections: string[] = [];
  for (const pool of candidates) {
    const reason = closed(pool, demand) ?? unselected(pool, demand);
    if (reason === undefined) pools.push(pool);
    else rejections.push(`${pool.name} ${reason}`);
  }
  return { pools, rejections };
}

function namedPools(candidates: readonly IpPool[], wanted: readonly string[], demand: PoolDemand): PoolChoice {
  const pools: IpPool[] = [];
  const rejections: string[] = [];
  for (const text of new Set(wanted)) {
    const pool = candidates.find((each) => each.name === text || formatCidr(each.cidr) === canonical(text));
    const reason = pool === undefined ? `is no IPv${demand.family} pool` : closed(pool, demand);
    if (reason === undefined) pools.push(pool!);
    else rejections.push(`${pool?.name ?? `'${text}'`} ${reason}`);
  }
  return { pools: rejections.length === 0 ? pools : [], rejections };
}

/** Why nobody gets an address of the pool for this use. */
function closed(pool: IpPool, { use }: PoolDemand): string | undefined {
  if (pool.disabled) return 'is disabled';
  if (pool.allowedUses.includes(use)) return undefined;
  return `is not for this use (${use}; its allowedUses: ${pool.allowedUses.join(', ')})`;
}

/** Why the pool is not chosen unless it is asked for. */
function unselected(pool: IpPool, { nodeLabels, namespaceLabels = {} }: PoolDemand): string | undefined {
  if (pool.assignmentMode === 'Manual') return 'gives addresses only where it is asked for (assignmentMode: Manual)';
  if (!selects(pool.nodeSelector, nodeLabels)) return `selects other nodes (${pool.nodeSelector})`;
  if (!selects(pool.namespaceSelector, namespaceLabels)) return `selects other namespaces (${pool.namespaceSelector})`;
  return undefined;
}

function selects(selector: string, labels: Readonly<Record<string, string>>): boolean {
  try {
    return labelsSelected(selector, labels);
  } catch {
    // Fails closed: a selector that cannot be read selects nothing; validatePool() reports it.
    return false;
  }
}

function canonical(text: string): string | undefined {
  const cidr = parseCidr(text);
  return cidr === undefined ? undefined : formatCidr(networkOf(cidr));
}
