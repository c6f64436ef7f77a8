import type { Cidr, Family, IntervalSet } from '../../../base/ip/index.ts';
import type { NodeEndpoint, PodEndpoint } from '../../policy/index.ts';
import type { PortSet } from '../port-set.ts';

/** One end of a wished connection: all of these. */
export interface WishedEnd {
  readonly pods: readonly PodEndpoint[];
  readonly nodes: readonly NodeEndpoint[];
  /** Addresses outside; those that pods and nodes of the cluster have are not meant. */
  readonly ranges: Readonly<Record<Family, IntervalSet>>;
}

/** A connection that is to be allowed, over both families. */
export interface Wish {
  readonly from: WishedEnd;
  readonly to: WishedEnd;
  readonly ports: PortSet;
  /** For messages: the line that it was read from. */
  readonly text: string;
}

/** The policy APIs that can be generated. */
export type PolicyApi = 'kubernetes' | 'calico';

/** Settings of `generate`. */
export interface GenerateOptions {
  readonly api: PolicyApi;
  /** Namespaces that the policies are for; what is between others stays as it is. */
  readonly namespaces: readonly string[];
  /** Blocks that belong to the cluster though no pod may have an address there now; no rule for the outside holds them. */
  readonly clusterBlocks?: readonly Cidr[];
}

/** A NetworkPolicy of either API, ready to be printed. */
export interface GeneratedPolicy {
  readonly apiVersion: string;
  readonly kind: 'NetworkPolicy';
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** Where the policies allow something else than was wished. */
export interface Deviation {
  readonly from: string;
  readonly to: string;
  readonly ports: PortSet;
}

/** Policies, and what `reach` says of them. */
export interface Generated {
  readonly policies: readonly GeneratedPolicy[];
  /** Wishes that the API has no words for, or that no policy of these namespaces can grant. */
  readonly inexpressible: readonly { readonly text: string; readonly reason: string }[];
  /** Wishes for some of the pods that bear the same labels, granted to all of them. */
  readonly widened: readonly { readonly text: string; readonly to: string }[];
  /** Wished and not allowed: what is inexpressible, and addresses left out for the cluster's own. */
  readonly missing: readonly Deviation[];
  /** Allowed and not wished; empty unless something is wrong. */
  readonly excess: readonly Deviation[];
}
