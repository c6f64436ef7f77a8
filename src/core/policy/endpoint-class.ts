import { labelsKey, matchesLabels } from '../kube/labels.ts';
import type { Labels } from '../kube/labels.ts';
import type { NamespaceInfo, PodEndpoint } from './cluster.ts';
import type { TierPlan } from './compile.ts';
import type { Direction, NamespaceSet, PodSet } from './model.ts';

/** What a class's policies are looked up for: a direction, or a connection to the pod's own node. */
export type PlanKind = Direction | 'own-node';

/**
 * Pods of one namespace and service account with equal labels: policy cannot tell them apart but by address, named ports
 * and node.
 */
export interface EndpointClass {
  /** What made it: to any other engine the class means nothing. */
  readonly engine: object;
  /** Number among the classes of its engine, from 0. */
  readonly id: number;
  readonly namespace: NamespaceInfo;
  /** Effective ones. */
  readonly labels: Labels;
  /** The tiers that have a policy applying; filled on first use. */
  readonly plans: { [kind in PlanKind]: readonly TierPlan[] | undefined };
}

/** Identity of a pod's class. */
export function classKey(pod: PodEndpoint): string {
  return `${pod.namespace}/${pod.serviceAccount}/${labelsKey(pod.labels)}`;
}

/** Whether pods with the effective `labels` in `namespace` are in the set. */
export function selects(set: PodSet, namespace: NamespaceInfo, labels: Labels): boolean {
  return choosesNamespace(set.namespaces, namespace) && matchesLabels(set.pods, labels);
}

/** Whether the namespace is in the set. */
export function choosesNamespace(set: NamespaceSet, namespace: NamespaceInfo): boolean {
  return set.kind === 'name' ? set.name === namespace.name : matchesLabels(set.selector, namespace.labels);
}
