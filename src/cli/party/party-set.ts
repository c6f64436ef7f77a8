import type { Cidr } from '../../base/ip/index.ts';
import type { Selector } from '../../core/kube/labels.ts';
import type { FlowProtocol } from '../../core/policy/index.ts';

/** Who is meant. Pods are those on the pod network; those with hostNetwork are their nodes. */
export type PartySet =
  | { readonly kind: 'any' }
  /** Every address that is nobody's in the cluster. */
  | { readonly kind: 'outside' }
  /** Everything that has an address in the block: pods, nodes, and nobody in the cluster. */
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
