import type { Pod } from 'kubernetes-types/core/v1.d.ts';
import type { ReplicaSet, ReplicaSetStatus } from 'kubernetes-types/apps/v1.d.ts';
import { alive } from './cache.ts';
import {
  NOTHING,
  type Action,
  type ClusterView,
  type Controller,
  type EventAction,
  type Outcome,
} from './controller.ts';
import { sameJson } from './equal.ts';
import { controllerOf, controllerReference, isTerminating, keyOf, type Stored } from './objects.ts';
import { availableIn, isActive, isReady, podFromTemplate } from './pods.ts';
import { selects } from './selector.ts';

const COMPONENT = 'replicaset-controller';

/** Keeps as many pods of a ReplicaSet alive as it asks for; adopts orphans that match and lets go of pods that no longer do. */
export const replicaSetController: Controller = {
  name: 'replicaset',
  triggers: {
    replicasets: (replicaSet) => [keyOf(replicaSet)],
    pods: (pod, previous, view) => [
      ...ownersOf(pod, view),
      ...(previous === undefined ? [] : ownersOf(previous, view)),
    ],
  },
  reconcile: reconcileReplicaSet,
};

/** The writes that bring one ReplicaSet's pods and status to what they should be. */
export function reconcileReplicaSet(view: ClusterView, key: string, now: number): Outcome {
  const replicaSet = view.replicasets.get(key);
  if (replicaSet === undefined || isTerminating(replicaSet)) return NOTHING;
  const matching = (pod: Pod): boolean => selects(replicaSet.spec?.selector, pod.metadata?.labels);
  const owned = view.pods.ownedBy(replicaSet.metadata.uid).filter((pod) => isController(pod, replicaSet));
  const orphans = alive(view.pods.inNamespace(replicaSet.metadata.namespace ?? '')).filter(
    (pod) => controllerOf(pod) === undefined && isActive(pod) && matching(pod),
  );
  const pods = [...owned.filter(matching), ...orphans].filter(isActive);
  const wanted = replicaSet.spec?.replicas ?? 1;
  const { status, againInMs } = statusOf(replicaSet, pods, now);
  const actions: Action[] = [
    ...owned.filter((pod) => !matching(pod) && !isTerminating(pod)).map((pod) => release(pod, replicaSet)),
    ...orphans.map((pod) => adopt(pod, replicaSet)),
    ...missing(replicaSet, wanted - pods.length),
    ...surplus(replicaSet, pods, pods.length - wanted),
  ];
  if (!sameJson(status, replicaSet.status)) {
    actions.push({ do: 'update-status', kind: 'replicasets', object: { ...replicaSet, status } });
  }
  return { actions, ...(againInMs === undefined ? {} : { againInMs }) };
}

function ownersOf(pod: Stored<Pod>, view: ClusterView): string[] {
  const owner = controllerOf(pod);
  if (owner?.kind === 'ReplicaSet') return [`${pod.metadata.namespace}/${owner.name}`];
  if (owner !== undefined) return [];
  return view.replicasets
    .inNamespace(pod.metadata.namespace ?? '')
    .filter((replicaSet) => selects(replicaSet.spec?.selector, pod.metadata.labels))
    .map(keyOf);
}

function isController(pod: Pod, replicaSet: Stored<ReplicaSet>): boolean {
  return controllerOf(pod)?.uid === replicaSet.metadata.uid;
}

function release(pod: Stored<Pod>, owner: Stored<ReplicaSet>): Action {
  const ownerReferences = (pod.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);
  return { do: 'update', kind: 'pods', object: { ...pod, metadata: { ...pod.metadata, ownerReferences } } };
}

function adopt(pod: Stored<Pod>, owner: Stored<ReplicaSet>): Action {
  const ownerReferences = [...(pod.metadata.ownerReferences ?? []), controllerReference(owner, 'replicasets')];
  return { do: 'update', kind: 'pods', object: { ...pod, metadata: { ...pod.metadata, ownerReferences } } };
}

function missing(replicaSet: Stored<ReplicaSet>, count: number): Action[] {
  const template = replicaSet.spec?.template ?? {};
  return Array.from({ length: Math.max(0, count) }, () => ({
    do: 'create',
    kind: 'pods',
    object: podFromTemplate(template, replicaSet, 'replicasets'),
    announce: event(replicaSet, 'SuccessfulCreate', 'Created pod'),
  }));
}

function surplus(replicaSet: Stored<ReplicaSet>, pods: readonly Stored<Pod>[], count: number): Action[] {
  const dispensable = [...pods].sort((a, b) => worth(a) - worth(b) || age(a) - age(b));
  return dispensable
    .slice(0, Math.max(0, count))
    .flatMap((pod): Action[] => [
      { do: 'delete', kind: 'pods', object: pod },
      event(replicaSet, 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`),
    ]);
}

/** Pods that do the least go first: unassigned, then not running, then not ready. */
function worth(pod: Pod): number {
  if (pod.spec?.nodeName === undefined || pod.spec.nodeName === '') return 0;
  if (pod.status?.phase !== 'Running') return 1;
  return isReady(pod) ? 3 : 2;
}

/** Milliseconds since the epoch, negated: among equals the youngest goes first. */
function age(pod: Pod): number {
  return -Date.parse(pod.metadata?.creationTimestamp ?? '') || 0;
}

function statusOf(
  replicaSet: Stored<ReplicaSet>,
  pods: readonly Stored<Pod>[],
  now: number,
): { readonly status: ReplicaSetStatus; readonly againInMs?: number } {
  const waits = pods.map((pod) => availableIn(pod, replicaSet.spec?.minReadySeconds ?? 0, now));
  const pending = waits.filter((wait) => wait !== undefined && wait > 0) as number[];
  const templateLabels = Object.entries(replicaSet.spec?.template?.metadata?.labels ?? {});
  const { generation } = replicaSet.metadata;
  const labelled = pods.filter((pod) => templateLabels.every(([name, value]) => pod.metadata.labels?.[name] === value));
  const status: ReplicaSetStatus = {
    replicas: pods.length,
    ...nonZero('fullyLabeledReplicas', labelled.length),
    ...nonZero('readyReplicas', pods.filter(isReady).length),
    ...nonZero('availableReplicas', waits.filter((wait) => wait === 0).length),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
  return { status, ...(pending.length === 0 ? {} : { againInMs: Math.min(...pending) }) };
}

/** Counters of zero are left out, as the API server omits them. */
function nonZero<K extends string>(name: K, count: number): { readonly [N in K]?: number } {
  return (count === 0 ? {} : { [name]: count }) as { readonly [N in K]?: number };
}

function event(about: Stored<ReplicaSet>, reason: string, message: string): EventAction {
  return { do: 'event', kind: 'replicasets', about, type: 'Normal', reason, message, component: COMPONENT };
}
