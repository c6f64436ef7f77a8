import {
  bitsOf,
  cidrsOf,
  intersect,
  intervalSet,
  networkOf,
  rangeOf,
  subtract,
  union,
} from '../../../base/ip/index.ts';
import type { Cidr, Family, Interval, IntervalSet } from '../../../base/ip/index.ts';
import type { ClusterState } from '../../policy/index.ts';

/** More blocks than these are merged with what lies between them. */
const MOST = 16;

/**
 * Blocks that hold all addresses of pods and nodes, and `given` ones: what rules for the outside must leave out, since a
 * rule by address means whoever has it. Few blocks: where addresses are many, also what lies between them.
 */
export function clusterBlocks(state: ClusterState, family: Family, given: readonly Cidr[]): Cidr[] {
  const blocks = given.filter(({ ip }) => ip.family === family).map(rangeOf);
  return merge(cidrsOf(union(clusterAddresses(state, family), intervalSet(blocks)), family), family);
}

/** The addresses of all pods and nodes. */
export function clusterAddresses(state: ClusterState, family: Family): IntervalSet {
  const own: Interval[] = [];
  for (const { addresses, completed } of state.pods.values())
    if (!completed) for (const ip of addresses) if (ip.family === family) own.push({ first: ip.value, last: ip.value });
  for (const { addresses } of state.nodes.values())
    for (const ip of addresses) if (ip.family === family) own.push({ first: ip.value, last: ip.value });
  return intervalSet(own);
}

/** Addresses of the outside as blocks with what of the cluster lies in each. */
export function outsideBlocks(
  ranges: IntervalSet,
  family: Family,
  cluster: readonly Cidr[],
): { readonly cidr: Cidr; readonly except: readonly Cidr[] }[] {
  const taken = intervalSet(cluster.map(rangeOf));
  return cidrsOf(ranges, family).flatMap((cidr) => {
    const inside = intersect([rangeOf(cidr)], taken);
    if (subtract([rangeOf(cidr)], inside).length === 0) return [];
    return [{ cidr, except: cidrsOf(inside, family) }];
  });
}

/** Merges the two neighbours that have the longest prefix in common until few are left. */
function merge(blocks: readonly Cidr[], family: Family): Cidr[] {
  const result = [...blocks];
  while (result.length > MOST) {
    let best = 0;
    for (let i = 1; i + 1 < result.length; i++)
      if (common(result[i]!, result[i + 1]!) > common(result[best]!, result[best + 1]!)) best = i;
    const prefix = common(result[best]!, result[best + 1]!);
    const merged = networkOf({ ip: result[best]!.ip, prefix });
    result.splice(best, 2, merged);
  }
  return result.length === blocks.length ? result : cidrsOf(intervalSet(result.map(rangeOf)), family);
}

function common(a: Cidr, b: Cidr): number {
  const different = (a.ip.value ^ b.ip.value).toString(2);
  const same = a.ip.value === b.ip.value ? bitsOf(a.ip.family) : bitsOf(a.ip.family) - different.length;
  return Math.min(same, a.prefix, b.prefix);
}
