import type { Lease } from 'kubernetes-types/coordination/v1.d.ts';
import type { Node, NodeCondition, Pod, Taint } from 'kubernetes-types/core/v1.d.ts';
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
import { tolerates } from './node-fit.ts';
import { isFinished, isReady } from './pods.ts';

const COMPONENT = 'node-controller';
const NOT_READY = 'node.kubernetes.io/not-ready';
const UNREACHABLE = 'node.kubernetes.io/unreachable';

/** How patient the cluster is with a silent node, in milliseconds. */
export interface NodePatience {
  /** Age of the lease from which on the node counts as unreachable. */
  readonly graceMs: number;
  /** How long pods without a toleration of their own stay on a node that has fallen silent. */
  readonly evictAfterMs: number;
}

/** Turns a stale lease into a node that is not ready, an unwell node into taints, and taints into pods that are not ready and then evicted. */
export function nodeLifecycleController(patience: NodePatience): Controller {
  return {
    name: 'node-lifecycle',
    triggers: {
      nodes: (node) => [keyOf(node)],
      leases: ({ metadata }, previous, view) => {
        if (metadata.namespace !== 'kube-node-lease') return [];
        // A renewal of a live lease only moves the deadline, which the round that is already due finds out by itself.
        const node = view.nodes.get(metadata.name);
        const live = previous !== undefined && node !== undefined && readyOf(node)?.status !== 'Unknown';
        return live ? [] : [metadata.name];
      },
      pods: (pod) => (pod.spec?.nodeName ? [pod.spec.nodeName] : []),
    },
    reconcile: (view, key, now) => reconcileNode(view, key, now, patience),
  };
}

/** The writes that make one node's condition, taints and pods tell the truth. */
export function reconcileNode(view: ClusterView, key: string, now: number, patience: NodePatience): Outcome {
  const node = view.nodes.get(key);
  if (node === undefined || isTerminating(node)) return NOTHING;
  const lastSeen = lastSeenAt(node, view.leases.get(`kube-node-lease/${key}`));
  const silent = lastSeen + patience.graceMs <= now;
  const ready = silent ? 'Unknown' : (readyOf(node)?.status ?? 'False');
  const actions: Action[] = silent && readyOf(node)?.status !== 'Unknown' ? [markUnknown(node, now)] : [];
  const taints = taintsFor(node, ready, now);
  if (!sameJson(taints, node.spec?.taints ?? [])) {
    actions.push({ do: 'update', kind: 'nodes', object: { ...node, spec: { ...node.spec, taints } } });
  }
  const residents = [...view.pods.values()].filter((pod) => pod.spec?.nodeName === key && !isTerminating(pod));
  const evictions = residents.map((pod) => evict(pod, taints, now, patience));
  for (const { action } of evictions) if (action !== undefined) actions.push(...action);
  // Its kubelet, when it is heard of again, says itself which of them are.
  if (ready === 'Unknown') actions.push(...residents.filter(isReady).map((pod) => markUnready(pod, now)));
  const waits = evictions.flatMap(({ inMs }) => inMs ?? []);
  const again = [...(silent ? [] : [lastSeen + patience.graceMs - now]), ...waits];
  return { actions, ...(again.length === 0 ? {} : { againInMs: Math.max(1, Math.min(...again)) }) };
}

/**
 * A sign of life is a renewed lease or a status that the kubelet wrote, whichever is later: a kubelet that comes back may write
 * the one before the other. Before there is either, it is the node's birth.
 */
function lastSeenAt(node: Node, lease: Lease | undefined): number {
  const signs = [lease?.spec?.renewTime, readyOf(node)?.lastHeartbeatTime].map((time) => Date.parse(time ?? ''));
  const known = signs.filter((time) => !Number.isNaN(time));
  return known.length > 0 ? Math.max(...known) : Date.parse(node.metadata?.creationTimestamp ?? '') || 0;
}

function readyOf(node: Node): NodeCondition | undefined {
  return node.status?.conditions?.find(({ type }) => type === 'Ready');
}

function markUnknown(node: Stored<Node>, now: number): Action {
  const lost = (condition: NodeCondition): NodeCondition => ({
    ...condition,
    status: 'Unknown',
    reason: 'NodeStatusUnknown',
    message: 'Kubelet stopped posting node status.',
    lastTransitionTime: timestamp(now),
  });
  const conditions = (node.status?.conditions ?? []).map(lost);
  if (readyOf(node) === undefined) conditions.push(lost({ type: 'Ready', status: 'Unknown' }));
  return { do: 'update-status', kind: 'nodes', object: { ...node, status: { ...node.status, conditions } } };
}

/** The node's taints with ours made to follow from its condition; a taint that stays keeps the time since when. */
function taintsFor(node: Node, ready: string, now: number): Taint[] {
  const held = node.spec?.taints ?? [];
  const foreign = held.filter(({ key }) => key !== NOT_READY && key !== UNREACHABLE && key !== CORDON);
  const key = ready === 'True' ? undefined : ready === 'Unknown' ? UNREACHABLE : NOT_READY;
  const ours = (key === undefined ? [] : (['NoSchedule', 'NoExecute'] as const)).map(
    (effect): Taint =>
      held.find((taint) => taint.key === key && taint.effect === effect) ?? {
        key: key!,
        effect,
        ...(effect === 'NoExecute' ? { timeAdded: timestamp(now) } : {}),
      },
  );
  const cordon = node.spec?.unschedulable === true ? [{ key: CORDON, effect: 'NoSchedule' as const }] : [];
  return [...foreign.map((taint) => dated(taint, now)), ...cordon, ...ours];
}

/** A `NoExecute` taint counts from when it was added, which whoever added it need not have said. */
function dated(taint: Taint, now: number): Taint {
  return taint.effect === 'NoExecute' && taint.timeAdded === undefined
    ? { ...taint, timeAdded: timestamp(now) }
    : taint;
}

const CORDON = 'node.kubernetes.io/unschedulable';

/** Deletes a pod whose tolerance of the node's `NoExecute` taints has run out, or says when that will be. */
function evict(
  pod: Stored<Pod>,
  taints: readonly Taint[],
  now: number,
  patience: NodePatience,
): { readonly action?: Action[]; readonly inMs?: number } {
  if (isFinished(pod)) return {};
  const waits = taints
    .filter(({ effect }) => effect === 'NoExecute')
    .map((taint) => {
      const since = Date.parse(taint.timeAdded ?? '') || now;
      return since + tolerationMs(pod, taint, patience) - now;
    });
  const inMs = Math.min(Infinity, ...waits);
  if (inMs === Infinity) return {};
  if (inMs > 0) return { inMs };
  const message = `Taint manager is deleting pod ${keyOf(pod)}`;
  return { action: [event(pod, 'TaintManagerEviction', message), { do: 'delete', kind: 'pods', object: pod }] };
}

/**
 * A node that says itself that it is not ready, as while its agent restarts, keeps its pods for as long as they tolerate it;
 * one that is silent is emptied soon.
 */
function tolerationMs(pod: Pod, taint: Taint, patience: NodePatience): number {
  const matching = (pod.spec?.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
  const usual = taint.key === UNREACHABLE ? patience.evictAfterMs : ADMITTED_SECONDS * 1000;
  if (matching.length === 0) return taint.key === NOT_READY || taint.key === UNREACHABLE ? usual : 0;
  const seconds = matching.flatMap(({ tolerationSeconds }) => tolerationSeconds ?? []);
  if (seconds.length === 0) return Infinity;
  if (matching.length === 1 && seconds[0] === ADMITTED_SECONDS) return usual;
  return Math.min(...seconds) * 1000;
}

/** What the API server writes into pods that say nothing of sick nodes; in a lab nobody waits five minutes for a dead one. */
const ADMITTED_SECONDS = 300;

function markUnready(pod: Stored<Pod>, now: number): Action {
  const conditions = (pod.status?.conditions ?? []).map((condition) =>
    condition.type === 'Ready'
      ? { ...condition, status: 'False', reason: 'NodeNotReady', lastTransitionTime: timestamp(now) }
      : condition,
  );
  return { do: 'update-status', kind: 'pods', object: { ...pod, status: { ...pod.status, conditions } } };
}

function event(about: Stored<Pod>, reason: string, message: string): EventAction {
  return { do: 'event', kind: 'pods', about, type: 'Normal', reason, message, component: COMPONENT };
}
