import { equalIp } from '../../base/ip/index.ts';
import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import { underlayAddresses } from '../../core/routing/index.ts';
import type { PeerMtu, RoutingNode, Underlay } from '../../core/routing/index.ts';
import type { Netlink } from '../../host/netlink/port.ts';
import type { PathMtus, PathTarget } from './path-mtus.ts';

/** Ethernet's MTU, assumed while the node's own device is not known. */
const USUAL_MTU = 1500;

/** What the node's own network looks like: {@link Underlay} without the peers, and what the node tells them of it. */
export interface OwnUnderlay extends Omit<Underlay, 'peerMtu'> {
  readonly addresses: readonly Cidr[];
  readonly macs: readonly string[];
}

/** Reads from the kernel where the node's `addresses` are; the first that is there decides the MTU. */
export function readUnderlay(netlink: Netlink, addresses: readonly Ip[]): OwnUnderlay {
  const entries = netlink.addresses();
  const own = addresses.flatMap((ip) => entries.filter(({ address }) => equalIp(ip, address.ip)));
  const devices = new Set(own.map(({ link }) => link));
  const links = [...devices].map((index) => netlink.link(index)).filter((link) => link !== undefined);
  const attached = entries.filter(({ link, scope }) => devices.has(link) && scope === 'global');
  const [first] = own;
  return {
    links: links.map(({ name }) => name),
    macs: [...new Set(links.flatMap(({ mac }) => mac ?? []))],
    subnets: attached.map(({ address }) => address),
    mtu: links.find(({ index }) => index === first?.link)?.mtu ?? USUAL_MTU,
    addresses: own.map(({ address }) => address),
  };
}

/**
 * MTUs of the routes to peers, asked of the kernel once for each address until told to {@link forget}; less where `paths`
 * have been found to carry less.
 */
export class PeerMtus {
  readonly #netlink: Netlink;
  readonly #paths: PathMtus | undefined;
  readonly #known = new Map<string, { readonly addresses: readonly Ip[]; readonly ways: readonly Way[] }>();
  readonly #links = new Map<number, number | undefined>();

  constructor(netlink: Netlink, paths?: PathMtus) {
    this.#netlink = netlink;
    this.#paths = paths;
  }

  /** Links or routes changed. */
  forget(): void {
    this.#known.clear();
    this.#links.clear();
  }

  /** Those of `peers` that differ from `usual`, by name, for each of `families` by which there is a way. */
  besides(usual: number, peers: Iterable<RoutingNode>, families: readonly Family[]): ReadonlyMap<string, PeerMtu> {
    const result = new Map<string, PeerMtu>();
    const targets = new Map<string, readonly Way[]>();
    for (const peer of peers) {
      const ways = this.#waysTo(peer, families);
      if (ways.length === 0) continue;
      targets.set(peer.name, ways);
      const mtus: Partial<Record<Family, number>> = {};
      for (const { address, now } of ways)
        mtus[address.family] = Math.min(now, this.#paths?.narrowTo(peer.name, address.family) ?? Infinity);
      if (Object.values(mtus).some((mtu) => mtu !== usual)) result.set(peer.name, mtus);
    }
    this.#paths?.follow(targets);
    return result;
  }

  #waysTo(node: RoutingNode, families: readonly Family[]): readonly Way[] {
    const addresses = underlayAddresses(node, families);
    const known = this.#known.get(node.name);
    if (known?.addresses.length === addresses.length && known.addresses.every((ip, i) => equalIp(ip, addresses[i]!)))
      return known.ways;
    const ways = addresses.flatMap((address) => this.#ask(address) ?? []);
    this.#known.set(node.name, { addresses, ways });
    return ways;
  }

  #ask(address: Ip): Way | undefined {
    const route = this.#netlink.routeTo(address);
    if (route === undefined || route.type !== 'unicast') return undefined;
    if (route.mtu !== undefined && route.mtuLearnt !== true) return { address, mtu: route.mtu, now: route.mtu };
    const mtu = route.link === undefined ? undefined : this.#mtuOf(route.link);
    return mtu === undefined ? undefined : { address, mtu, now: Math.min(route.mtu ?? mtu, mtu) };
  }

  #mtuOf(link: number): number | undefined {
    if (!this.#links.has(link)) this.#links.set(link, this.#netlink.link(link)?.mtu);
    return this.#links.get(link);
  }
}

/** An address of a peer and its route's MTU, without what the kernel was told by ICMP and will forget, which is in `now`. */
interface Way extends PathTarget {
  readonly now: number;
}
