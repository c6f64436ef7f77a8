import type { Node, Pod } from 'kubernetes-types/core/v1.d.ts';
import {
  NOTHING,
  timestamp,
  type Action,
  type ClusterView,
  type Controller,
  type EventAction,
  type Outcome,
} from './controller.ts';
import { sameJson } from './equal.ts';
import { isTerminating, keyOf, type Stored } from './objects.ts';
import { isFinished } from './pods.ts';
import { schedule } from './schedule.ts';

const COMPONENT = 'default-scheduler';

/** What the scheduler has decided and the watch has not confirmed: placements by the uid of the pod. */
export type Assumed = Map<string, string>;

/**
 * Gives every pod without a node one. Placements are remembered in `assumed` until they are seen in the pod, so that several pods placed
 * in a row do not all see the same empty node.
 */
export function schedulerController(assumed: Assumed): Controller {
  return {
    name: 'scheduler',
    triggers: {
      pods: (pod, previous, view) => {
        if (pod === previous || pod.spec?.nodeName || isTerminating(pod)) assumed.delete(pod.metadata.uid);
        if (isWaiting(pod)) return [keyOf(pod)];
        return previous === undefined ? [] : affected(pod, previous, view);
      },
      nodes: (node, previous, view) => (changesOffer(node, previous) ? waiting(view) : []),
    },
    reconcile: (view, key, now) => reconcilePod(view, key, now, assumed),
  };
}

/** Binds one pod, or says in its status and an event why it has to wait. */
export function reconcilePod(view: ClusterView, key: string, now: number, assumed: Assumed): Outcome {
  const pod = view.pods.get(key);
  if (pod === undefined || !isWaiting(pod)) return NOTHING;
  const placement = schedule(pod, {
    nodes: [...view.nodes.values()].filter((node) => !isTerminating(node)),
    pods: withAssumed(view, assumed, pod),
    namespaceLabels: (name) => view.namespaces.get(name)?.metadata.labels,
  });
  if (placement.kind === 'unschedulable') {
    assumed.delete(pod.metadata.uid);
    return { actions: unschedulable(pod, placement.message, now) };
  }
  assumed.set(pod.metadata.uid, placement.node);
  const message = `Successfully assigned ${key} to ${placement.node}`;
  return { actions: [{ do: 'bind', pod, node: placement.node }, event(pod, 'Normal', 'Scheduled', message)] };
}

function withAssumed(view: ClusterView, assumed: Assumed, except: Stored<Pod>): Stored<Pod>[] {
  return [...view.pods.values()].map((pod) => {
    const node = pod === except ? undefined : assumed.get(pod.metadata.uid);
    return node === undefined || pod.spec?.nodeName ? pod : { ...pod, spec: { ...pod.spec!, nodeName: node } };
  });
}

function unschedulable(pod: Stored<Pod>, message: string, now: number): Action[] {
  const before = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (before?.status === 'False' && before.message === message) return [];
  const condition = {
    type: 'PodScheduled',
    status: 'False' as const,
    reason: 'Unschedulable',
    message,
    lastTransitionTime: before?.status === 'False' ? (before.lastTransitionTime ?? timestamp(now)) : timestamp(now),
  };
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
  const status = { ...pod.status, phase: 'Pending' as const, conditions: [...others, condition] };
  return [
    { do: 'update-status', kind: 'pods', object: { ...pod, status } },
    event(pod, 'Warning', 'FailedScheduling', message),
  ];
}

function isWaiting(pod: Stored<Pod>): boolean {
  const { nodeName, schedulerName, schedulingGates } = pod.spec ?? {};
  const ours = schedulerName === undefined || schedulerName === 'default-scheduler';
  return !nodeName && ours && !schedulingGates?.length && !isTerminating(pod) && !isFinished(pod);
}

function waiting(view: ClusterView): string[] {
  return [...view.pods.values()].filter(isWaiting).map(keyOf);
}

/** The waiting pods that a change of a placed pod concerns: all when room was made, those with pod affinity when only company changed. */
function affected(pod: Stored<Pod>, previous: Stored<Pod>, view: ClusterView): string[] {
  if (pod === previous || isFinished(pod) !== isFinished(previous)) return waiting(view);
  const arrived = !previous.spec?.nodeName;
  if (!arrived && sameJson(pod.metadata.labels, previous.metadata.labels)) return [];
  return waiting(view).filter((key) => view.pods.get(key)?.spec?.affinity !== undefined);
}

function changesOffer(node: Node, previous: Node | undefined): boolean {
  const offer = (each: Node): unknown => [
    each.metadata?.labels,
    each.spec,
    each.status?.allocatable,
    each.status?.conditions?.map(({ type, status }) => [type, status]),
  ];
  return previous === undefined || !sameJson(offer(node), offer(previous));
}

function event(about: Stored<Pod>, type: 'Normal' | 'Warning', reason: string, message: string): EventAction {
  return { do: 'event', kind: 'pods', about, type, reason, message, component: COMPONENT };
}
