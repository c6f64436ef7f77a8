import { equalIp } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import type { RoutingNode, Underlay } from '../../core/routing/index.ts';
import type { Netlink } from '../../host/netlink/port.ts';

/** Ethernet's MTU, assumed while the node's own device is not known. */
const USUAL_MTU = 1500;

/** What the node's own network looks like, read from the kernel: where its addresses are and how its peers are reached. */
export function readUnderlay(
  netlink: Netlink,
  self: RoutingNode | undefined,
  peers: Iterable<RoutingNode>,
): Underlay & { readonly addresses: readonly Cidr[]; readonly macs: readonly string[] } {
  const entries = netlink.addresses();
  const own = entries.filter(({ address }) => self?.addresses.some((ip) => equalIp(ip, address.ip)) === true);
  const devices = new Set(own.map(({ link }) => link));
  const links = [...devices].map((index) => netlink.link(index)).filter((link) => link !== undefined);
  const attached = entries.filter(({ link, scope }) => devices.has(link) && scope === 'global');
  const [first] = own;
  const mtu = (first === undefined ? undefined : netlink.link(first.link)?.mtu) ?? USUAL_MTU;
  const peerMtu = new Map<string, number>();
  for (const peer of peers) {
    const found = peer.name === self?.name ? undefined : mtuTo(netlink, peer);
    if (found !== undefined && found !== mtu) peerMtu.set(peer.name, found);
  }
  return {
    links: links.map(({ name }) => name),
    macs: [...new Set(links.flatMap(({ mac }) => mac ?? []))],
    subnets: attached.map(({ address }) => address),
    mtu,
    peerMtu,
    addresses: own.map(({ address }) => address),
  };
}

function mtuTo(netlink: Netlink, peer: RoutingNode): number | undefined {
  const [address] = peer.addresses;
  const route = address === undefined ? undefined : netlink.routeTo(address);
  if (route === undefined || route.type !== 'unicast') return undefined;
  return route.mtu ?? (route.link === undefined ? undefined : netlink.link(route.link)?.mtu);
}
