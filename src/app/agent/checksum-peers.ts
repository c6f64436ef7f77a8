import type { Ip } from '../../base/ip/index.ts';
import type { RoutingNode } from '../../core/routing/index.ts';
import type { Netlink } from '../../host/netlink/port.ts';

/** So many peers are asked at most, and so many routes are looked up to find them. */
const ASKED = 3;
const LOOKED_UP = 32;

/**
 * Addresses of a few peers that this node reaches through its device `name`: those that follow `self` in the order of
 * names, so that not all nodes ask the same one.
 */
export function checksumPeers(
  netlink: Pick<Netlink, 'link' | 'routeTo'>,
  name: string,
  self: string,
  nodes: Iterable<RoutingNode>,
): readonly Ip[] {
  const device = netlink.link(name)?.index;
  if (device === undefined) return [];
  const others = [...nodes].filter((node) => node.name !== self).sort((a, b) => (a.name < b.name ? -1 : 1));
  const next = others.findIndex((node) => node.name > self);
  const ring = next < 0 ? others : [...others.slice(next), ...others.slice(0, next)];
  return ring
    .flatMap(({ tunnelAddresses }) => tunnelAddresses.vxlan ?? [])
    .slice(0, LOOKED_UP)
    .filter((address) => netlink.routeTo(address)?.link === device)
    .slice(0, ASKED);
}
