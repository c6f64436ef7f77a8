import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from 'kubernetes-types/apps/v1.d.ts';
import { timestamp } from './controller.ts';
import type { Stored } from './objects.ts';
import { rollingLimits } from './rolling.ts';

/** The status of a Deployment and, while a rollout may yet miss its deadline, when to look again. */
export function deploymentStatus(
  deployment: Stored<Deployment>,
  fresh: Stored<ReplicaSet> | undefined,
  old: readonly Stored<ReplicaSet>[],
  now: number,
): { readonly status: DeploymentStatus; readonly againInMs?: number } {
  const all = fresh === undefined ? old : [...old, fresh];
  const wanted = deployment.spec?.replicas ?? 1;
  const count = (field: 'replicas' | 'readyReplicas' | 'availableReplicas'): number =>
    all.reduce((total, each) => total + (each.status?.[field] ?? 0), 0);
  const counts: Counts = {
    replicas: count('replicas'),
    updated: fresh?.status?.replicas ?? 0,
    ready: count('readyReplicas'),
    available: count('availableReplicas'),
  };
  const { generation } = deployment.metadata;
  const progress = progressing(deployment, fresh, counts, now);
  const status: DeploymentStatus = {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(counts.replicas === 0 ? {} : { replicas: counts.replicas }),
    ...(counts.updated === 0 ? {} : { updatedReplicas: counts.updated }),
    ...(counts.ready === 0 ? {} : { readyReplicas: counts.ready }),
    ...(counts.available === 0 ? {} : { availableReplicas: counts.available }),
    ...(wanted <= counts.available ? {} : { unavailableReplicas: wanted - counts.available }),
    conditions: [available(deployment, counts, now), progress.condition],
  };
  return { status, ...(progress.againInMs === undefined ? {} : { againInMs: progress.againInMs }) };
}

interface Counts {
  readonly replicas: number;
  readonly updated: number;
  readonly ready: number;
  readonly available: number;
}

function available(deployment: Stored<Deployment>, counts: Counts, now: number): DeploymentCondition {
  const wanted = deployment.spec?.replicas ?? 1;
  const { maxSurge, maxUnavailable } = deployment.spec?.strategy?.rollingUpdate ?? {};
  const limits = rollingLimits(wanted, maxSurge, maxUnavailable);
  const enough = counts.available >= wanted - limits.maxUnavailable;
  return condition(deployment, now, {
    type: 'Available',
    status: enough ? 'True' : 'False',
    reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    message: enough ? 'Deployment has minimum availability.' : 'Deployment does not have minimum availability.',
  });
}

function progressing(
  deployment: Stored<Deployment>,
  fresh: Stored<ReplicaSet> | undefined,
  counts: Counts,
  now: number,
): { readonly condition: DeploymentCondition; readonly againInMs?: number } {
  const wanted = deployment.spec?.replicas ?? 1;
  const name = fresh?.metadata.name ?? deployment.metadata.name;
  const complete =
    fresh !== undefined && counts.updated === wanted && counts.replicas === wanted && counts.available >= wanted;
  if (complete) {
    const message = `ReplicaSet "${name}" has successfully progressed.`;
    const done = { type: 'Progressing', status: 'True' as const, reason: 'NewReplicaSetAvailable', message };
    return { condition: condition(deployment, now, done) };
  }
  const { updatedReplicas = 0, availableReplicas = 0, replicas = 0 } = deployment.status ?? {};
  const moved =
    counts.updated !== updatedReplicas || counts.available > availableReplicas || counts.replicas < replicas;
  const moving = {
    type: 'Progressing',
    status: 'True' as const,
    reason: 'ReplicaSetUpdated',
    message: `ReplicaSet "${name}" is progressing.`,
  };
  const before = deployment.status?.conditions?.find((each) => each.type === 'Progressing');
  const rolling = before?.reason === 'ReplicaSetUpdated' || before?.reason === 'ProgressDeadlineExceeded';
  if (moved || !rolling || (before?.message !== moving.message && before?.reason !== 'ProgressDeadlineExceeded')) {
    const since = { lastUpdateTime: timestamp(now) };
    return { condition: { ...condition(deployment, now, moving), ...since }, againInMs: deadline(deployment) };
  }
  if (before.reason === 'ProgressDeadlineExceeded') return { condition: before };
  const left = Date.parse(before.lastUpdateTime ?? '') + deadline(deployment) - now;
  if (left > 0) return { condition: before, againInMs: left };
  const message = `ReplicaSet "${name}" has timed out progressing.`;
  const late = { type: 'Progressing', status: 'False' as const, reason: 'ProgressDeadlineExceeded', message };
  return { condition: condition(deployment, now, late) };
}

function deadline(deployment: Deployment): number {
  return (deployment.spec?.progressDeadlineSeconds ?? 600) * 1000;
}

/** `wanted` with its times: a transition when the status changes, an update when anything does. */
function condition(
  deployment: Deployment,
  now: number,
  wanted: Omit<DeploymentCondition, 'lastTransitionTime' | 'lastUpdateTime'>,
): DeploymentCondition {
  const before = deployment.status?.conditions?.find((each) => each.type === wanted.type);
  if (before?.status === wanted.status && before.reason === wanted.reason && before.message === wanted.message) {
    return before;
  }
  const transition = before?.status === wanted.status ? before.lastTransitionTime : undefined;
  return { ...wanted, lastUpdateTime: timestamp(now), lastTransitionTime: transition ?? timestamp(now) };
}
