import { labelsKey, matchesLabels } from '../kube/labels.ts';
import type { Labels } from '../kube/labels.ts';
import type { NamespaceInfo, PodEndpoint } from './cluster.ts';
import type { CompiledPodPeer, TierPlan } from './compile.ts';
import type { Direction, NamespaceSet, PodSet } from './model.ts';

/** Pods of one namespace with equal labels: policy cannot tell them apart but by address, named ports and node. */
export interface EndpointClass {
  readonly namespace: NamespaceInfo;
  readonly labels: Labels;
  /** The tiers that have a policy applying, by direction; filled on first use. */
  readonly plans: { [direction in Direction]?: readonly TierPlan[] };
  /** By {@link CompiledPodPeer.id}: whether the class is in that set; filled on first use. */
  readonly memberships: (boolean | undefined)[];
}

/** Identity of a pod's class. */
export function classKey(pod: PodEndpoint): string {
  return `${pod.namespace}/${labelsKey(pod.labels)}`;
}

/** Whether the class is in the peer's set of pods. */
export function isMember(endpoints: EndpointClass, peer: CompiledPodPeer): boolean {
  return (endpoints.memberships[peer.id] ??= selects(peer.peer, endpoints.namespace, endpoints.labels));
}

/** Whether pods with `labels` in `namespace` are in the set. */
export function selects(set: PodSet, namespace: NamespaceInfo, labels: Labels): boolean {
  return choosesNamespace(set.namespaces, namespace) && matchesLabels(set.pods, labels);
}

/** Whether the namespace is in the set. */
export function choosesNamespace(set: NamespaceSet, namespace: NamespaceInfo): boolean {
  return set.kind === 'name' ? set.name === namespace.name : matchesLabels(set.selector, namespace.labels);
}
