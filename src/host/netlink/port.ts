import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import type { NetnsRef } from '../netns/netns.ts';

/** A link by name or by interface index. A name is looked up at the moment that the change is applied. */
export type LinkRef = string | number;

/** A hardware address, `aa:bb:cc:dd:ee:ff`, lower case. */
export type Mac = string;

/** What links take at birth, bytes: GSO_LEGACY_MAX_SIZE (linux/netdevice.h). */
export const USUAL_PACKET_SIZE = 65_536;

/** A network interface as the kernel reports it. `kind` is rtnetlink's: veth, vxlan, bridge…; undefined for physical and lo. */
export interface Link {
  readonly index: number;
  readonly name: string;
  readonly kind: string | undefined;
  readonly mac: Mac | undefined;
  readonly mtu: number;
  /**
   * Largest IPv4 packet, bytes, that it takes to be cut to its MTU later; only where more than {@link USUAL_PACKET_SIZE}.
   * Of IPv6 none are made larger: what the kernel forwards of those it counts with a header that will not be sent, and
   * finds too big for the MTU.
   */
  readonly packetSize?: number;
  /** Administratively up (IFF_UP). */
  readonly up: boolean;
  /** Carrier and operationally up (IFF_LOWER_UP). */
  readonly carrier: boolean;
  /** Index of the bridge or bond that it is enslaved to. */
  readonly master: number | undefined;
  /** Index of the peer (veth) or lower device, which may live in another namespace. */
  readonly lower: number | undefined;
  /** Id of the namespace in which `lower` lives when it is not this one. */
  readonly lowerNetnsId: number | undefined;
  readonly alias: string | undefined;
  readonly vxlan: VxlanSettings | undefined;
  /** Only of IP-in-IP links. */
  readonly ipip?: IpipSettings;
  /** Only of tun devices that this process carries. */
  readonly tun?: TunSettings;
  /** Only of the bridge that this process has Open vSwitch carry; `kind` is `ovs` then. */
  readonly ovs?: TunSettings & { readonly vni: number };
}

/** The settings of a VXLAN device that Sluice uses; destination learning is always off. */
export interface VxlanSettings {
  readonly vni: number;
  /** UDP destination port. */
  readonly port: number;
  /** Source address of the tunnel; decides the outer family. */
  readonly local?: Ip;
  /** Device that carries the tunnel: sets which device's MTU applies. */
  readonly device?: LinkRef;
}

/**
 * The settings of an IPv4-in-IPv4 device (RFC 2003) without a fixed far end: where a packet goes, the gateway of its route
 * decides. It never allows fragmentation of what it sends. The first such device of a namespace brings `tunl0` along.
 */
export interface IpipSettings {
  /** Source address of the tunnel. Absent only of `tunl0`: the kernel refuses (`exists`) another device like it. */
  readonly local?: Ip;
}

/** The settings of a tun device whose packets this process wraps in UDP. */
export interface TunSettings {
  /** UDP port of this node and of all peers. */
  readonly port: number;
  readonly local: Ip;
}

/** What every new link can be given at birth. */
export interface NewLinkBase {
  readonly name: string;
  readonly mac?: Mac;
  readonly mtu?: number;
  /** Both what it takes to be cut later and what it joins of what comes, bytes of IPv4. */
  readonly packetSize?: number;
  readonly up?: boolean;
  readonly master?: LinkRef;
  /** Queue length in packets. */
  readonly txqlen?: number;
}

/** A link to be created. The far end of a veth pair may be born in another namespace, but never up. */
export type NewLink =
  | (NewLinkBase & {
      readonly type: 'veth';
      readonly peer: Pick<NewLinkBase, 'name' | 'mac' | 'mtu' | 'packetSize'> & { readonly netns?: NetnsRef };
    })
  | (NewLinkBase & { readonly type: 'vxlan'; readonly vxlan: VxlanSettings })
  | (NewLinkBase & { readonly type: 'bridge' })
  /** Lets what is led to it pass its queue, and hands it back to where it was (`host/tc`). */
  | (NewLinkBase & { readonly type: 'ifb' })
  | (NewLinkBase & { readonly type: 'ipip'; readonly ipip: IpipSettings })
  /** What makes it a tunnel, `host/wireguard` gives it. */
  | (NewLinkBase & { readonly type: 'wireguard' })
  /** `host/tun` makes it; the kernel alone says `unsupported`. */
  | (NewLinkBase & { readonly type: 'tun'; readonly mac: Mac; readonly tun: TunSettings })
  /** `host/ovs` makes it. */
  | (NewLinkBase & { readonly type: 'ovs'; readonly mac: Mac; readonly ovs: TunSettings & { readonly vni: number } })
  | NewMacvlan;

/** How frames go between the macvlan devices of one parent; the kernel's names. */
export type MacvlanMode = 'bridge' | 'private' | 'vepa' | 'passthru';

/**
 * A second hardware address on `parent`. With `netns` it is born there. Older kernels look for its name among the links
 * of this namespace, too, and refuse one that is taken.
 */
type NewMacvlan = NewLinkBase & {
  readonly type: 'macvlan';
  readonly parent: LinkRef;
  readonly mode: MacvlanMode;
  readonly netns?: NetnsRef;
};

/** An address on a link. `scope` defaults to global; IPv6 addresses skip duplicate address detection. */
export interface Address {
  readonly link: LinkRef;
  readonly address: Cidr;
  readonly scope?: 'global' | 'link' | 'host';
}

/** An address as the kernel reports it. */
export interface AddressEntry extends Address {
  readonly link: number;
  readonly scope: 'global' | 'link' | 'host';
}

/** Main table's number (linux/rtnetlink.h). */
export const MAIN_TABLE = 254;
/** `rtm_protocol` of the routes that BIRD programs (RTPROT_BIRD, linux/rtnetlink.h). */
export const BIRD_PROTOCOL = 12;

/** What becomes of packets that a route matches; `throw` ends the search in its table. */
export type RouteType = 'unicast' | 'blackhole' | 'unreachable' | 'prohibit' | 'local' | 'throw';

/** A route. Without `link` and `via` it must be one of the types that lead nowhere. */
export interface Route {
  readonly destination: Cidr;
  /** `unicast` unless said. `throw` ends the search in this table: the next rule decides. */
  readonly type?: RouteType;
  readonly via?: Ip;
  readonly link?: LinkRef;
  /** Trust that `via` is on `link` although no connected route says so. */
  readonly onlink?: boolean;
  /** Preferred source address. */
  readonly source?: Ip;
  /** Who installed it (rtm_protocol); Sluice's own carry 80. Default 3 (boot), as iproute2's. */
  readonly protocol?: number;
  readonly mtu?: number;
  /** Default {@link MAIN_TABLE}. */
  readonly table?: number;
  readonly metric?: number;
  /** Default: link without `via`, global with one, host for local routes. */
  readonly scope?: 'global' | 'link' | 'host';
}

/** A route as the kernel reports it; multipath routes show their first next hop. */
export interface RouteEntry extends Route {
  readonly type: RouteType;
  readonly link?: number;
  readonly protocol: number;
  readonly table: number;
  /** `mtu` is not of the route: somebody on the way said that no more passes, and it will be forgotten. */
  readonly mtuLearnt?: true;
}

/** A neighbour (ARP or NDP) entry; `permanent` unless said. */
export interface Neighbour {
  readonly link: LinkRef;
  readonly ip: Ip;
  readonly mac: Mac;
  readonly state?: 'permanent' | 'reachable' | 'stale' | 'noarp' | 'other';
  /** Answer requests for `ip` that arrive on `link` (a proxy entry has no MAC of its own). */
  readonly proxy?: boolean;
}

/** A neighbour entry as the kernel reports it; entries being resolved have no MAC and are left out. */
export interface NeighbourEntry extends Neighbour {
  readonly link: number;
  readonly state: 'permanent' | 'reachable' | 'stale' | 'noarp' | 'other';
}

/** A forwarding entry of a VXLAN device: frames for `mac` are wrapped and sent to `remote`. */
export interface FdbEntry {
  readonly link: LinkRef;
  readonly mac: Mac;
  readonly remote: Ip;
}

/** A policy-routing rule: packets that match look up `table`, unless `action` says otherwise. */
export interface Rule {
  readonly family: Family;
  readonly priority: number;
  /** 0 where `action` needs none. */
  readonly table: number;
  /** `nop` does nothing; `goto` goes on with the first rule of that priority, which must be a greater one. */
  readonly action?: 'nop' | { readonly goto: number };
  readonly mark?: { readonly value: number; readonly mask: number };
  readonly from?: Cidr;
  readonly to?: Cidr;
  readonly protocol?: number;
}

/** One change of the kernel's network state. `replace-*` creates or overwrites; `add-*` fails with `exists`. */
export type NetworkChange =
  | { readonly kind: 'add-link'; readonly link: NewLink }
  | {
      readonly kind: 'set-link';
      readonly link: LinkRef;
      readonly up?: boolean;
      readonly name?: string;
      readonly mac?: Mac;
      readonly mtu?: number;
      readonly packetSize?: number;
      /** A remark; the kernel takes it only for links that exist. */
      readonly alias?: string;
      /** null releases it. */
      readonly master?: LinkRef | null;
      /** Moves the link; it goes down and loses its addresses on the way. */
      readonly netns?: NetnsRef;
      /** `none` stops the kernel from making an IPv6 link-local address when the link comes up. */
      readonly ipv6AddressGeneration?: 'eui64' | 'none';
    }
  | { readonly kind: 'delete-link'; readonly link: LinkRef }
  | { readonly kind: 'add-address' | 'replace-address' | 'delete-address'; readonly address: Address }
  | { readonly kind: 'add-route' | 'replace-route' | 'delete-route'; readonly route: Route }
  | { readonly kind: 'replace-neighbour' | 'delete-neighbour'; readonly neighbour: Neighbour }
  | { readonly kind: 'replace-fdb' | 'append-fdb' | 'delete-fdb'; readonly entry: FdbEntry }
  | { readonly kind: 'add-rule' | 'delete-rule'; readonly rule: Rule };

/** Kinds of change that can be watched. */
export type NetworkTopic = 'link' | 'address' | 'route' | 'neighbour' | 'rule';

/** What changed in the kernel, whoever did it. After `overrun` events were lost: dump again. */
export type NetworkEvent =
  | { readonly kind: 'link'; readonly gone: boolean; readonly link: Link }
  | { readonly kind: 'address'; readonly gone: boolean; readonly address: AddressEntry }
  | { readonly kind: 'route'; readonly gone: boolean; readonly route: RouteEntry }
  | { readonly kind: 'neighbour'; readonly gone: boolean; readonly neighbour: NeighbourEntry }
  | { readonly kind: 'rule'; readonly gone: boolean; readonly rule: Rule }
  | { readonly kind: 'overrun' };

/**
 * Links, addresses, routes, neighbours, forwarding entries and rules of one network namespace. Every call is
 * synchronous and takes the kernel's own time, tens of microseconds per entry; it may be used inside `inNetns`
 * sections but stays bound to the namespace in which it was opened. Errors are `SluiceError<ErrnoCode>`.
 */
export interface Netlink extends Disposable {
  links(filter?: { readonly kind?: string }): readonly Link[];
  /** Undefined when there is no such link. */
  link(ref: LinkRef): Link | undefined;
  addresses(filter?: { readonly link?: LinkRef; readonly family?: Family }): readonly AddressEntry[];
  /** Without `table`: every table but the kernel's `local` one. */
  routes(filter?: {
    readonly family?: Family;
    readonly table?: number;
    readonly protocol?: number;
    readonly link?: LinkRef;
  }): readonly RouteEntry[];
  /** The route that a packet to `destination` would take; undefined when there is none. */
  routeTo(destination: Ip, options?: { readonly mark?: number; readonly source?: Ip }): RouteEntry | undefined;
  neighbours(filter?: { readonly link?: LinkRef; readonly family?: Family }): readonly NeighbourEntry[];
  /** Entries with a remote address (VXLAN) only. */
  fdb(filter?: { readonly link?: LinkRef }): readonly (FdbEntry & { readonly link: number })[];
  rules(filter?: { readonly family?: Family; readonly protocol?: number }): readonly Rule[];
  /**
   * Applies the changes in order, many per system call. Not atomic: every change is tried even after one has failed.
   * Then throws the first failure; its `data.change` is the change that failed.
   */
  apply(changes: readonly NetworkChange[]): void;
  /** As `apply`, but returns what became of each change: undefined for success, else the error. */
  attempt(changes: readonly NetworkChange[]): readonly (Error | undefined)[];
  /** Calls `listener` from the event loop for changes after this call, until disposed. */
  watch(topics: readonly NetworkTopic[], listener: (event: NetworkEvent) => void): Disposable;
}
