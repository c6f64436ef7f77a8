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

/**
 * Policies that are judged together. Tiers are walked in order; inside one, the policies that select the endpoint and
 * apply to the direction are walked in order, and of each its rules in order; the first final action wins.
 */
export interface Tier {
  readonly name: string;
  /** In order of evaluation. */
  readonly policies: readonly Policy[];
  /** What happens when some policy of the tier applies and no rule matched. With no policy applying: next tier. */
  readonly noMatch: 'deny' | 'pass';
}

/** One policy, of whatever API, in normal form. */
export interface Policy {
  /** Unique over all policies: `NetworkPolicy/namespace/name`. */
  readonly key: string;
  readonly source: SourceRef;
  /** The pods that it applies to; hostNetwork pods never match. */
  readonly subject: PodSet;
  /** Whether it applies to (isolates, for NetworkPolicy) each direction. */
  readonly applies: Readonly<Record<Direction, boolean>>;
  /** Rules of a direction that does not apply are not kept. */
  readonly ingress: readonly Rule[];
  readonly egress: readonly Rule[];
}

/** One rule. It matches when any of `peers` is the other side and any of `ports` is the destination port. */
export interface Rule {
  readonly action: Action;
  /** Index in the list that it was written in. */
  readonly index: number;
  readonly source: SourceRef;
  /** `any` is every address, of endpoints or not; an empty list matches nothing. */
  readonly peers: 'any' | readonly Peer[];
  /** `any` is every protocol, ICMP included; a list never matches a protocol without ports. */
  readonly ports: 'any' | readonly PortMatch[];
}

/** Namespaces: one by name, or those that a selector chooses by their labels. */
export type NamespaceSet =
  { readonly kind: 'name'; readonly name: string } | { readonly kind: 'selector'; readonly selector: Selector };

/** The pods that `pods` selects in the namespaces that `namespaces` chooses. Never hostNetwork or completed pods. */
export interface PodSet {
  readonly namespaces: NamespaceSet;
  readonly pods: Selector;
}

/** The other side of a connection. */
export type Peer = PodPeer | BlockPeer | NodePeer;

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

/** Nodes and with them their hostNetwork pods; no v1 NetworkPolicy produces it. */
export interface NodePeer {
  readonly kind: 'nodes';
  readonly key: string;
  readonly nodes: Selector;
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
  /** The ports that the destination pod itself calls `name` under `protocol`; matches no destination that is not a pod. */
  | { readonly kind: 'named'; readonly protocol: PortProtocol; readonly name: string; readonly source: SourceRef };

/** Something in a policy that could not be understood; the rule or policy in question then allows nothing. */
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
