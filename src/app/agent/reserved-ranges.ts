import type { Cidr } from '../../base/ip/index.ts';
import type { RoutingBlock } from '../../core/routing/index.ts';
import type { KnownNode } from './routing-objects.ts';

/**
 * Pod ranges of other nodes that own no block yet: while a cluster changes over from an IPAM that cuts ranges for whole
 * nodes, such as host-local, these nodes still give out addresses of which no block knows.
 */
export function reservedRanges(
  self: string,
  nodes: ReadonlyMap<string, Pick<KnownNode, 'podCidrs'>>,
  blocks: Iterable<RoutingBlock | undefined>,
): readonly Cidr[] {
  const owners = new Set([...blocks].map((block) => block?.node));
  return [...nodes].flatMap(([name, { podCidrs }]) => (name === self || owners.has(name) ? [] : podCidrs));
}
