import type { Ip } from '../../base/ip/index.ts';
import type { NodeEndpoint, PodEndpoint } from './cluster.ts';
import type { Direction, Policy, PortProtocol, Rule, Tier } from './model.ts';

/**
 * One end of a flow, as `PolicyEngine` makes it: a pod on the pod network, a node (with its hostNetwork pods), or an
 * address that is nobody's in the cluster. A pod or node without an address of the family matches no ipBlock.
 */
export type Party =
  | { readonly kind: 'pod'; readonly pod: PodEndpoint; readonly ip: Ip | undefined }
  | { readonly kind: 'node'; readonly node: NodeEndpoint; readonly ip: Ip | undefined }
  | { readonly kind: 'outside'; readonly ip: Ip };

/** A protocol: those with ports, ICMP of either family, or any other by its IANA number in text form. */
export type FlowProtocol = PortProtocol | 'ICMP' | `${number}`;

/** A connection attempt, as it is after Service translation: the destination is the backend, the port is the pod's. */
export interface Flow {
  readonly source: Party;
  readonly destination: Party;
  readonly protocol: FlowProtocol;
  /** Destination port; absent for protocols without ports. */
  readonly port?: number;
}

/** What one side's policies say. */
export type DirectionVerdict =
  /** The side is no pod, so no policy is asked. */
  | { readonly kind: 'no-pod'; readonly allowed: true }
  /** No policy that selects the pod applies to this direction. */
  | { readonly kind: 'unselected'; readonly allowed: true }
  /** A rule matched. */
  | {
      readonly kind: 'rule';
      readonly allowed: boolean;
      readonly tier: Tier;
      readonly policy: Policy;
      readonly rule: Rule;
    }
  /** Policies select the pod and no rule matched; the tier then denies. */
  | { readonly kind: 'default'; readonly allowed: false; readonly tier: Tier; readonly policies: readonly Policy[] };

/** What happens to a flow and why. */
export interface Verdict {
  readonly allowed: boolean;
  readonly flow: Flow;
  /** Set when policies are not asked: a pod reaching itself, or a pod and the node that it runs on. */
  readonly exempt?: 'self' | 'own-node';
  /** Of the source pod. */
  readonly egress: DirectionVerdict;
  /** Of the destination pod. */
  readonly ingress: DirectionVerdict;
}

/** The directions of a verdict in the order in which a packet meets them. */
export const DIRECTIONS: readonly Direction[] = ['egress', 'ingress'];
