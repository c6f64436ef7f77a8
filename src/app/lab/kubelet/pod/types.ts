import type { Container, Pod, PodSpec } from 'kubernetes-types/core/v1.d.ts';

/** A pod of this node with what the API server guarantees made certain. */
export interface NodePod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly spec: PodSpec;
  readonly pod: Pod;
}

/** Where a container stands in its pod: ordinary, run to completion before them, or started before them and kept. */
export type ContainerRole = 'app' | 'init' | 'sidecar';

/** Narrows an API object. */
export function nodePod(pod: Pod): NodePod {
  const { uid = '', namespace = 'default', name = '' } = pod.metadata ?? {};
  return { uid, namespace, name, pod, spec: pod.spec ?? { containers: [] } };
}

/** The role of a container, which the API says by its list and, for sidecars, by `restartPolicy: Always`. */
export function roleOf(container: Container, isInit: boolean): ContainerRole {
  if (!isInit) return 'app';
  return (container as { restartPolicy?: string }).restartPolicy === 'Always' ? 'sidecar' : 'init';
}

/** Whether the pod has run to its end and is kept only for its record. */
export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}
