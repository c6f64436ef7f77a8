import type { Family, Ip } from '../../base/ip/index.ts';
import { addressOf } from './backend.ts';
import { BACKENDS } from './backends/backend-table.ts';
import { backendsOfPools } from './pool-backend.ts';
import type { RoutingInput, RoutingNode } from './types.ts';

const FAMILIES: readonly Family[] = [4, 6];

/** The families of nodes' addresses between which packets of pods go; `encrypted`: those in which WireGuard carries them. */
export function underlayFamilies(
  { node, nodes, pools, backend }: Pick<RoutingInput, 'node' | 'nodes' | 'pools' | 'backend'>,
  encrypted: readonly Family[],
): readonly Family[] {
  const first = nodes.get(node)?.addresses[0]?.family;
  const used = FAMILIES.flatMap((family) =>
    [...backendsOfPools(pools, backend, family)].flatMap((name) => {
      const { carriedBy } = BACKENDS[name];
      return carriedBy === undefined ? [family] : carriedBy === 'first-family' ? [first] : [first, family];
    }),
  );
  return FAMILIES.filter((family) => used.includes(family) || encrypted.includes(family));
}

/** A peer's addresses by which packets get there: the best of each of `families`, or its first where it has none of them. */
export function underlayAddresses(peer: RoutingNode, families: readonly Family[]): readonly Ip[] {
  const found = families.flatMap((family) => addressOf(peer, family) ?? []);
  return found.length === 0 ? peer.addresses.slice(0, 1) : found;
}
