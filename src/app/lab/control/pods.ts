import type { Pod, PodTemplateSpec } from 'kubernetes-types/core/v1.d.ts';
import { controllerReference, isTerminating, type KindName, type KubeObject, type Stored } from './objects.ts';

/** Whether every container of the pod has ended for good. */
export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Whether the pod runs or will run: not finished and not being deleted. */
export function isActive(pod: Pod): boolean {
  return !isFinished(pod) && !isTerminating(pod);
}

/** Whether the pod's Ready condition is true. */
export function isReady(pod: Pod): boolean {
  return readyCondition(pod)?.status === 'True';
}

/** Milliseconds until the pod has been ready for `minReadySeconds`: 0 when it has, undefined when it is not ready. */
export function availableIn(pod: Pod, minReadySeconds: number, now: number): number | undefined {
  const condition = readyCondition(pod);
  if (condition?.status !== 'True') return undefined;
  if (minReadySeconds === 0) return 0;
  const since = Date.parse(condition.lastTransitionTime ?? '');
  return Number.isNaN(since) ? 0 : Math.max(0, since + minReadySeconds * 1000 - now);
}

/** A new pod of `template`, owned and named after `owner`; the API server completes the name. */
export function podFromTemplate(
  template: PodTemplateSpec,
  owner: Stored<KubeObject>,
  ownerKind: KindName,
  extraLabels: Readonly<Record<string, string>> = {},
): Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${owner.metadata.name}-`,
      namespace: owner.metadata.namespace ?? 'default',
      labels: { ...labels, ...extraLabels },
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerReference(owner, ownerKind)],
    },
    ...(template.spec === undefined ? {} : { spec: template.spec }),
  };
}

function readyCondition(pod: Pod): NonNullable<NonNullable<Pod['status']>['conditions']>[number] | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === 'Ready');
}
