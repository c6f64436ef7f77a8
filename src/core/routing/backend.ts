import { cidrContains } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import type { DesiredLink, RoutingInput, RoutingNode, RoutingProblem, TunnelKind, Underlay } from './types.ts';

/** How packets for addresses of one family get to one peer. */
export type PeerPath =
  /** The peer is a neighbour: plain route. */
  | { readonly kind: 'direct'; readonly via: Ip }
  | TunnelPath
  /** Somebody else makes the routes, if there are to be any. */
  | { readonly kind: 'foreign' }
  | { readonly kind: 'problem'; readonly problem: RoutingProblem };

/** Packets are wrapped by a device of this node. */
export interface TunnelPath {
  readonly kind: 'tunnel';
  /** Name of the device. */
  readonly device: string;
  /** Bytes that wrapping adds to a packet. */
  readonly overhead: number;
  /** MTU of the device where it was set; absent: what the underlay leaves. */
  readonly deviceMtu?: number | undefined;
  /** Next hop behind the device, which no connected route need lead to; absent: the device needs none. */
  readonly via?: Ip;
  /** For devices that carry Ethernet: whose `mac` the next hop has, and the address that frames for it are sent to. */
  readonly bridge?: { readonly mac: string; readonly remote: Ip };
  /** For others: the source of the packets that the peer wraps. */
  readonly outer?: Ip;
}

/** What a backend decides a node's own part from. */
export interface NodeContext {
  readonly self: RoutingNode;
  readonly underlay: Underlay;
  readonly settings: RoutingInput['settings'];
}

/** What a backend decides the device of a family from. */
export interface DeviceContext extends NodeContext {
  readonly family: Family;
}

/** What a backend decides a peer's path from. */
export interface PeerContext extends NodeContext {
  readonly peer: RoutingNode;
  readonly family: Family;
}

/** One way to reach peers. */
export interface Backend {
  /** Pods are in subnets that their nodes are attached to: the routes of those lead to them, and no block has one of its own. */
  readonly onSegment?: true;
  /** The kind of tunnel whose device has an address of its own; absent: none. */
  readonly tunnel?: TunnelKind;
  /** The device that it needs for a family, whoever the peers are; undefined while the node has no address that it can work from. */
  readonly device?: (context: DeviceContext) => DesiredLink | undefined;
  /**
   * By which of nodes' addresses its packets go: the family of the node's first, that of the pods' addresses, which is so
   * where it is absent, or either, by where the peer is.
   */
  readonly carriedBy?: 'first-family' | 'either-family';
  readonly pathTo: (context: PeerContext) => PeerPath;
  /** The way back for connections that came through the peer, where it is not that to its pods. */
  readonly backTo?: (context: PeerContext) => PeerPath;
}

/** The node's address of `family`. */
export function addressOf(node: RoutingNode, family: Family): Ip | undefined {
  return node.addresses.find((address) => address.family === family);
}

/** Whether `address` lies in a network that this node is attached to. */
export function isAttached(underlay: Underlay, address: Ip): boolean {
  return underlay.subnets.some((subnet) => cidrContains(subnet, address));
}

/** A path that does not exist, and why. */
export function noPath(peer: string, code: RoutingProblem['code'], message: string): PeerPath {
  return { kind: 'problem', problem: { peer, code, message } };
}
