import { equalIp } from '../../base/ip/index.ts';
import type { Cidr, Ip } from '../../base/ip/index.ts';
import type { RoutingNode, Underlay } from '../../core/routing/index.ts';
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
  readonly #known = new Map<string, { readonly address: Ip | undefined; readonly mtus: RouteMtus | undefined }>();
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

  /** Those of `peers` that differ from `usual`, by name. */
  besides(usual: number, peers: Iterable<RoutingNode>): ReadonlyMap<string, number> {
    const result = new Map<string, number>();
    const targets = new Map<string, PathTarget>();
    for (const peer of peers) {
      const mtus = this.#mtusTo(peer);
      const [address] = peer.addresses;
      if (mtus === undefined || address === undefined) continue;
      targets.set(peer.name, { address, mtu: mtus.lasting });
      const mtu = Math.min(mtus.now, this.#paths?.narrowTo(peer.name) ?? mtus.now);
      if (mtu !== usual) result.set(peer.name, mtu);
    }
    this.#paths?.follow(targets);
    return result;
  }

  #mtusTo({ name, addresses: [address] }: RoutingNode): RouteMtus | undefined {
    const known = this.#known.get(name);
    if (known !== undefined && sameAddress(known.address, address)) return known.mtus;
    const mtus = address === undefined ? undefined : this.#ask(address);
    this.#known.set(name, { address, mtus });
    return mtus;
  }

  #ask(address: Ip): RouteMtus | undefined {
    const route = this.#netlink.routeTo(address);
    if (route === undefined || route.type !== 'unicast') return undefined;
    if (route.mtu !== undefined && route.mtuLearnt !== true) return { now: route.mtu, lasting: route.mtu };
    const lasting = route.link === undefined ? undefined : this.#mtuOf(route.link);
    return lasting === undefined ? undefined : { now: Math.min(route.mtu ?? lasting, lasting), lasting };
  }

  #mtuOf(link: number): number | undefined {
    if (!this.#links.has(link)) this.#links.set(link, this.#netlink.link(link)?.mtu);
    return this.#links.get(link);
  }
}

/** Of a route, bytes: `lasting` without what the kernel was told by ICMP and will forget. */
interface RouteMtus {
  readonly now: number;
  readonly lasting: number;
}

function sameAddress(a: Ip | undefined, b: Ip | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalIp(a, b);
}
