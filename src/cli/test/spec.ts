import type { Cidr } from '../../base/ip/index.ts';
import type { Selector } from '../../core/kube/labels.ts';
import type { FlowProtocol } from '../../core/policy/index.ts';

/** A file of policy tests, as it was written. */
export interface TestSpec {
  readonly file: string;
  /** Manifests that the tests are about, relative to the spec's folder; empty when `-f` names them. */
  readonly files: readonly string[];
  readonly tests: readonly PolicyTest[];
}

/** One test: an assertion about all connections from a set of parties to another on some ports. */
export interface PolicyTest {
  readonly name: string;
  readonly at: { readonly file: string; readonly line: number; readonly column: number };
  readonly verb: Verb;
  readonly from: PartySet;
  readonly to: PartySet;
  /** Undefined is every protocol and port. */
  readonly ports: readonly PortSpec[] | undefined;
  /** Of `only`: the side that nobody else may take. */
  readonly exclusive: 'from' | 'to';
}

/**
 * What a test asserts. `allow`: every connection of the set is allowed. `deny`: every one is denied. `never`: the same, and
 * the sets may be empty. `only`: every one is allowed, and nobody else has any on those ports.
 */
export type Verb = 'allow' | 'deny' | 'only' | 'never';

/** Every verb, in the order in which documents list them. */
export const VERBS: readonly Verb[] = ['allow', 'deny', 'only', 'never'];

/** Who is meant. Pods are those on the pod network; those with hostNetwork are their nodes. */
export type PartySet =
  | { readonly kind: 'any' }
  /** Every address that is nobody's in the cluster. */
  | { readonly kind: 'outside' }
  /** The addresses of the block that are nobody's in the cluster. */
  | { readonly kind: 'block'; readonly cidr: Cidr }
  | { readonly kind: 'nodes' }
  | { readonly kind: 'node'; readonly name: string }
  | { readonly kind: 'pod'; readonly namespace: string; readonly name: string }
  /** The pods of a Deployment and the like; `workload` in lower case. */
  | { readonly kind: 'workload'; readonly namespace: string; readonly workload: string; readonly name: string }
  /** The pods that a Service selects. */
  | { readonly kind: 'service'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'pods'; readonly namespaces: NamespaceFilter; readonly pods: Selector }
  | { readonly kind: 'union'; readonly of: readonly PartySet[] }
  | { readonly kind: 'not'; readonly of: PartySet };

/** Which namespaces: all, some by name, or those with labels. */
export type NamespaceFilter =
  | { readonly kind: 'all' }
  | { readonly kind: 'names'; readonly names: readonly string[] }
  | { readonly kind: 'labels'; readonly selector: Selector };

/** Ports of one protocol. A name means the ports that the destination pod calls so. */
export type PortSpec =
  | { readonly kind: 'protocol'; readonly protocol: FlowProtocol }
  | { readonly kind: 'range'; readonly protocol: FlowProtocol; readonly first: number; readonly last: number }
  | { readonly kind: 'named'; readonly protocol: FlowProtocol; readonly name: string };
