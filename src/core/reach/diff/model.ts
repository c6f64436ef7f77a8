import type { Family, IntervalSet, Ip } from '../../../base/ip/index.ts';
import type { NodeEndpoint, PodEndpoint } from '../../policy/index.ts';
import type { Connection, PairConnection } from '../model.ts';

/** Endpoints of both states that neither state's policies tell apart. */
export type CommonEnd =
  /** As they are afterwards. */
  | { readonly kind: 'pods'; readonly namespace: string; readonly pods: readonly PodEndpoint[] }
  /** `addresses`: under these further addresses, in the order of the nodes. */
  | { readonly kind: 'nodes'; readonly nodes: readonly NodeEndpoint[]; readonly addresses?: readonly Ip[] }
  | { readonly kind: 'addresses'; readonly family: Family; readonly ranges: IntervalSet }
  | { readonly kind: 'domain'; readonly pattern: string };

/**
 * What becomes, or is no more, allowed from each of `from` to each of `to`. A pod and its own node are never meant, unless
 * `ownNode` says that the change is about exactly these.
 */
export interface ReachabilityChange extends Pick<Connection, 'byFamily' | 'ports' | 'differs'> {
  readonly from: readonly CommonEnd[];
  readonly to: readonly CommonEnd[];
  readonly ownNode?: true;
}

/** How two states differ in what can talk; the text of policies plays no part. */
export interface ReachabilityDiff {
  readonly opened: readonly ReachabilityChange[];
  readonly closed: readonly ReachabilityChange[];
  /** Pods and nodes of the one state only, by key. */
  readonly added: readonly (PodEndpoint | NodeEndpoint)[];
  readonly removed: readonly (PodEndpoint | NodeEndpoint)[];
  /** What the added endpoints can talk to, and who to them. */
  addedConnections(): Iterable<PairConnection>;
  /** What the removed ones could. */
  removedConnections(): Iterable<PairConnection>;
}
