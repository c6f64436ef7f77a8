import type { Family, Ip } from '../../base/ip/index.ts';
import type { FailsafePort, HostEndpointInfo, NodeEndpoint, PodEndpoint } from './cluster.ts';
import type { EndpointClass } from './endpoint-class.ts';
import type { Direction, Policy, PortProtocol, Rule, Tier } from './model.ts';

/**
 * One end of a flow, as `PolicyEngine` makes it: a pod on the pod network, a node (with its hostNetwork pods), or an
 * address that is nobody's in the cluster. A pod or node without an address of the family matches no ipBlock.
 */
export type Party =
  | {
      readonly kind: 'pod';
      readonly pod: PodEndpoint;
      readonly ip: Ip | undefined;
      /** Of the pod, so that no verdict has to look for it. */
      readonly endpoints: EndpointClass;
    }
  | { readonly kind: 'node'; readonly node: NodeEndpoint; readonly ip: Ip | undefined }
  | {
      readonly kind: 'outside';
      readonly ip: Ip;
      /** The name that it was looked up by, lower case and without a final dot; domain peers match it as they match `ip`. */
      readonly domain?: string;
    };

/** A protocol: those with ports, ICMP of either family, or any other by its IANA number in text form. */
export type FlowProtocol = PortProtocol | 'ICMP' | `${number}`;

/** An address of a node and a port of it that are translated, as a NodePort is. */
export interface Entry {
  readonly node: NodeEndpoint;
  readonly ip: Ip;
  readonly port: number;
}

/** A connection attempt, as it is after Service translation: the destination is the backend, the port is the pod's. */
export interface Flow {
  readonly source: Party;
  readonly destination: Party;
  readonly protocol: FlowProtocol;
  /** Destination port; absent for protocols without ports. */
  readonly port?: number;
  /** Absent when it is not known: then no rule that asks for a source port matches, but those that exclude one do. */
  readonly sourcePort?: number;
  /** Of ICMP; absent means an echo request. */
  readonly icmp?: { readonly type: number; readonly code: number };
  /** Only read when neither side has an address; IPv4 when absent. */
  readonly family?: Family;
  /**
   * What a client outside addressed, when that was translated to the destination: early policies of that node's host
   * endpoint are asked about it. Not read for pods and nodes, whose own node translates before anyone is asked.
   */
  readonly entry?: Entry;
}

/** A tier that was asked and passed the flow on: by a rule, or because none matched and that is what the tier then does. */
export interface PassStep {
  readonly tier: Tier;
  readonly policy?: Policy;
  readonly rule?: Rule;
}

/** What one side's policies say. */
export type DirectionVerdict = DecidedBy & {
  /** The tiers that were asked before and passed the flow on, in order. */
  readonly passes: readonly PassStep[];
  /** The host endpoint that was asked: of a node that is the side itself, or that denied what it forwards for the side's pod. */
  readonly host?: HostEndpointInfo;
};

/** What decided one side. */
export type DecidedBy =
  /** The side is neither a pod nor a host endpoint, so no policy is asked. */
  | { readonly kind: 'no-pod'; readonly allowed: true }
  /** No tier decided: no policy applies, or all that do passed. */
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
  | { readonly kind: 'default'; readonly allowed: false; readonly tier: Tier; readonly policies: readonly Policy[] }
  /** A rule of a profile of the host endpoint, which is asked when every tier has passed. */
  | { readonly kind: 'profile'; readonly allowed: boolean; readonly profile: string; readonly rule: Rule }
  /** A host endpoint that no tier and no profile decided for: denied. */
  | { readonly kind: 'host-default'; readonly allowed: false; readonly endpoint: HostEndpointInfo }
  /** A port of the node that policies of host endpoints cannot close. */
  | { readonly kind: 'failsafe'; readonly allowed: true; readonly port: FailsafePort }
  /** The pod's policies allow it to reach its own node, and the cluster's settings do not. */
  | { readonly kind: 'endpoint-to-host'; readonly allowed: false };

/** What happens to a flow and why. */
export interface Verdict {
  readonly allowed: boolean;
  readonly flow: Flow;
  /**
   * Set when no policy is asked: a pod reaching itself, or its own node reaching it. A pod that reaches its own node is
   * judged by the policies that do not spare it, and is `own-node` only when there is none.
   */
  readonly exempt?: 'self' | 'own-node';
  /** Who the destination sees instead of the source: the node whose address the packets take on leaving it. */
  readonly arrivesAs?: Party;
  /** Of the source pod. */
  readonly egress: DirectionVerdict;
  /** Of the destination pod. */
  readonly ingress: DirectionVerdict;
}

/** The directions of a verdict in the order in which a packet meets them. */
export const DIRECTIONS: readonly Direction[] = ['egress', 'ingress'];

/** The flow as one side's policies see it. */
export function flowAt({ flow, arrivesAs }: Verdict, direction: Direction): Flow {
  return direction === 'egress' || arrivesAs === undefined ? flow : { ...flow, source: arrivesAs };
}
