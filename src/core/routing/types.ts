import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import type { IpPool } from '../ipam/index.ts';

/** Names of the ways in which packets can reach a pod on another node; the keys of the table in `backends/backend-table.ts`. */
export type BackendName =
  | 'vxlan'
  | 'host-gw'
  | 'cross-subnet'
  | 'ipip'
  | 'ipip-cross-subnet'
  | 'udp'
  | 'ovs'
  | 'macvlan'
  | 'none'
  | 'flannel-vxlan'
  | 'flannel-vxlan-direct'
  | 'flannel-wireguard';

/** Tunnels on whose device a node has an address of its own, which it publishes. */
export type TunnelKind = 'vxlan' | 'ipip' | 'wireguard' | 'udp' | 'ovs';

/** Addresses of tunnel devices, by kind; the first of each family counts. */
export type TunnelAddresses = Readonly<Partial<Record<TunnelKind, readonly Ip[]>>>;

/** A node as routing sees it. Of `addresses` (InternalIPs) the first of each family counts. */
export interface RoutingNode {
  readonly name: string;
  readonly addresses: readonly Ip[];
  readonly tunnelAddresses: TunnelAddresses;
  /** Its VXLAN device's hardware address where it published one; otherwise `vtepMac(name)`. */
  readonly vtepMac?: string;
  /** The same of a VXLAN device for IPv6 alone, where nodes have one of each family. */
  readonly vtepMacV6?: string;
  /** Hardware addresses of the devices that carry `addresses`, as it published them. */
  readonly underlayMacs?: readonly string[];
}

/** What a pool says of how its addresses are reached. Both modes `Never`: as the cluster's backend has it. */
export type RoutingPool = Pick<IpPool, 'name' | 'cidr' | 'vxlanMode' | 'ipipMode'>;

/** A block of pod addresses. */
export interface RoutingBlock {
  readonly cidr: Cidr;
  /** The node that owns it; undefined for an orphan in which addresses still live. */
  readonly node: string | undefined;
  /** Addresses of it that live on a node other than the owner. */
  readonly elsewhere: readonly { readonly ip: Ip; readonly node: string }[];
}

/** A pod on this node: the host's end of its veth pair and what is behind it. */
export interface LocalEndpoint {
  readonly interface: string;
  /** Hardware address of the pod's end. */
  readonly mac: string;
  readonly addresses: readonly Ip[];
}

/** What this node's own network looks like. */
export interface Underlay {
  /** Networks that this node is directly attached to: its addresses with their prefix lengths. */
  readonly subnets: readonly Cidr[];
  /** Names of the devices that carry this node's addresses. */
  readonly links: readonly string[];
  /** MTU of the device that carries the node's address. */
  readonly mtu: number;
  /** MTUs of the routes to each peer, by node name; absent: `mtu`. */
  readonly peerMtu: ReadonlyMap<string, PeerMtu>;
}

/** What packets to a peer may have, by the family of the node's address that they go to; a family without a route is absent. */
export type PeerMtu = Readonly<Partial<Record<Family, number>>>;

/** What the cluster's configuration says of tunnels, whichever pools use them. */
export interface RoutingSettings {
  /** VXLAN's network identifier and UDP port; every node needs the same. */
  readonly vxlan: { readonly vni: number; readonly port: number };
  /** UDP port of the `udp` backend; every node needs the same. */
  readonly udp: { readonly port: number };
  /** MTU of devices where somebody has set it, of VXLAN's by the family of the outer packets; else what the underlay leaves. */
  readonly mtu?: { readonly vxlan?: Readonly<Partial<Record<Family, number>>>; readonly ipip?: number };
  /** Of a flannel network that WireGuard carries; meaningless elsewhere. */
  readonly wireguard?: WireguardCarrying;
}

/** How flannel's WireGuard carries a network. */
export interface WireguardCarrying {
  /** UDP ports of the devices by family; the only one's is that of IPv4. */
  readonly ports: Readonly<Record<Family, number>>;
  /** Whether one device carries both families. */
  readonly shared: boolean;
}

/** Everything that a node's routes depend on. */
export interface RoutingInput {
  readonly node: string;
  /** The way to blocks whose pool asks for no tunnel, and to those of no pool. */
  readonly backend: BackendName;
  readonly pools: readonly RoutingPool[];
  readonly nodes: ReadonlyMap<string, RoutingNode>;
  readonly blocks: readonly RoutingBlock[];
  readonly endpoints: readonly LocalEndpoint[];
  /** Whether pods of some pool keep their address towards nodes and the outside (no masquerade). */
  readonly plainSources?: boolean;
  readonly underlay: Underlay;
  readonly settings: RoutingSettings;
  /** What is wrong with what this node says of itself. */
  readonly ownProblems?: readonly RoutingProblem[];
  /** Devices that this kernel cannot make, by name, with what their users are told. */
  readonly missingDevices?: ReadonlyMap<string, RoutingProblem>;
  /** MTU of pod interfaces; 0: found from the routes to the peers. */
  readonly configuredMtu: number;
}

/** A VXLAN device; `port` is UDP's, `local` the source of what it sends. */
export interface DesiredVxlan {
  readonly kind: 'vxlan';
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  readonly vni: number;
  readonly port: number;
  readonly local: Ip;
}

/** A tun device whose packets the agent wraps in UDP itself; `local` and `port` are the source of what it sends. */
export interface DesiredTun {
  readonly kind: 'tun';
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  readonly port: number;
  readonly local: Ip;
}

/** An IP-in-IP device to any peer: where a packet goes is the next hop of its route. */
export interface DesiredIpip {
  readonly kind: 'ipip';
  readonly name: string;
  readonly mtu: number;
  readonly local: Ip;
}

/** The device of a bridge of Open vSwitch, which wraps in VXLAN what it forwards to peers. */
export interface DesiredOvs {
  readonly kind: 'ovs';
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  readonly vni: number;
  readonly port: number;
  readonly local: Ip;
}

/** A WireGuard device; its keys and peers are not routing's. */
export interface DesiredWireguardLink {
  readonly kind: 'wireguard';
  readonly name: string;
  readonly mtu: number;
  /** UDP's, by which peers' packets come. */
  readonly port: number;
}

/** A device that backends need, by its kind in the kernel. */
export type DesiredLink = DesiredVxlan | DesiredIpip | DesiredTun | DesiredOvs | DesiredWireguardLink;

/** An address of a device that backends need. */
export interface DesiredAddress {
  readonly link: string;
  readonly address: Cidr;
}

/** A route; `protocol` (rtnetlink(7)) tells whose it is, `mtu` is in bytes and of the inner packet. */
export interface DesiredRoute {
  readonly destination: Cidr;
  readonly type: 'unicast' | 'blackhole';
  readonly link?: string;
  readonly via?: Ip;
  readonly onlink?: boolean;
  readonly mtu?: number;
  readonly scope?: 'link' | 'global';
  readonly protocol: number;
  /** Absent: the main table. */
  readonly table?: number;
}

/** Sends packets with the mark to the table; with an `action`, leads past other rules or ends that way. */
export interface DesiredRule {
  readonly family: Family;
  readonly priority: number;
  readonly mark?: { readonly value: number; readonly mask: number };
  /** 0 where there is an `action`. */
  readonly table: number;
  readonly action?: 'nop' | { readonly goto: number };
  readonly protocol: number;
}

/**
 * A peer through which connections from outside may come here: recognised by the hardware address that its packets have
 * here, its tunnel device's or its own, or by the source of those that it wraps in IPv4; the connections marked, and the
 * answers led back through it. The other way round it recognises what this node sends by one of the `hops`.
 */
export interface ReturnPeer {
  readonly node: string;
  readonly macs: readonly string[];
  readonly outers: readonly Ip[];
  readonly hops: readonly Ip[];
  readonly mark: number;
}

/** A permanent neighbour entry. */
export interface DesiredNeighbour {
  readonly link: string;
  readonly ip: Ip;
  readonly mac: string;
}

/** A forwarding entry of a tunnel device: frames for `mac` go to the peer at `remote`. */
export interface DesiredFdbEntry {
  readonly link: string;
  readonly mac: string;
  readonly remote: Ip;
}

/** Why pods cannot be reached; everything else is programmed all the same. */
export interface RoutingProblem {
  /** Whose pods; empty when it is those of all peers that a tunnel leads to. */
  readonly peer: string;
  readonly code:
    | 'not-in-subnet'
    | 'no-address'
    | 'unknown-node'
    | 'no-own-address'
    | 'unsupported-family'
    | 'no-device'
    | 'bad-lease';
  readonly message: string;
}

/** What the kernel of this node should hold. */
export interface DesiredNetwork {
  /** Devices of tunnels, at most one of a name. */
  readonly links: readonly DesiredLink[];
  readonly addresses: readonly DesiredAddress[];
  readonly routes: readonly DesiredRoute[];
  readonly neighbours: readonly DesiredNeighbour[];
  readonly fdb: readonly DesiredFdbEntry[];
  readonly rules: readonly DesiredRule[];
  /** Default routes in the tables of `rules`. */
  readonly returnRoutes: readonly DesiredRoute[];
  /** The peers that `rules` lead to, for the packet filter. */
  readonly returnPeers: readonly ReturnPeer[];
  /** Devices by which clients' packets come that are answered by another way: a strict reverse-path check drops them. */
  readonly looseLinks: readonly string[];
  /** MTU for the interfaces of new pods. */
  readonly podMtu: number;
  readonly problems: readonly RoutingProblem[];
}
