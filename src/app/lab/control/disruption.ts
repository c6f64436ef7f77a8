import type { Pod } from 'kubernetes-types/core/v1.d.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from 'kubernetes-types/policy/v1.d.ts';
import { NOTHING, timestamp, type ClusterView, type Controller, type Outcome } from './controller.ts';
import { sameJson } from './equal.ts';
import { controllerOf, isTerminating, keyOf, type Stored } from './objects.ts';
import { isActive, isReady } from './pods.ts';
import { absolute } from './rolling.ts';
import { selects } from './selector.ts';

/** How long an eviction that was granted counts although the pod does not go, milliseconds; as in Kubernetes. */
const GRANTED = 120_000;

type Budget = Stored<PodDisruptionBudget>;
type Condition = NonNullable<PodDisruptionBudgetStatus['conditions']>[number];

/** Says in the status of every PodDisruptionBudget how many of its pods may be evicted now. The API server takes evictions off it. */
export const disruptionController: Controller = {
  name: 'disruption',
  triggers: {
    poddisruptionbudgets: (budget) => [keyOf(budget)],
    pods: (pod, previous, view) => [
      ...budgetsOf(pod, view),
      ...(previous === undefined || previous === pod ? [] : budgetsOf(previous, view)),
    ],
    deployments: ({ metadata }, _, view) => view.poddisruptionbudgets.inNamespace(metadata.namespace ?? '').map(keyOf),
    replicasets: ({ metadata }, _, view) => view.poddisruptionbudgets.inNamespace(metadata.namespace ?? '').map(keyOf),
  },
  reconcile: reconcileBudget,
};

/** The write that makes one budget's status right. */
export function reconcileBudget(view: ClusterView, key: string, now: number): Outcome {
  const budget = view.poddisruptionbudgets.get(key);
  if (budget === undefined || isTerminating(budget)) return NOTHING;
  const pods = podsOf(budget, view);
  const granted = stillGranted(budget, pods, now);
  const status = statusOf(budget, pods, granted, { view, now });
  const waits = Object.values(granted).map((at) => Date.parse(at) + GRANTED - now);
  const again = waits.length === 0 ? {} : { againInMs: Math.max(0, ...waits) };
  if (sameJson(status, budget.status)) return { actions: [], ...again };
  return { actions: [{ do: 'update-status', kind: 'poddisruptionbudgets', object: { ...budget, status } }], ...again };
}

function budgetsOf(pod: Stored<Pod>, view: ClusterView): string[] {
  return view.poddisruptionbudgets
    .inNamespace(pod.metadata.namespace ?? '')
    .filter(({ spec }) => selects(spec?.selector, pod.metadata.labels))
    .map(keyOf);
}

function podsOf({ metadata, spec }: Budget, view: ClusterView): readonly Stored<Pod>[] {
  const all = view.pods.inNamespace(metadata.namespace ?? '');
  return all.filter((pod) => selects(spec?.selector, pod.metadata.labels) && isActive(pod));
}

/** Evictions of pods that are still to begin their end. */
function stillGranted(budget: Budget, pods: readonly Stored<Pod>[], now: number): Record<string, string> {
  const names = new Set(pods.map(({ metadata }) => metadata.name));
  const granted = Object.entries(budget.status?.disruptedPods ?? {});
  return Object.fromEntries(granted.filter(([name, at]) => names.has(name) && Date.parse(at) + GRANTED > now));
}

function statusOf(
  budget: Budget,
  pods: readonly Stored<Pod>[],
  granted: Record<string, string>,
  { view, now }: { readonly view: ClusterView; readonly now: number },
): PodDisruptionBudgetStatus {
  const { generation } = budget.metadata;
  const counts = countsOf(budget, pods, view);
  const currentHealthy = pods.filter((pod) => isReady(pod) && !(pod.metadata.name in granted)).length;
  const { expectedPods, desiredHealthy, problem } = counts;
  const isEnough = problem === undefined && expectedPods > 0 && currentHealthy > desiredHealthy;
  const disruptionsAllowed = isEnough ? currentHealthy - desiredHealthy : 0;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    currentHealthy,
    desiredHealthy,
    disruptionsAllowed,
    expectedPods,
    ...(Object.keys(granted).length === 0 ? {} : { disruptedPods: granted }),
    conditions: [condition(budget, now, isEnough, problem)],
  };
}

interface Counts {
  readonly expectedPods: number;
  readonly desiredHealthy: number;
  /** Why nobody can tell how many there should be. */
  readonly problem?: string;
}

function countsOf({ spec }: Budget, pods: readonly Stored<Pod>[], view: ClusterView): Counts {
  const { minAvailable, maxUnavailable } = spec ?? {};
  if (typeof minAvailable === 'number') return { expectedPods: pods.length, desiredHealthy: minAvailable };
  const expected = expectedOf(pods, view);
  if (typeof expected === 'string') return { expectedPods: 0, desiredHealthy: 0, problem: expected };
  if (maxUnavailable !== undefined) {
    const unavailable = absolute(maxUnavailable, expected, Math.ceil);
    return { expectedPods: expected, desiredHealthy: Math.max(0, expected - unavailable) };
  }
  return { expectedPods: expected, desiredHealthy: absolute(minAvailable ?? 1, expected, Math.ceil) };
}

/** How many pods their owners are scaled to; a text when some have an owner that has no scale. */
function expectedOf(pods: readonly Stored<Pod>[], view: ClusterView): number | string {
  const scales = new Map<string, number>();
  for (const pod of pods) {
    const replicaSet = view.replicasets.byUid(controllerOf(pod)?.uid ?? '');
    const deployment = replicaSet && view.deployments.byUid(controllerOf(replicaSet)?.uid ?? '');
    const owner = deployment ?? replicaSet;
    if (owner === undefined) return `found no controller with a scale for pod "${pod.metadata.name}"`;
    scales.set(owner.metadata.uid, owner.spec?.replicas ?? 1);
  }
  return [...scales.values()].reduce((sum, scale) => sum + scale, 0);
}

function condition(budget: Budget, now: number, isEnough: boolean, problem: string | undefined): Condition {
  const status = isEnough ? 'True' : 'False';
  const reason = problem !== undefined ? 'SyncFailed' : isEnough ? 'SufficientPods' : 'InsufficientPods';
  const before = budget.status?.conditions?.find(({ type }) => type === 'DisruptionAllowed');
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : timestamp(now);
  const observedGeneration = budget.metadata.generation;
  return {
    type: 'DisruptionAllowed',
    status,
    reason,
    message: problem ?? '',
    lastTransitionTime,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
  };
}
