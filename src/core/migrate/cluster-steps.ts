import type { DaemonSet, Deployment } from '../kube/types.ts';
import type { Condition } from './condition.ts';
import { fence } from './fence.ts';
import type { Action, Observed, OldNetwork, Step, Target } from './model.ts';
import { NETWORK_LABEL, markOf } from './node-marks.ts';

/** Sluice's agents by the names of its manifests. */
export const SLUICE: Target = { kind: 'DaemonSet', namespace: 'kube-system', name: 'sluice-node' };
const CONTROLLERS: Target = { kind: 'Deployment', namespace: 'kube-system', name: 'sluice-controllers' };

const SETTINGS: Target = { kind: 'ConfigMap', namespace: 'kube-system', name: 'sluice-config' };

/** Annotation of a Deployment that was scaled to nothing: how many pods it had. */
const REPLICAS_ANNOTATION = 'sluice.dev/replicas-before';
const RETIRED = selecting('retired');

/** A workload's name. */
export function targetOf({ metadata }: DaemonSet | Deployment, kind: Target['kind']): Target {
  return { kind, namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' };
}

/** The last step is done: the network before runs on no node, whatever its labels. */
export function finishedBy(old: Target): Condition {
  return { kind: 'patched', target: old, patch: RETIRED };
}

/** The fence, and Sluice behind it; `configs` go with it when it is taken back. */
export function beginning(
  old: OldNetwork,
  title: string,
  extras: readonly Target[],
  configs: readonly Target[],
): readonly Step[] {
  const target = targetOf(old.agents, 'DaemonSet');
  const { put, remove } = fence(old.agents, { letsBeside: extras.length > 0 });
  const controllers = extras.length > 0 ? [] : [CONTROLLERS];
  const targets = [SLUICE, ...controllers, ...extras];
  const made = [...targets, SETTINGS, ...configs];
  const absent: Condition = { kind: 'absent', targets: made };
  const isThere: Condition = { kind: 'there', targets };
  const rolledOut = controllers.map((each): Action => ({ kind: 'wait', until: { kind: 'rolled-out', target: each } }));
  return [
    {
      id: 'fence',
      what: `Keep the agents of ${title} off nodes with the label, without starting any of them anew.`,
      interrupts: 'Nothing.',
      actions: [patch(target, put)],
      done: { kind: 'patched', target, patch: put },
      undo: [patch(target, remove)],
      undone: { kind: 'patched', target, patch: remove },
    },
    {
      id: 'install',
      what: `Install Sluice for nodes with the label, of which there are none yet. What is there already stays as it is.`,
      interrupts: 'Nothing.',
      actions: [{ kind: 'install', until: isThere }, ...rolledOut],
      done: { kind: 'all', of: [isThere, ...rolledOut.map(({ until }) => until)] },
      // Definitions stay: what is in them may be the other network's.
      undo: [{ kind: 'delete', targets: made, until: absent }],
      undone: absent,
    },
  ];
}

/** The network before is stopped for good, and Sluice runs on all nodes, new ones included. */
export function ending(old: OldNetwork, title: string, ours: readonly Target[], observed: Observed): Step {
  const target = targetOf(old.agents, 'DaemonSet');
  const opened = selecting(null);
  const closed = selecting('sluice');
  const scaled = old.deployments.map((deployment) => ({
    target: targetOf(deployment, 'Deployment'),
    ...replicaPatches(deployment),
  }));
  const forward = [
    patch(target, RETIRED),
    ...scaled.map((each) => patch(each.target, each.stop)),
    ...ours.map((each) => patch(each, opened)),
  ];
  const back = [
    ...ours.map((each) => patch(each, closed)),
    ...scaled.map((each) => patch(each.target, each.start)),
    patch(target, selecting(null)),
  ];
  const until = (actions: readonly Action[]): Condition => ({ kind: 'all', of: actions.map((each) => each.until) });
  return {
    id: 'finish',
    what: `When every node has changed: stop what ${title} consists of, and let Sluice run on all nodes, new ones included. Nothing is deleted; do that when you are sure.`,
    interrupts: "Nothing: Sluice's agents start anew one by one, and a node without its agent goes on as it was.",
    requires: { kind: 'healthy', agents: SLUICE },
    actions: forward,
    done: until(forward),
    undo: [...observed.nodes.filter((node) => markOf(node).network === undefined).map(labelled), ...back],
    undone: { kind: 'any', of: [{ kind: 'absent', targets: [SLUICE] }, until(back)] },
  };
}

/** A node that has joined since all nodes are Sluice's: from now on it needs the label. */
function labelled({ metadata }: Observed['nodes'][number]): Action {
  const node = metadata?.name ?? '';
  return {
    kind: 'mark',
    mark: { node, network: 'sluice', phase: null },
    until: { kind: 'network', node, in: ['sluice', 'none'] },
  };
}

function replicaPatches({ metadata, spec }: Deployment): { readonly stop: object; readonly start: object } {
  const before = metadata?.annotations?.[REPLICAS_ANNOTATION] ?? String(spec?.replicas ?? 1);
  return {
    stop: { metadata: { annotations: { [REPLICAS_ANNOTATION]: before } }, spec: { replicas: 0 } },
    start: { metadata: { annotations: { [REPLICAS_ANNOTATION]: null } }, spec: { replicas: Number(before) } },
  };
}

function selecting(network: string | null): object {
  return { spec: { template: { spec: { nodeSelector: { [NETWORK_LABEL]: network } } } } };
}

function patch(target: Target, body: object): Action {
  return { kind: 'patch', target, patch: body, until: { kind: 'patched', target, patch: body } };
}
