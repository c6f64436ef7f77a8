import { contains, intervalSet, subtract, union } from '../../base/ip/index.ts';
import type { Family, IntervalSet, Ip } from '../../base/ip/index.ts';
import type { NodeEndpoint } from './cluster.ts';
import type { BlockPeer } from './model.ts';

/** A tunnel address and the InternalIP that policy judges it as. */
export interface TunnelAlias {
  readonly family: Family;
  readonly tunnel: bigint;
  readonly address: bigint;
}

/**
 * The tunnel addresses of `nodes`. A node's traffic into the overlay carries its tunnel address, which users do not know;
 * an ipBlock means the address that `kubectl get nodes -o wide` prints. Nodes without one of the family are left out.
 */
export function tunnelAliases(nodes: Iterable<NodeEndpoint>): TunnelAlias[] {
  const aliases: TunnelAlias[] = [];
  for (const node of nodes) {
    for (const tunnel of node.tunnelAddresses) {
      const address = primaryAddress(node, tunnel.family);
      if (address !== undefined) aliases.push({ family: tunnel.family, tunnel: tunnel.value, address: address.value });
    }
  }
  return aliases;
}

/** The addresses that packets matching `block` really carry: its ranges with the aliases applied. */
export function effectiveRanges(
  block: Pick<BlockPeer, 'family' | 'ranges'>,
  aliases: readonly TunnelAlias[],
): IntervalSet {
  const own = aliases.filter((alias) => alias.family === block.family);
  if (own.length === 0) return block.ranges;
  const single = (value: bigint) => ({ first: value, last: value });
  const inside = own.filter((alias) => contains(block.ranges, alias.address));
  const without = subtract(block.ranges, intervalSet(own.map((alias) => single(alias.tunnel))));
  return union(without, intervalSet(inside.map((alias) => single(alias.tunnel))));
}

/** The node's first address of `family`: its InternalIP. */
export function primaryAddress(node: NodeEndpoint, family: Family): Ip | undefined {
  return node.addresses.find((ip) => ip.family === family);
}
