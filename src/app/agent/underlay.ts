import { equalIp } from '../../base/ip/index.ts';
import type { Cidr, Ip } from '../../base/ip/index.ts';
import type { RoutingNode, Underlay } from '../../core/routing/index.ts';
import type { Netlink } from '../../host/netlink/port.ts';

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

/** MTUs of the routes to peers, asked of the kernel once for each address until told to {@link forget}. */
export class PeerMtus {
  readonly #netlink: Netlink;
  readonly #known = new Map<string, { readonly address: Ip | undefined; readonly mtu: number | undefined }>();
  readonly #links = new Map<number, number | undefined>();

  constructor(netlink: Netlink) {
    this.#netlink = netlink;
  }

  /** Links or routes changed. */
  forget(): void {
    this.#known.clear();
    this.#links.clear();
  }

  /** Those of `peers` that differ from `usual`, by name. */
  besides(usual: number, peers: Iterable<RoutingNode>): ReadonlyMap<string, number> {
    const result = new Map<string, number>();
    for (const peer of peers) {
      const mtu = this.#mtuTo(peer);
      if (mtu !== undefined && mtu !== usual) result.set(peer.name, mtu);
    }
    return result;
  }

  #mtuTo({ name, addresses: [address] }: RoutingNode): number | undefined {
    const known = this.#known.get(name);
    if (known !== undefined && sameAddress(known.address, address)) return known.mtu;
    const mtu = address === undefined ? undefined : this.#ask(address);
    this.#known.set(name, { address, mtu });
    return mtu;
  }

  #ask(address: Ip): number | undefined {
    const route = this.#netlink.routeTo(address);
    if (route === undefined || route.type !== 'unicast') return undefined;
    if (route.mtu !== undefined || route.link === undefined) return route.mtu;
    if (!this.#links.has(route.link)) this.#links.set(route.link, this.#netlink.link(route.link)?.mtu);
    return this.#links.get(route.link);
  }
}

function sameAddress(a: Ip | undefined, b: Ip | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalIp(a, b);
}
