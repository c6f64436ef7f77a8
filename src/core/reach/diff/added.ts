import type { NodeEndpoint, PodEndpoint } from '../../policy/index.ts';
import type { GroupId, PairConnection, Reachability } from '../model.ts';

type Named = PodEndpoint | NodeEndpoint;

/** Pods and nodes that `after` has and `before` has not, by key. Completed pods are in neither. */
export function addedEnds(before: Reachability, after: Reachability): Named[] {
  const added: Named[] = [];
  for (const pod of after.state.pods.values())
    if (isRunning(pod) && !isRunning(before.state.pods.get(pod.key))) added.push(pod);
  for (const node of after.state.nodes.values()) if (!before.state.nodes.has(node.name)) added.push(node);
  return added.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** Every connection that one of the ends, which are of that state, has a part in. */
export function* connectionsOfEnds(reachability: Reachability, ends: readonly Named[]): Generator<PairConnection> {
  const names = new Set(ends.map((each) => `${each.kind} ${each.key}`));
  const groups = new Set<GroupId>();
  for (const end of ends) {
    const ref =
      end.kind === 'pod' ? ({ kind: 'pod', key: end.key } as const) : ({ kind: 'node', name: end.name } as const);
    const found = reachability.resolve(ref);
    if (found !== undefined) groups.add(found.group);
  }
  const isOne = (end: PairConnection['from']): boolean =>
    (end.pod !== undefined && names.has(`pod ${end.pod.key}`)) ||
    (end.node !== undefined && names.has(`node ${end.node.key}`));
  for (const pair of reachability.pairs({ to: groups })) if (isOne(pair.to)) yield pair;
  for (const pair of reachability.pairs({ from: groups })) if (isOne(pair.from) && !isOne(pair.to)) yield pair;
}

/** A hostNetwork pod is its node; it comes and goes unseen. */
function isRunning(pod: PodEndpoint | undefined): boolean {
  return pod !== undefined && !pod.completed && !pod.hostNetwork;
}
