import type { DaemonSet, Pod } from '../kube/types.ts';
import type { Observed, Target } from './model.ts';

/** Pods of a node whose network changes with the node's: not of the node's own network, and not ended. */
export function networkedPods(node: string, { pods }: Pick<Observed, 'pods'>): readonly Pod[] {
  return pods.filter(
    ({ metadata, spec, status }) =>
      spec?.nodeName === node &&
      spec.hostNetwork !== true &&
      // The kubelet's own, from a file: the API can only watch them.
      metadata?.annotations?.['kubernetes.io/config.mirror'] === undefined &&
      !['Succeeded', 'Failed'].includes(status?.phase ?? ''),
  );
}

/** Whether its DaemonSet would start it on the same node again, so that moving it away is no use. */
export function isOfDaemonSet({ metadata }: Pod): boolean {
  return metadata?.ownerReferences?.some(({ kind }) => kind === 'DaemonSet') === true;
}

/** Pods that a drain moves away; `since`: those of them that were wired since these agents are there. */
export function movablePods(node: string, observed: Pick<Observed, 'pods'>, since?: Target): readonly Pod[] {
  const start = since === undefined ? undefined : startOf(node, since, observed);
  return networkedPods(node, observed)
    .filter((pod) => !isOfDaemonSet(pod))
    .filter(({ metadata }) => start === undefined || Date.parse(metadata?.creationTimestamp ?? '') >= start);
}

/** Pods of DaemonSets that were wired before the agents of the node's network were there, which may be none. */
export function stalePods(node: string, agents: Target, observed: Observed): readonly Pod[] {
  const since = startOf(node, agents, observed);
  return networkedPods(node, observed)
    .filter(isOfDaemonSet)
    .filter(({ metadata }) => since === undefined || Date.parse(metadata?.creationTimestamp ?? '') <= since);
}

/** When the agents' main container on the node began, after all that its init containers do. Epoch milliseconds. */
function startOf(node: string, agents: Target, observed: Pick<Observed, 'pods'>): number | undefined {
  const starts = agentPods(node, agents, observed).flatMap(({ status }) =>
    (status?.containerStatuses ?? []).flatMap(({ state }) => Date.parse(state?.running?.startedAt ?? '')),
  );
  const known = starts.filter((start) => !Number.isNaN(start));
  return known.length === 0 ? undefined : Math.min(...known);
}

/** The pods of a DaemonSet on a node. */
export function agentPods(node: string, { namespace, name }: Target, { pods }: Pick<Observed, 'pods'>): readonly Pod[] {
  return pods.filter(
    ({ metadata, spec }) =>
      spec?.nodeName === node &&
      metadata?.namespace === namespace &&
      metadata.ownerReferences?.some((owner) => owner.kind === 'DaemonSet' && owner.name === name) === true,
  );
}

/** A DaemonSet by name. */
export function daemonSetOf(target: Target, { daemonSets }: Pick<Observed, 'daemonSets'>): DaemonSet | undefined {
  return daemonSets.find(({ metadata }) => metadata?.namespace === target.namespace && metadata.name === target.name);
}
