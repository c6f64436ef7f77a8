import { CONTROLLER_LABELS } from '../../policy/controller-labels.ts';
import type { ClusterState, PodEndpoint } from '../../policy/index.ts';
import type { Labels } from '../../kube/labels.ts';

/** Pods of a namespace with the same lasting labels: the least that policies which outlive a pod can tell apart. */
export interface Unit {
  readonly id: number;
  readonly namespace: string;
  readonly labels: Labels;
  /** By key. */
  readonly pods: readonly PodEndpoint[];
}

/** All pods on the pod network as units, by namespace. */
export function unitsOf(state: ClusterState): Unit[] {
  const pods = [...state.pods.values()].filter((pod) => !pod.hostNetwork && !pod.completed);
  pods.sort((a, b) => (a.namespace === b.namespace ? compare(a.key, b.key) : compare(a.namespace, b.namespace)));
  const units = new Map<string, Unit & { pods: PodEndpoint[] }>();
  for (const pod of pods) {
    const labels = lasting(pod.labels);
    const key = JSON.stringify([pod.namespace, ...Object.entries(labels)]);
    const known = units.get(key);
    if (known !== undefined) known.pods.push(pod);
    else units.set(key, { id: units.size, namespace: pod.namespace, labels, pods: [pod] });
  }
  return [...units.values()];
}

/** In a few words: the pod, or how many there are and what they bear. */
export function unitName({ namespace, labels, pods }: Unit): string {
  const text = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return pods.length === 1 ? pods[0]!.key : `${namespace}/${text.length === 0 ? '(no labels)' : text.join(',')}`;
}

function lasting(labels: Labels): Labels {
  const keys = Object.keys(labels).filter((key) => !CONTROLLER_LABELS.has(key));
  return Object.fromEntries(keys.sort().map((key) => [key, labels[key]!]));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
