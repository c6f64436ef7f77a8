import { cidrContains, formatCidr, networkOf, rangeOf } from '../../base/ip/index.ts';
import type { Cidr, Ip } from '../../base/ip/index.ts';
import type { DesiredFdbEntry, DesiredLink, DesiredNeighbour, DesiredRoute, DesiredVxlan, Underlay } from './types.ts';

/** Where packets can be handed to a neighbour without asking the routing table. */
export interface FastWays {
  /** Devices that lead to other nodes so. */
  readonly devices: readonly string[];
  /** Blocks of other nodes with the neighbour they are behind; none lies within another. */
  readonly hops: readonly FastHop[];
}

export interface FastHop {
  readonly destination: Cidr;
  readonly via: Ip;
  /** What the VXLAN device on the way would wrap packets in, where one device of the node's leads to the peer itself. */
  readonly wrapping?: FastWrapping;
}

/** A tunnel of VXLAN over IPv4 to a peer on the same segment. */
export interface FastWrapping {
  /** The device that the peer is behind. */
  readonly device: string;
  readonly own: Ip;
  readonly peer: Ip;
  readonly vni: number;
  readonly port: number;
  /** Of the tunnel's devices. */
  readonly ownMac: string;
  readonly peerMac: string;
}

/** What a node's kernel should hold, as far as it matters here. */
export interface FastItems {
  readonly routes: Iterable<DesiredRoute>;
  readonly links: Iterable<DesiredLink>;
  readonly neighbours: Iterable<DesiredNeighbour>;
  readonly fdb: Iterable<DesiredFdbEntry>;
}

/**
 * The routes that a packet may be spared: to blocks behind a neighbour on the node's own network or behind a VXLAN device. Left out
 * are those with an MTU of their own, since nobody would answer what is too big for it, and those of blocks parts of which are
 * elsewhere, be it by a route of somebody else: `others` are the destinations of those.
 */
export function fastWays(
  items: FastItems,
  underlay: Pick<Underlay, 'links' | 'subnets'>,
  others: readonly Cidr[] = [],
): FastWays {
  const tunnels = new Map([...items.links].flatMap((link) => (link.kind === 'vxlan' ? [[link.name, link]] : [])));
  const fast = new Set([...underlay.links, ...tunnels.keys()]);
  const wrapping = wrappings(items, tunnels, underlay);
  const whole = disjoint([...items.routes].filter(({ table }) => table === undefined));
  const hops = withoutPartsOf(whole, others).flatMap((route) => {
    const { destination, link, via, type, mtu } = route;
    const isFast = type === 'unicast' && mtu === undefined && (link === undefined || fast.has(link));
    if (!isFast || via?.family !== destination.ip.family) return [];
    const wrapped = link === undefined ? undefined : wrapping(link, via);
    return [{ link, hop: { destination, via, ...(wrapped === undefined ? {} : { wrapping: wrapped }) } }];
  });
  // Without a device in its route the kernel finds out which one the neighbour is behind.
  const devices = new Set(hops.flatMap(({ link }) => link ?? underlay.links));
  return { devices: [...devices].sort(), hops: hops.map(({ hop }) => hop) };
}

function wrappings(
  { neighbours, fdb }: FastItems,
  tunnels: ReadonlyMap<string, DesiredVxlan>,
  { links, subnets }: Pick<Underlay, 'links' | 'subnets'>,
): (link: string, via: Ip) => FastWrapping | undefined {
  const [device, ...others] = links;
  if (device === undefined || others.length > 0) return () => undefined;
  const textOf = (link: string, ip: Ip): string => `${link} ${ip.family} ${ip.value}`;
  const macs = new Map([...neighbours].map(({ link, ip, mac }) => [textOf(link, ip), mac]));
  const remotes = new Map([...fdb].map(({ link, mac, remote }) => [`${link} ${mac}`, remote]));
  return (link, via) => {
    const tunnel = tunnels.get(link);
    const peerMac = macs.get(textOf(link, via));
    const peer = remotes.get(`${link} ${peerMac}`);
    if (tunnel === undefined || peerMac === undefined || peer?.family !== 4 || tunnel.local.family !== 4)
      return undefined;
    if (!subnets.some((subnet) => cidrContains(subnet, peer))) return undefined;
    const { local: own, vni, port, mac: ownMac } = tunnel;
    return { device, own, peer, vni, port, ownMac, peerMac };
  };
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
