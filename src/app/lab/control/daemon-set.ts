import type { DaemonSet, DaemonSetStatus } from 'kubernetes-types/apps/v1.d.ts';
import type { Node, Pod, Toleration } from 'kubernetes-types/core/v1.d.ts';
import {
  NOTHING,
  type Action,
  type ClusterView,
  type Controller,
  type EventAction,
  type Outcome,
} from './controller.ts';
import { canonicalJson, sameJson, shortHash } from './equal.ts';
import { controllerOf, isTerminating, keyOf, keysOfController, type Stored } from './objects.ts';
import { availableIn, isFinished, isReady, podFromTemplate } from './pods.ts';
import { absolute } from './rolling.ts';
import { matchesNodeAffinity, untolerated } from './node-fit.ts';

const COMPONENT = 'daemonset-controller';
const HASH_LABEL = 'controller-revision-hash';

/** Keeps one pod of a DaemonSet on each node that it fits, and replaces them node by node when the template changes. */
export const daemonSetController: Controller = {
  name: 'daemonset',
  triggers: {
    daemonsets: (daemonSet) => [keyOf(daemonSet)],
    pods: (pod) => keysOfController(pod, 'DaemonSet'),
    nodes: (node, previous, view) => (changesFit(node, previous) ? [...view.daemonsets.values()].map(keyOf) : []),
  },
  reconcile: reconcileDaemonSet,
};

/** The writes that bring the pods and the status of one DaemonSet to what they should be. */
export function reconcileDaemonSet(view: ClusterView, key: string, now: number): Outcome {
  const daemonSet = view.daemonsets.get(key);
  if (daemonSet === undefined || isTerminating(daemonSet)) return NOTHING;
  const hash = shortHash(canonicalJson(daemonSet.spec?.template));
  const pods = view.pods
    .ownedBy(daemonSet.metadata.uid)
    .filter((pod) => controllerOf(pod)?.uid === daemonSet.metadata.uid);
  const wanted = [...view.nodes.values()].filter((node) => !isTerminating(node) && fits(daemonSet, node));
  const nodes = new Set(wanted.map((node) => node.metadata.name));
  const placed = new Map<string, Stored<Pod>[]>();
  for (const pod of pods) placed.set(nodeOf(pod), [...(placed.get(nodeOf(pod)) ?? []), pod]);
  const { status, againInMs } = statusOf(daemonSet, nodes, placed, hash, now);
  const actions: Action[] = [
    ...[...nodes].filter((node) => !placed.has(node)).map((node) => create(daemonSet, node, hash)),
    ...pods
      .filter((pod) => !isTerminating(pod) && (!nodes.has(nodeOf(pod)) || isFinished(pod)))
      .map((pod) => remove(pod)),
    ...duplicates(nodes, placed),
    ...replacements(daemonSet, nodes, placed, hash, now),
  ];
  if (!sameJson(status, daemonSet.status)) {
    actions.push({ do: 'update-status', kind: 'daemonsets', object: { ...daemonSet, status } });
  }
  return { actions, ...(againInMs === undefined ? {} : { againInMs }) };
}

/** What every DaemonSet pod tolerates besides its own tolerations, since it belongs on unwell nodes too. */
function tolerationsOf(daemonSet: DaemonSet): Toleration[] {
  const tolerated = (key: string, effect: 'NoSchedule' | 'NoExecute'): Toleration => ({
    key: `node.kubernetes.io/${key}`,
    operator: 'Exists',
    effect,
  });
  const template = daemonSet.spec?.template?.spec;
  return [
    ...(template?.tolerations ?? []),
    tolerated('not-ready', 'NoExecute'),
    tolerated('unreachable', 'NoExecute'),
    tolerated('disk-pressure', 'NoSchedule'),
    tolerated('memory-pressure', 'NoSchedule'),
    tolerated('pid-pressure', 'NoSchedule'),
    tolerated('unschedulable', 'NoSchedule'),
    ...(template?.hostNetwork === true ? [tolerated('network-unavailable', 'NoSchedule')] : []),
  ];
}

function fits(daemonSet: DaemonSet, node: Stored<Node>): boolean {
  const spec = daemonSet.spec?.template?.spec;
  return (
    matchesNodeAffinity({ ...spec, containers: [] }, node) &&
    // A node that is not ready yet gets its pod as soon as it is: counting it out would delete the pods of a sick node.
    untolerated(tolerationsOf(daemonSet), node).every(
      ({ key }) => key === 'node.kubernetes.io/not-ready' || key === 'node.kubernetes.io/unreachable',
    )
  );
}

function changesFit(node: Node, previous: Node | undefined): boolean {
  const fields = (each: Node | undefined): unknown => [
    each?.metadata?.labels,
    each?.spec?.taints,
    each?.metadata?.deletionTimestamp,
  ];
  return previous === undefined || previous === node || !sameJson(fields(node), fields(previous));
}

/** The node that a pod is on or, before the scheduler has seen it, bound for by its node affinity. */
function nodeOf(pod: Pod): string {
  const terms = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return pod.spec?.nodeName || (terms?.[0]?.matchFields?.[0]?.values?.[0] ?? '');
}

function create(daemonSet: Stored<DaemonSet>, node: string, hash: string): Action {
  const template = daemonSet.spec?.template ?? {};
  const object = podFromTemplate(template, daemonSet, 'daemonsets', { [HASH_LABEL]: hash });
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [node] }];
  const spec: NonNullable<Pod['spec']> = {
    ...object.spec!,
    tolerations: tolerationsOf(daemonSet),
    affinity: {
      ...object.spec?.affinity,
      nodeAffinity: {
        ...object.spec?.affinity?.nodeAffinity,
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] },
      },
    },
  };
  const announce = event(daemonSet, 'SuccessfulCreate', 'Created pod');
  return { do: 'create', kind: 'pods', object: { ...object, spec }, announce };
}

function remove(object: Stored<Pod>): Action {
  return { do: 'delete', kind: 'pods', object };
}

/** All but the oldest of several live pods on one node. */
function duplicates(nodes: ReadonlySet<string>, placed: ReadonlyMap<string, readonly Stored<Pod>[]>): Action[] {
  return [...placed].flatMap(([node, pods]) =>
    nodes.has(node)
      ? pods
          .filter((pod) => !isTerminating(pod) && !isFinished(pod))
          .slice(1)
          .map(remove)
      : [],
  );
}

/** Outdated pods that may go now, so that no more than `maxUnavailable` nodes are without an available pod. */
function replacements(
  daemonSet: DaemonSet,
  nodes: ReadonlySet<string>,
  placed: ReadonlyMap<string, readonly Stored<Pod>[]>,
  hash: string,
  now: number,
): Action[] {
  if (daemonSet.spec?.updateStrategy?.type === 'OnDelete') return [];
  const current = [...nodes].map((node) => placed.get(node)?.find((pod) => !isTerminating(pod) && !isFinished(pod)));
  const isAvailable = (pod: Pod): boolean => availableIn(pod, daemonSet.spec?.minReadySeconds ?? 0, now) === 0;
  const outdated = current.filter(
    (pod) => pod !== undefined && pod.metadata.labels?.[HASH_LABEL] !== hash,
  ) as Stored<Pod>[];
  const unavailable = outdated.filter((pod) => !isAvailable(pod));
  const allowed = absolute(daemonSet.spec?.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, nodes.size, Math.ceil);
  const down = current.filter((pod) => pod === undefined || !isAvailable(pod)).length;
  const more = Math.max(0, Math.max(1, allowed) - down);
  return [...unavailable, ...outdated.filter(isAvailable).slice(0, more)].map(remove);
}

function statusOf(
  daemonSet: Stored<DaemonSet>,
  nodes: ReadonlySet<string>,
  placed: ReadonlyMap<string, readonly Stored<Pod>[]>,
  hash: string,
  now: number,
): { readonly status: DaemonSetStatus; readonly againInMs?: number } {
  const current = [...nodes].flatMap((node) => placed.get(node)?.find((pod) => !isTerminating(pod)) ?? []);
  const waits = current.map((pod) => availableIn(pod, daemonSet.spec?.minReadySeconds ?? 0, now));
  const pending = waits.filter((wait) => wait !== undefined && wait > 0) as number[];
  const available = waits.filter((wait) => wait === 0).length;
  const updated = current.filter((pod) => pod.metadata.labels?.[HASH_LABEL] === hash).length;
  const { generation } = daemonSet.metadata;
  const status: DaemonSetStatus = {
    currentNumberScheduled: current.length,
    desiredNumberScheduled: nodes.size,
    numberMisscheduled: [...placed.keys()].filter((node) => node !== '' && !nodes.has(node)).length,
    numberReady: current.filter(isReady).length,
    ...(updated === 0 ? {} : { updatedNumberScheduled: updated }),
    ...(available === 0 ? {} : { numberAvailable: available }),
    ...(nodes.size === available ? {} : { numberUnavailable: nodes.size - available }),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
  return { status, ...(pending.length === 0 ? {} : { againInMs: Math.min(...pending) }) };
}

function event(about: Stored<DaemonSet>, reason: string, message: string): EventAction {
  return { do: 'event', kind: 'daemonsets', about, type: 'Normal', reason, message, component: COMPONENT };
}
