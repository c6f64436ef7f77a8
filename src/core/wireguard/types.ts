import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import type { LocalEndpoint, RoutingBlock, RoutingNode, RoutingPool, Underlay } from '../routing/index.ts';

/** What a FelixConfiguration says of WireGuard, for one address family. */
export interface WireguardFamilySettings {
  readonly enabled: boolean;
  /** UDP port, the same on all nodes. */
  readonly port: number;
  /** MTU of the device; 0: what the node's network leaves. */
  readonly mtu: number;
}

/** What a FelixConfiguration says of WireGuard. */
export interface WireguardSettings extends Readonly<Record<Family, WireguardFamilySettings>> {
  /** Of the rules that lead pods' packets into the tunnels' table. */
  readonly rulePriority: number;
  /** Seconds between packets that keep state in between alive; 0: none. */
  readonly keepaliveSeconds: number;
}

/** Public keys of a node by the family of pods that they are for, in base64. */
export type WireguardKeys = Readonly<Partial<Record<Family, string>>>;

/** How packets get to a peer: through its usual device, or through the one for passing from key to key. */
export type WireguardWay = 'usual' | 'hand-over';

/** Everything that a node's tunnels depend on. */
export interface WireguardInput {
  readonly node: string;
  readonly settings: WireguardSettings;
  /** By node name, as published; this node's own are those of its devices. */
  readonly keys: ReadonlyMap<string, WireguardKeys>;
  readonly nodes: ReadonlyMap<string, RoutingNode>;
  readonly blocks: readonly RoutingBlock[];
  readonly pools: readonly Pick<RoutingPool, 'cidr'>[];
  /** Pods of this node. */
  readonly endpoints: readonly Pick<LocalEndpoint, 'addresses'>[];
  readonly underlay: Pick<Underlay, 'mtu' | 'peerMtu'>;
  /** Keys that nodes are about to have, by node name, as published; a node without one is not changing its key. */
  readonly nextKeys: ReadonlyMap<string, WireguardKeys>;
  /** Nodes that are still reached by the hand-over's device, or were until a moment ago. */
  readonly handingOver: Readonly<Record<Family, ReadonlySet<string>>>;
  /** Nodes to which packets go through a device; to others with a key they go as they did before there was WireGuard. */
  readonly ways: Readonly<Record<Family, ReadonlyMap<string, WireguardWay>>>;
}

/** A peer of a device. */
export interface WireguardTunnelPeer {
  readonly node: string;
  readonly publicKey: string;
  readonly endpoint: { readonly ip: Ip; readonly port: number };
  /** What may come from it, and goes to it by this device if that is the way. */
  readonly allowedIps: readonly Cidr[];
}

/** Routes in a table of their own: through the device, or (`throw`) as if there were no WireGuard. */
export interface WireguardRoute {
  readonly destination: Cidr;
  readonly type: 'unicast' | 'throw';
  readonly link?: string;
  readonly mtu?: number;
  readonly scope?: 'link';
  readonly table: number;
  readonly protocol: number;
}

/** Sends what comes from a pool to the table. */
export interface WireguardRule {
  readonly family: Family;
  readonly priority: number;
  readonly from: Cidr;
  readonly table: number;
  readonly protocol: number;
}

/** The tunnel for pods of one family. */
export interface WireguardTunnel {
  readonly family: Family;
  readonly device: string;
  /** Of a hand-over's device, the routes are among those of the usual one. */
  readonly way: WireguardWay;
  readonly port: number;
  readonly mtu: number;
  readonly peers: readonly WireguardTunnelPeer[];
  readonly routes: readonly WireguardRoute[];
  readonly rules: readonly WireguardRule[];
}

/** Why pods of a peer are reached without encryption although it published a key. */
export interface WireguardProblem {
  readonly peer: string;
  readonly code: 'bad-key' | 'shared-key' | 'no-address';
  readonly message: string;
}

/** What this node should hold. */
export interface DesiredWireguard {
  readonly tunnels: readonly WireguardTunnel[];
  readonly problems: readonly WireguardProblem[];
}
