import { cidrContains } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import type { RoutingNode, RoutingProblem, Underlay } from './types.ts';

/** How packets for addresses of one family get to one peer. */
export type PeerPath =
  /** The peer is a neighbour: plain route. */
  | { readonly kind: 'direct'; readonly via: Ip }
  /** Wrapped: `via` is the next hop inside the tunnel, `remote` where the wrapped packet goes. */
  | { readonly kind: 'tunnel'; readonly via: Ip; readonly remote: Ip }
  | { readonly kind: 'problem'; readonly problem: RoutingProblem };

/** What a backend decides from. */
export interface PeerContext {
  readonly self: RoutingNode;
  readonly peer: RoutingNode;
  readonly family: Family;
  readonly underlay: Underlay;
}

/** One way to reach peers. */
export interface Backend {
  /** Whether the node needs a tunnel device, whoever its peers are. */
  readonly tunnels: boolean;
  readonly pathTo: (context: PeerContext) => PeerPath;
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
