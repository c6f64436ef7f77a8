import type { Cidr, Family, IntervalSet } from '../../base/ip/index.ts';
import { selectorKey } from '../kube/labels.ts';
import type { Selector } from '../kube/labels.ts';

/** Direction as seen from the pod that a policy selects. */
export type Direction = 'ingress' | 'egress';

/** What a rule does on a match. `pass` leaves the tier, `log` records and goes on; the others end the evaluation. */
export type Action = 'allow' | 'deny' | 'pass' | 'log';

/** Where a policy or rule was written. `line` and `column` count from 1 and are known for objects read from files. */
export interface SourceRef {
  readonly kind: string;
  /** Absent for cluster-scoped objects. */
  readonly namespace?: string;
  readonly name: string;
  /** Field path inside the object: `spec.ingress[0]`; empty for the object as a whole. */
  readonly path: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

/** A tier as it is declared: by a Tier resource, or built in (`tiers.ts`). */
export interface TierSpec {
  readonly name: string;
  /** Tiers are walked from the lowest order to the highest; equal orders by name. */
  readonly order: number;
  /** What happens when some policy of the tier applies and no rule matched. With no policy applying: next tier. */
  readonly noMatch: 'deny' | 'pass';
}

/**
 * Policies that are judged together. Tiers are walked in order; inside one, the policies that select the endpoint and
 * apply to the direction are walked in order, and of each its rules in order; the first final action wins. `pass` goes
 * to the next tier. Past the last one a pod is allowed, and a host endpoint is judged by its profiles.
 */
export interface Tier extends TierSpec {
  /** In order of evaluation. */
  readonly policies: readonly Policy[];
}

/** One policy, of whatever API, in normal form. */
export interface Policy {
  /** Unique over all policies: `NetworkPolicy/namespace/name`. */
  readonly key: string;
  readonly source: SourceRef;
  /** Name of its tier; a policy whose tier does not exist is not in force. */
  readonly tier: string;
  /** Place in its tier, lowest first, `Infinity` last; equal orders by name, namespace, kind. */
  readonly order: number;
  /** The pods that it applies to; hostNetwork pods never match. */
  readonly subject: PodSet;
  /** The host endpoints that it applies to, by their effective labels; absent for APIs that know none. */
  readonly hosts?: HostSubject;
  /**
   * Whether connections of a pod to its own node are none of its business, as Kubernetes defines for NetworkPolicy. Those
   * of a node to its own pods are nobody's.
   */
  readonly sparesOwnNode: boolean;
  /** Staged policies are judged only when asked for, and never programmed. */
  readonly staged: boolean;
  /** Whether it applies to (isolates, for NetworkPolicy) each direction. */
  readonly applies: Readonly<Record<Direction, boolean>>;
  /** Rules of a direction that does not apply are not kept. */
  readonly ingress: readonly Rule[];
  readonly egress: readonly Rule[];
}

/** The host endpoints that a policy applies to, and which of their traffic. */
export interface HostSubject {
  readonly selector: Selector;
  /** Also what the node forwards between other interfaces. */
  readonly applyOnForward: boolean;
  /** Ingress only, before translation of Services. */
  readonly preDnat: boolean;
  /** Without connection tracking: both directions of a connection are judged packet by packet. */
  readonly doNotTrack: boolean;
}

/**
 * One rule. It matches when any of `peers` is the other side, any of `ports` is the destination port, and every one of
 * `conditions` holds.
 */
export interface Rule {
  readonly action: Action;
  /** As the author called it, in the APIs that let rules have names. */
  readonly name?: string;
  /** Index in the list that it was written in. */
  readonly index: number;
  readonly source: SourceRef;
  /** `any` is every address, of endpoints or not; an empty list matches nothing. */
  readonly peers: 'any' | readonly Peer[];
  /** `any` is every protocol, ICMP included; a list never matches a protocol without ports. */
  readonly ports: 'any' | readonly PortMatch[];
  /** Absent or empty: nothing more to hold. */
  readonly conditions?: readonly Condition[];
}

/** What else a rule asks for. `negate` turns the answer around; a side without the property asked for does not have it. */
export type Condition =
  | { readonly kind: 'family'; readonly family: Family }
  /** By IANA number. ICMP is 1 over IPv4 and 58 over IPv6. */
  | { readonly kind: 'protocol'; readonly protocol: number; readonly negate: boolean }
  /** ICMP of the packet's own family; never holds, nor does its negation, for another protocol. */
  | { readonly kind: 'icmp'; readonly type: number; readonly code?: number; readonly negate: boolean }
  /** Any of the peers is that side of the connection. */
  | { readonly kind: 'peer'; readonly side: Side; readonly peers: readonly Peer[]; readonly negate: boolean }
  /** Any of the entries is that side's port. Without ports in the protocol: false, and true when negated. */
  | { readonly kind: 'port'; readonly side: Side; readonly ports: readonly PortMatch[]; readonly negate: boolean };

/** An end of a connection. */
export type Side = 'source' | 'destination';

/** Namespaces: one by name, or those that a selector chooses by their labels. */
export type NamespaceSet =
  { readonly kind: 'name'; readonly name: string } | { readonly kind: 'selector'; readonly selector: Selector };

/** The pods that `pods` selects in the namespaces that `namespaces` chooses. Never hostNetwork or completed pods. */
export interface PodSet {
  readonly namespaces: NamespaceSet;
  readonly pods: Selector;
}

/** The other side of a connection. */
export type Peer = PodPeer | BlockPeer | NodePeer | EndpointPeer | ServicePeer | DomainPeer;

/** Pods, wherever they run. */
export interface PodPeer extends PodSet {
  readonly kind: 'pods';
  /** {@link podSetKey}: rules whose peers have equal keys can share one address set. */
  readonly key: string;
  readonly source: SourceRef;
}

/** Addresses of one family, of pods, nodes or anything else. */
export interface BlockPeer {
  readonly kind: 'block';
  /** Text of the block with its exceptions: `10.0.0.0/8 except 10.1.0.0/16`. Equal keys are equal sets. */
  readonly key: string;
  readonly family: Family;
  /** Exceptions are already subtracted. A node's tunnel address counts as that node's InternalIP instead. */
  readonly ranges: IntervalSet;
  /** As written, host bits cleared, for explanations. */
  readonly cidr: Cidr;
  readonly except: readonly Cidr[];
  readonly source: SourceRef;
}

/** Nodes, by any of their addresses, and with them their hostNetwork pods; no v1 NetworkPolicy produces it. */
export interface NodePeer {
  readonly kind: 'nodes';
  readonly key: string;
  readonly nodes: Selector;
  readonly source: SourceRef;
}

/**
 * Everything whose effective labels (`effective-labels.ts`) the selector chooses, as in Calico: pods, host endpoints and
 * the ranges of network sets.
 */
export interface EndpointPeer {
  readonly kind: 'endpoints';
  /** {@link endpointPeerKey}. */
  readonly key: string;
  readonly selector: Selector;
  readonly source: SourceRef;
}

/** The endpoints of a Service: as a destination with their ports, as a source by address alone. */
export interface ServicePeer {
  readonly kind: 'service';
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly source: SourceRef;
}

/** The addresses that the cluster's DNS has answered with for a name; destinations only. */
export interface DomainPeer {
  readonly kind: 'domain';
  /** The pattern: lower case, without a final dot. */
  readonly key: string;
  /** A name, or `*.` and a suffix, which stands for one label or more. */
  readonly pattern: string;
  readonly source: SourceRef;
}

/** Protocols that have ports. */
export type PortProtocol = 'TCP' | 'UDP' | 'SCTP';

/** Destination ports of one protocol, after Service translation. */
export type PortMatch =
  | { readonly kind: 'all'; readonly protocol: PortProtocol; readonly source: SourceRef }
  | {
      readonly kind: 'range';
      readonly protocol: PortProtocol;
      readonly first: number;
      readonly last: number;
      readonly source: SourceRef;
    }
  /**
   * The ports that the pod at that end itself calls `name` under `protocol`, or the host endpoints do that expect its
   * address; matches no other end.
   */
  | { readonly kind: 'named'; readonly protocol: PortProtocol; readonly name: string; readonly source: SourceRef };

/**
 * Something in a policy that could not be understood. What it then does is never more open than any reading of it: an
 * allowing rule allows nothing, a denying or passing one denies all that the part in question could have meant.
 */
export interface PolicyIssue {
  readonly policy: string;
  /** `source.path` names the field. */
  readonly source: SourceRef;
  readonly message: string;
}

/** Canonical identity of a set of pods: equal keys select the same pods in every cluster. */
export function podSetKey(set: PodSet): string {
  const { namespaces } = set;
  const scope = namespaces.kind === 'name' ? `@${namespaces.name}` : selectorKey(namespaces.selector);
  return `${scope}/${selectorKey(set.pods)}`;
}

/** Canonical identity of a set of labelled endpoints: equal keys select the same ones in every cluster. */
export function endpointPeerKey(selector: Selector): string {
  return selectorKey(selector);
}
