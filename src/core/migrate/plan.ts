import { CALICO } from './calico.ts';
import { CANAL } from './canal.ts';
import { SLUICE, beginning, ending, finishedBy, targetOf } from './cluster-steps.ts';
import { commonBlockers } from './common-blockers.ts';
import { FLANNEL } from './flannel.ts';
import type { ClusterObject, Observed, OldNetwork, Plan, Step, Target } from './model.ts';
import type { Network } from './network.ts';
import { drainedNode, livingNode } from './node-steps.ts';
import { settingsDiffer } from './settings-differ.ts';

/** Networks that a cluster can be taken from, by the word of the command line. */
export const NETWORKS = { 'from-calico': CALICO, 'from-canal': CANAL, 'from-flannel': FLANNEL } as const;

/** Where a cluster comes from. */
export type From = keyof typeof NETWORKS;

/** How a cluster goes from a network to Sluice, one node after the other. Undefined when it does not have that network. */
export function planFrom(from: From, observed: Observed): Plan | undefined {
  const network: Network = NETWORKS[from];
  const old = network.find(observed);
  if (old === undefined) return undefined;
  const settings = network.settings(old);
  const carrier = network.stays?.carrier(old);
  const objects = network.objects?.(old) ?? [];
  const blockers = [...network.blockers, ...commonBlockers, settingsDiffer(settings)].flatMap(
    (rule) => rule(old, observed) ?? [],
  );
  return {
    blockers,
    remarks: network.remarks(old),
    settings,
    manifest: network.stays?.manifest ?? 'sluice.yaml',
    extras: carrier === undefined ? objects : [...objects, carrier],
    steps: stepsOf(network, old, { carrier, objects }, observed),
  };
}

function stepsOf(
  network: Network,
  old: OldNetwork,
  { carrier, objects }: { readonly carrier: ClusterObject | undefined; readonly objects: readonly ClusterObject[] },
  observed: Observed,
): readonly Step[] {
  const { title, stays } = network;
  const extras: readonly Target[] = carrier === undefined ? [] : [targetOf(carrier as never, 'DaemonSet')];
  const configs = objects.map((object) => targetOf(object as never, 'ConfigMap'));
  const next = [SLUICE, ...extras] as const;
  const target = targetOf(old.agents, 'DaemonSet');
  const sides = { title, old: target, next, finished: finishedBy(target) };
  return [
    ...beginning(old, title, extras, configs),
    ...nodesInOrder(observed).flatMap((name) =>
      stays === undefined ? drainedNode(name, sides, observed) : livingNode(name, sides, stays.interrupts),
    ),
    ending(old, title, next, observed),
  ];
}

/** In an order that does not depend on the listing. */
function nodesInOrder({ nodes }: Observed): readonly string[] {
  return nodes.map(({ metadata }) => metadata?.name ?? '').sort();
}
