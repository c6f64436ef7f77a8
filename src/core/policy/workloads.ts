import { matchesLabels, parseSelector } from '../kube/labels.ts';
import { controllerOf } from './endpoints.ts';
import { nameOf, namespaceNameOf } from '../kube/object-name.ts';
import type { LabelSelector, ObjectMeta, Pod, PodTemplateSpec } from '../kube/types.ts';

/** A resource that makes pods, as far as that is of interest here. */
export interface Workload {
  readonly kind: string;
  readonly metadata?: ObjectMeta;
  readonly spec?: {
    readonly selector?: LabelSelector;
    readonly template?: PodTemplateSpec;
    /** Of a CronJob. */
    readonly jobTemplate?: { readonly spec?: { readonly template?: PodTemplateSpec } };
  };
}

/** Kinds of workload by the API version that they belong to. */
export const WORKLOAD_KINDS: Readonly<Record<string, string>> = {
  Deployment: 'apps/v1',
  StatefulSet: 'apps/v1',
  DaemonSet: 'apps/v1',
  ReplicaSet: 'apps/v1',
  ReplicationController: 'v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
};

/** Path of the pod template inside a workload of the kind. */
export function templatePath(kind: string): string {
  return kind === 'CronJob' ? 'spec.jobTemplate.spec.template' : 'spec.template';
}

/**
 * A pod that stands for all that the workload will make, without an address and on no node; it is called like the
 * workload, or, when another pod in the namespace has that name, also after its kind. Undefined when some of `pods`, which
 * are those of its namespace, are the workload's, or when another workload makes it.
 */
export function representative(workload: Workload, pods: readonly Pod[], taken: ReadonlySet<string>): Pod | undefined {
  const { kind, metadata, spec } = workload;
  const template = kind === 'CronJob' ? spec?.jobTemplate?.spec?.template : spec?.template;
  if (typeof template !== 'object' || template === null || controllerOf(metadata) !== undefined) return undefined;
  const namespace = namespaceNameOf(workload);
  const own = nameOf(workload) || (metadata?.generateName ?? '');
  if (pods.some((pod) => isOf(pod, workload, own))) return undefined;
  const name = taken.has(`${namespace}/${own}`) ? `${own}-${kind.toLowerCase()}` : own;
  return {
    metadata: {
      ...template.metadata,
      ...(kind === 'Job' ? { labels: { ...template.metadata?.labels, ...jobLabels(metadata) } } : {}),
      name,
      namespace,
      ownerReferences: [{ apiVersion: WORKLOAD_KINDS[kind] ?? 'v1', kind, name: own, uid: '', controller: true }],
    },
    ...(template.spec === undefined ? {} : { spec: template.spec }),
    // It stands for pods that run: Services send to it.
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

/** What a Job adds to the labels of its pods and policies choose them by; its name is not known yet when it is generated. */
function jobLabels(metadata: ObjectMeta | undefined): Readonly<Record<string, string>> {
  const name = metadata?.name;
  return name === undefined || name === '' ? {} : { 'batch.kubernetes.io/job-name': name, 'job-name': name };
}

function isOf({ metadata }: Pod, { kind, spec }: Workload, name: string): boolean {
  const owner = controllerOf(metadata);
  if (owner?.kind === kind && owner.name === name) return true;
  // A CronJob's pods are made by Jobs that are called after it.
  if (kind === 'CronJob') return owner?.kind === 'Job' && owner.name.startsWith(`${name}-`);
  const selector = parseSelector(spec?.selector);
  return owner !== undefined && 'selector' in selector && matchesLabels(selector.selector, metadata?.labels);
}
