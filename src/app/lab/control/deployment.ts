import type { Deployment, ReplicaSet } from 'kubernetes-types/apps/v1.d.ts';
import {
  NOTHING,
  type Action,
  type ClusterView,
  type Controller,
  type EventAction,
  type Outcome,
} from './controller.ts';
import { deploymentStatus } from './deployment-status.ts';
import { canonicalJson, sameJson, shortHash } from './equal.ts';
import { controllerOf, controllerReference, isTerminating, keyOf, keysOfController, type Stored } from './objects.ts';
import { isFinished } from './pods.ts';
import { rollingLimits, rollingStep } from './rolling.ts';

const COMPONENT = 'deployment-controller';
const HASH_LABEL = 'pod-template-hash';
const REVISION = 'deployment.kubernetes.io/revision';
/** Annotations of a Deployment that say nothing about the revision they are copied to. */
const NOT_INHERITED = ['kubectl.kubernetes.io/last-applied-configuration', REVISION];

/** Rolls a Deployment's pods from template to template by means of ReplicaSets, as `kubectl rollout` expects. */
export const deploymentController: Controller = {
  name: 'deployment',
  triggers: {
    deployments: (deployment) => [keyOf(deployment)],
    replicasets: (replicaSet) => keysOfController(replicaSet, 'Deployment'),
    // Only `Recreate` waits for pods to be gone; everything else is seen through the ReplicaSets.
    pods: (pod, _previous, view) => {
      const owner = controllerOf(pod);
      const replicaSet = owner?.kind === 'ReplicaSet' ? view.replicasets.byUid(owner.uid) : undefined;
      const deployment = replicaSet === undefined ? undefined : controllerOf(replicaSet);
      const key = `${pod.metadata.namespace}/${deployment?.name}`;
      return view.deployments.get(key)?.spec?.strategy?.type === 'Recreate' ? [key] : [];
    },
  },
  reconcile: reconcileDeployment,
};

/** The writes that take one Deployment a step further; each is followed by another round when its ReplicaSets change. */
export function reconcileDeployment(view: ClusterView, key: string, now: number): Outcome {
  const deployment = view.deployments.get(key);
  if (deployment === undefined || isTerminating(deployment)) return NOTHING;
  const owned = view.replicasets
    .ownedBy(deployment.metadata.uid)
    .filter((replicaSet) => controllerOf(replicaSet)?.uid === deployment.metadata.uid && !isTerminating(replicaSet))
    .sort((a, b) => revisionOf(a) - revisionOf(b));
  const hash = templateHash(deployment);
  const fresh = owned.find((replicaSet) => replicaSet.metadata.labels?.[HASH_LABEL] === hash);
  const old = owned.filter((replicaSet) => replicaSet !== fresh);
  const { status, againInMs } = deploymentStatus(deployment, fresh, old, now);
  const actions: Action[] = [
    ...(deployment.spec?.paused === true ? scaleOnly(deployment, owned) : rollOut(view, deployment, hash, fresh, old)),
    ...expireHistory(deployment, old),
  ];
  if (!sameJson(status, deployment.status)) {
    actions.push({ do: 'update-status', kind: 'deployments', object: { ...deployment, status } });
  }
  return { actions, ...(againInMs === undefined ? {} : { againInMs }) };
}

/** Identifies a pod template: the same template always gives the same ReplicaSet, so a rollback finds the old one. */
export function templateHash(deployment: Deployment): string {
  return shortHash(canonicalJson(deployment.spec?.template));
}

function rollOut(
  view: ClusterView,
  deployment: Stored<Deployment>,
  hash: string,
  fresh: Stored<ReplicaSet> | undefined,
  old: readonly Stored<ReplicaSet>[],
): Action[] {
  const replicas = deployment.spec?.replicas ?? 1;
  const revision = Math.max(0, ...old.map(revisionOf)) + 1;
  const recreate = deployment.spec?.strategy?.type === 'Recreate';
  if (recreate && old.some((each) => sizeOf(each) > 0 || hasPods(view, each))) {
    return old.flatMap((each) => scale(deployment, each, 0));
  }
  const { maxSurge, maxUnavailable } = deployment.spec?.strategy?.rollingUpdate ?? {};
  const limits = recreate
    ? { maxSurge: 0, maxUnavailable: replicas }
    : rollingLimits(replicas, maxSurge, maxUnavailable);
  const generation = (each: ReplicaSet | undefined): { size: number; available: number } => ({
    size: each === undefined ? 0 : sizeOf(each),
    available: each?.status?.availableReplicas ?? 0,
  });
  const step = rollingStep(replicas, limits, generation(fresh), old.map(generation));
  const current = fresh === undefined ? undefined : withRevision(deployment, fresh, revision);
  return [
    ...(fresh === undefined
      ? [
          create(deployment, hash, revision, step.newSize),
          scaled(deployment, replicaSetName(deployment, hash), 0, step.newSize),
        ]
      : scale(deployment, current!, step.newSize, current !== fresh)),
    ...old.flatMap((each, i) => scale(deployment, each, step.oldSizes[i]!)),
    ...stampRevision(deployment, current === undefined ? revision : revisionOf(current)),
  ];
}

/** A paused Deployment follows its replica count with the newest ReplicaSet, and rolls nothing. */
function scaleOnly(deployment: Stored<Deployment>, owned: readonly Stored<ReplicaSet>[]): Action[] {
  const active = owned.filter((each) => sizeOf(each) > 0);
  const target = active.length === 1 ? active[0] : active.length === 0 ? owned.at(-1) : undefined;
  return target === undefined ? [] : scale(deployment, target, deployment.spec?.replicas ?? 1);
}

function expireHistory(deployment: Deployment, old: readonly Stored<ReplicaSet>[]): Action[] {
  const idle = old.filter((each) => sizeOf(each) === 0 && (each.status?.replicas ?? 0) === 0);
  const surplus = idle.length - (deployment.spec?.revisionHistoryLimit ?? 10);
  return idle.slice(0, Math.max(0, surplus)).map((object) => ({ do: 'delete', kind: 'replicasets', object }));
}

function create(deployment: Stored<Deployment>, hash: string, revision: number, size: number): Action {
  const template = deployment.spec?.template ?? {};
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
  const { selector, minReadySeconds } = deployment.spec ?? {};
  const object: ReplicaSet = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: replicaSetName(deployment, hash),
      namespace: deployment.metadata.namespace ?? 'default',
      labels,
      annotations: annotationsOf(deployment, revision),
      ownerReferences: [controllerReference(deployment, 'deployments')],
    },
    spec: {
      replicas: size,
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector?.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
  return { do: 'create', kind: 'replicasets', object };
}

function scale(deployment: Stored<Deployment>, target: Stored<ReplicaSet>, size: number, changed = false): Action[] {
  const before = sizeOf(target);
  if (before === size && !changed) return [];
  const object = { ...target, spec: { ...target.spec!, replicas: size } };
  const update: Action = { do: 'update', kind: 'replicasets', object };
  return before === size ? [update] : [update, scaled(deployment, target.metadata.name, before, size)];
}

function withRevision(
  deployment: Stored<Deployment>,
  target: Stored<ReplicaSet>,
  revision: number,
): Stored<ReplicaSet> {
  if (revisionOf(target) >= revision) return target;
  const annotations = { ...target.metadata.annotations, ...annotationsOf(deployment, revision) };
  return { ...target, metadata: { ...target.metadata, annotations } };
}

function stampRevision(deployment: Stored<Deployment>, revision: number): Action[] {
  if (deployment.metadata.annotations?.[REVISION] === String(revision)) return [];
  const annotations = { ...deployment.metadata.annotations, [REVISION]: String(revision) };
  return [
    { do: 'update', kind: 'deployments', object: { ...deployment, metadata: { ...deployment.metadata, annotations } } },
  ];
}

function annotationsOf(deployment: Deployment, revision: number): Record<string, string> {
  const own = Object.entries(deployment.metadata?.annotations ?? {}).filter(([name]) => !NOT_INHERITED.includes(name));
  return { ...Object.fromEntries(own), [REVISION]: String(revision) };
}

function hasPods(view: ClusterView, replicaSet: Stored<ReplicaSet>): boolean {
  return view.pods.ownedBy(replicaSet.metadata.uid).some((pod) => !isFinished(pod));
}

function replicaSetName(deployment: Stored<Deployment>, hash: string): string {
  return `${deployment.metadata.name}-${hash}`;
}

function sizeOf(replicaSet: ReplicaSet): number {
  return replicaSet.spec?.replicas ?? 1;
}

function revisionOf(replicaSet: ReplicaSet): number {
  return Number(replicaSet.metadata?.annotations?.[REVISION] ?? 0);
}

function scaled(about: Stored<Deployment>, name: string, from: number, to: number): EventAction {
  const message = `Scaled ${to > from ? 'up' : 'down'} replica set ${name} from ${from} to ${to}`;
  return {
    do: 'event',
    kind: 'deployments',
    about,
    type: 'Normal',
    reason: 'ScalingReplicaSet',
    message,
    component: COMPONENT,
  };
}
