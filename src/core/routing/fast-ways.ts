import { formatCidr, networkOf, rangeOf } from '../../base/ip/index.ts';
import type { Cidr, Ip } from '../../base/ip/index.ts';
import type { DesiredLink, DesiredRoute } from './types.ts';

/** Where packets can be handed to a neighbour without asking the routing table. */
export interface FastWays {
  /** Devices that lead to other nodes so. */
  readonly devices: readonly string[];
  /** Blocks of other nodes with the neighbour they are behind; none lies within another. */
  readonly hops: readonly { readonly destination: Cidr; readonly via: Ip }[];
}

/**
 * The routes that a packet may be spared: to blocks behind a neighbour on the node's own network or behind a VXLAN device. Left out
 * are those with an MTU of their own, since nobody would answer what is too big for it, and those of blocks parts of which are
 * elsewhere, be it by a route of somebody else: `others` are the destinations of those.
 */
export function fastWays(
  routes: Iterable<DesiredRoute>,
  links: Iterable<DesiredLink>,
  underlay: readonly string[],
  others: readonly Cidr[] = [],
): FastWays {
  const fast = new Set([...underlay, ...[...links].filter(({ kind }) => kind === 'vxlan').map(({ name }) => name)]);
  const whole = disjoint([...routes].filter(({ table }) => table === undefined));
  const hops = withoutPartsOf(whole, others).flatMap((route) => {
    const { destination, link, via, type, mtu } = route;
    const isFast = type === 'unicast' && mtu === undefined && (link === undefined || fast.has(link));
    return isFast && via?.family === destination.ip.family ? [{ link, destination, via }] : [];
  });
  // Without a device in its route the kernel finds out which one the neighbour is behind.
  const devices = new Set(hops.flatMap(({ link }) => link ?? underlay));
  return { devices: [...devices].sort(), hops: hops.map(({ destination, via }) => ({ destination, via })) };
}

/** Those that no other one is part of or has as a part. */
function disjoint(routes: readonly DesiredRoute[]): readonly DesiredRoute[] {
  const placed = routes.map((route) => ({ route, ...rangeOf(route.destination) }));
  // Of two that begin together the wider one first.
  placed.sort((a, b) => a.family - b.family || compare(a.first, b.first) || compare(b.last, a.last));
  const alone: DesiredRoute[] = [];
  for (let start = 0; start < placed.length;) {
    const { family, last } = placed[start]!;
    let end = start + 1;
    while (end < placed.length && placed[end]!.family === family && placed[end]!.first <= last) end++;
    if (end === start + 1) alone.push(placed[start]!.route);
    start = end;
  }
  return alone;
}

/** Those within which none of the others lies. */
function withoutPartsOf(routes: readonly DesiredRoute[], others: readonly Cidr[]): readonly DesiredRoute[] {
  if (others.length === 0) return routes;
  const left = new Map(routes.map((route) => [formatCidr(networkOf(route.destination)), route]));
  const sizes = new Set(routes.map(({ destination }) => destination.prefix));
  for (const { ip, prefix } of others)
    for (const size of sizes) if (size <= prefix) left.delete(formatCidr(networkOf({ ip, prefix: size })));
  return [...left.values()];
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
