import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from 'kubernetes-types/apps/v1.d.ts';
import type { CronJob, Job, JobSpec } from 'kubernetes-types/batch/v1.d.ts';
import { invalid, type FieldError } from '../../kube/field-error.ts';
import { equalJson, isJsonObject, type ApiObject } from '../api-object.ts';
import { defaultTemplate } from './pod-defaults.ts';
import type { Strategy } from './strategy.ts';

export const deploymentStrategy: Strategy = {
  prepare: (draft) => {
    const { spec } = draft as unknown as Deployment;
    if (spec === undefined) return;
    defaultTemplate(spec.template);
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
    spec.strategy ??= {};
    spec.strategy.type ??= 'RollingUpdate';
    if (spec.strategy.type !== 'RollingUpdate') return;
    spec.strategy.rollingUpdate ??= {};
    spec.strategy.rollingUpdate.maxUnavailable ??= '25%';
    spec.strategy.rollingUpdate.maxSurge ??= '25%';
  },
  validate: (draft, previous) => [...selectorRules(draft), ...immutable(draft, previous, 'selector')],
};

export const replicaSetStrategy: Strategy = {
  prepare: (draft) => {
    const { spec } = draft as unknown as ReplicaSet;
    if (spec === undefined) return;
    defaultTemplate(spec.template);
    spec.replicas ??= 1;
  },
  validate: (draft, previous) => [...selectorRules(draft), ...immutable(draft, previous, 'selector')],
};

export const daemonSetStrategy: Strategy = {
  prepare: (draft) => {
    const { spec } = draft as unknown as DaemonSet;
    if (spec === undefined) return;
    defaultTemplate(spec.template);
    spec.revisionHistoryLimit ??= 10;
    spec.updateStrategy ??= {};
    spec.updateStrategy.type ??= 'RollingUpdate';
    if (spec.updateStrategy.type !== 'RollingUpdate') return;
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
    spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
  },
  validate: (draft, previous) => [...selectorRules(draft), ...immutable(draft, previous, 'selector')],
};

export const statefulSetStrategy: Strategy = {
  prepare: (draft) => {
    const { spec } = draft as unknown as StatefulSet;
    if (spec === undefined) return;
    defaultTemplate(spec.template);
    spec.replicas ??= 1;
    spec.podManagementPolicy ??= 'OrderedReady';
    spec.revisionHistoryLimit ??= 10;
    spec.updateStrategy ??= { type: 'RollingUpdate', rollingUpdate: { partition: 0 } };
  },
  validate: (draft, previous) => [...selectorRules(draft), ...immutable(draft, previous, 'selector', 'serviceName')],
};

export const replicationControllerStrategy: Strategy = {
  prepare: (draft) => {
    const spec = draft['spec'];
    if (!isJsonObject(spec)) return;
    defaultTemplate(spec['template'] as Parameters<typeof defaultTemplate>[0]);
    spec['replicas'] ??= 1;
    const template = spec['template'];
    const meta = isJsonObject(template) ? template['metadata'] : undefined;
    const labels = isJsonObject(meta) ? meta['labels'] : undefined;
    if (labels !== undefined) spec['selector'] ??= labels;
  },
};

/** Labels by which a job finds its pods. */
const JOB_LABELS = ['controller-uid', 'job-name', 'batch.kubernetes.io/controller-uid', 'batch.kubernetes.io/job-name'];

export const jobStrategy: Strategy = {
  prepare: (draft, previous) => {
    const job = draft as unknown as Job;
    if (job.spec === undefined) return;
    defaultJobSpec(job.spec);
    job.spec.suspend ??= false;
    if (previous !== undefined || job.spec.manualSelector === true || job.spec.template === undefined) return;
    const uid = job.metadata!.uid!;
    const values = [uid, job.metadata!.name!, uid, job.metadata!.name!];
    job.spec.template.metadata ??= {};
    const labels = Object.fromEntries(JOB_LABELS.map((key, i) => [key, values[i]!]));
    job.spec.template.metadata.labels = { ...job.spec.template.metadata.labels, ...labels };
    job.spec.selector = { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } };
  },
  validate: (draft, previous) => immutable(draft, previous, 'selector', 'completionMode'),
};

export const cronJobStrategy: Strategy = {
  prepare: (draft) => {
    const { spec } = draft as unknown as CronJob;
    if (spec === undefined) return;
    if (spec.jobTemplate?.spec !== undefined) defaultTemplate(spec.jobTemplate.spec.template);
    spec.concurrencyPolicy ??= 'Allow';
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
  },
};

function defaultJobSpec(spec: JobSpec): void {
  defaultTemplate(spec.template);
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= 6;
  spec.completionMode ??= 'NonIndexed';
  spec.podReplacementPolicy ??= 'TerminatingOrFailed';
}

/** The selector must select the template's own labels, and must not be empty. */
function selectorRules(draft: ApiObject): FieldError[] {
  const { spec } = draft as unknown as Deployment;
  const selector = spec?.selector;
  if (selector === undefined) return [];
  const wanted = Object.entries(selector.matchLabels ?? {});
  if (wanted.length === 0 && (selector.matchExpressions ?? []).length === 0) {
    return [invalid('spec.selector', selector, 'empty selector is invalid for deployment')];
  }
  const labels = spec?.template?.metadata?.labels ?? {};
  if (wanted.every(([key, value]) => labels[key] === value)) return [];
  return [invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')];
}

/** Fields of the spec that an update must leave alone. */
function immutable(draft: ApiObject, previous: ApiObject | undefined, ...fields: readonly string[]): FieldError[] {
  if (previous === undefined) return [];
  const now = draft['spec'];
  const before = previous['spec'];
  if (!isJsonObject(now) || !isJsonObject(before)) return [];
  return fields
    .filter((field) => !equalJson(now[field], before[field]))
    .map((field) => invalid(`spec.${field}`, now[field], 'field is immutable'));
}
