import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import type { Community, PeerAddress } from '../kube/bgp-values.ts';
import type { Labels } from '../kube/labels.ts';

export type { Community, PeerAddress };

/** A key of a Secret in the agent's namespace. */
export interface SecretKey {
  readonly name: string;
  readonly key: string;
}

/** What a BGPConfiguration says; what it leaves out is absent. */
export interface BgpConfiguration {
  readonly logSeverity?: LogSeverity;
  readonly mesh?: boolean;
  readonly asNumber?: number;
  readonly listenPort?: number;
  /** Listen on the node's own address only, not on all of them. */
  readonly bindNodeIp?: boolean;
  readonly ignoredInterfaces?: readonly string[];
  readonly clusterIps?: readonly Cidr[];
  readonly externalIps?: readonly Cidr[];
  readonly loadBalancerIps?: readonly Cidr[];
  /** Whether the blocks of `loadBalancerIps` are advertised themselves, or only addresses in use. */
  readonly aggregateLoadBalancers?: boolean;
  readonly prefixAdvertisements?: readonly PrefixAdvertisement[];
  readonly meshPassword?: SecretKey;
  /** Seconds. */
  readonly meshMaxRestart?: number;
}

/** The least severity that BIRD logs; the names are those of `logSeverityScreen`. */
export type LogSeverity = 'Debug' | 'Info' | 'Warning' | 'Error' | 'Fatal';

/** Communities that routes within a block carry. */
export interface PrefixAdvertisement {
  readonly cidr: Cidr;
  readonly communities: readonly Community[];
}

/** A BGPPeer: which nodes peer with whom. */
export interface BgpPeer {
  readonly name: string;
  /** The nodes of this side; all when both are absent. */
  readonly node?: string;
  readonly nodeSelector?: string;
  /** The other side: an address, or nodes. */
  readonly address?: PeerAddress;
  readonly peerSelector?: string;
  readonly asNumber?: number;
  readonly localAsNumber?: number;
  readonly nextHop: NextHop;
  readonly password?: SecretKey;
  readonly sourceAddress: 'node' | 'none';
  /** Seconds. */
  readonly maxRestart?: number;
  readonly allowedLocalAs?: number;
  /** Hops to the peer, when packets that came further are to be ignored (RFC 5082). */
  readonly ttlSecurity?: number;
  readonly reachableBy?: Ip;
  /** Names of BGPFilters; the first rule that matches decides. */
  readonly filters: readonly string[];
  readonly bfd: boolean;
  /** Whether nodes that are the other side peer back without being asked to. */
  readonly reverse: boolean;
}

/** `auto` is BGP's own rule: unchanged to internal peers, this node to external ones. */
export type NextHop = 'auto' | 'self' | 'keep';

/** A BGPFilter's rules, by direction and family. */
export interface BgpFilter {
  readonly name: string;
  readonly rules: Readonly<Record<'import' | 'export', Readonly<Record<Family, readonly FilterRule[]>>>>;
}

/** A route that meets every condition is accepted or rejected. */
export interface FilterRule {
  readonly action: 'accept' | 'reject';
  readonly match?: NetMatch;
  /** Only routes learnt from peers. */
  readonly learnt: boolean;
  /** Pattern of the outgoing interface. */
  readonly interface?: string;
  readonly peerType?: 'internal' | 'external';
  readonly community?: Community;
  /** AS numbers that the path begins with. */
  readonly pathPrefix?: readonly number[];
  /** Metric in the kernel. */
  readonly priority?: number;
  readonly operations: readonly FilterOperation[];
}

/** Which blocks a rule is about: by the block, and by lengths of prefixes from `least` to `most`. */
export interface NetMatch {
  readonly operator: 'Equal' | 'NotEqual' | 'In' | 'NotIn';
  readonly cidr: Cidr;
  readonly least?: number;
  readonly most?: number;
}

/** What becomes of a route that a rule accepts. */
export type FilterOperation =
  | { readonly kind: 'add-community'; readonly community: Community }
  | { readonly kind: 'prepend'; readonly path: readonly number[] }
  | { readonly kind: 'set-priority'; readonly priority: number };

/** A node as BGP sees it. */
export interface BgpNode {
  readonly name: string;
  readonly labels: Labels;
  /** At most one of each family, each with the prefix length of its network where that is known. */
  readonly addresses: readonly Cidr[];
  readonly asNumber?: number;
  /** Makes the node a route reflector; such nodes are not part of the mesh. */
  readonly clusterId?: string;
}

/** An IPPool. */
export interface BgpPool {
  readonly cidr: Cidr;
  /** Whether routes to it are programmed by whoever made its tunnel. */
  readonly tunnelled: boolean;
  readonly exported: boolean;
}

/** A block of pod addresses, as routing sees it, too. */
export interface BgpBlock {
  readonly cidr: Cidr;
  readonly node: string | undefined;
  readonly elsewhere: readonly { readonly ip: Ip; readonly node: string }[];
}

/** What of a Service decides about advertising its addresses. */
export interface BgpService {
  readonly clusterIps: readonly Ip[];
  /** External addresses and those of load balancers. */
  readonly externalIps: readonly Ip[];
  /** Whether traffic from outside stays on the node where it arrives (externalTrafficPolicy Local). */
  readonly local: boolean;
  /** Whether this node has an endpoint of it that is ready. */
  readonly hasLocalEndpoint: boolean;
}

/** Everything that one node's BGP depends on. */
export interface BgpInput {
  readonly node: string;
  readonly nodes: ReadonlyMap<string, BgpNode>;
  /** By name: `default` and `node.NAME` count. */
  readonly configurations: ReadonlyMap<string, BgpConfiguration>;
  readonly peers: readonly BgpPeer[];
  readonly filters: ReadonlyMap<string, BgpFilter>;
  readonly pools: readonly BgpPool[];
  readonly blocks: readonly BgpBlock[];
  readonly services: readonly BgpService[];
  /** The value of a Secret's key; undefined when there is none. */
  readonly secret: (key: SecretKey) => string | undefined;
}

/** One session as BIRD is to have it. */
export interface BgpSession {
  /** BIRD's name of it: what it is and the peer's address. */
  readonly name: string;
  readonly kind: SessionKind;
  /** The node's address that it is bound to; absent when the kernel is to choose. */
  readonly local: Ip | undefined;
  readonly localAs: number;
  readonly listenPort: number;
  readonly strictBind: boolean;
  readonly peer: PeerAddress;
  readonly peerAs: number;
  /** Waits for the peer to connect. */
  readonly passive: boolean;
  /** The peer is on a network of this node's own. */
  readonly attached: boolean;
  readonly nextHop: NextHop;
  readonly password: string | undefined;
  readonly maxRestart: number | undefined;
  readonly allowedLocalAs: number | undefined;
  readonly ttlSecurity: number | undefined;
  readonly reflect: string | undefined;
  readonly bfd: boolean;
  readonly filters: readonly BgpFilter[];
}

/** Where a session comes from: the mesh, or a BGPPeer for some nodes or for all. */
export type SessionKind = 'mesh' | 'node' | 'global';

/** One node's BGP: what its BIRD is configured to. */
export interface BgpView {
  /** Of the form of an IPv4 address. */
  readonly routerId: string;
  readonly logSeverity: LogSeverity;
  readonly ignoredInterfaces: readonly string[];
  readonly sessions: readonly BgpSession[];
  /** Blocks and addresses that live on this node. */
  readonly workloads: readonly Cidr[];
  /** Service addresses that this node is a way to. */
  readonly services: readonly Cidr[];
  /** Peers that are behind a certain gateway. */
  readonly reachable: readonly { readonly destination: Cidr; readonly via: Ip }[];
  readonly pools: readonly BgpPool[];
  readonly prefixAdvertisements: readonly PrefixAdvertisement[];
  readonly problems: readonly BgpProblem[];
}

/** Something that keeps a session from being; everything else works. */
export interface BgpProblem {
  /** `BGPPeer/name` or `BGPConfiguration/default`. */
  readonly object: string;
  readonly message: string;
}
