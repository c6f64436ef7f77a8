import type { Connection } from '../model.ts';
import type { ClusterReachability } from '../reach.ts';
import { minus } from './minus.ts';
import type { ReachabilityChange } from './model.ts';

/** Changes between pods and the nodes that they run on. Of a node to its own pods everything is allowed, always. */
export function ownNodeChanges(before: ClusterReachability, after: ClusterReachability) {
  const opened: ReachabilityChange[] = [];
  const closed: ReachabilityChange[] = [];
  if (!asksOwnNode(before) && !asksOwnNode(after)) return { opened, closed };
  for (const pod of after.state.pods.values()) {
    const place = pod.node === undefined ? undefined : ({ kind: 'node', name: pod.node } as const);
    if (place === undefined || pod.hostNetwork || before.state.pods.get(pod.key)?.node !== pod.node) continue;
    const [old, now] = [before, after].map((each) => {
      const [from, to] = [each.resolve({ kind: 'pod', key: pod.key }), each.resolve(place)];
      return from?.pod === undefined || to === undefined ? undefined : each.connection(from, to);
    });
    const node = after.state.nodes.get(pod.node!);
    if (old === undefined || now === undefined || node === undefined) continue;
    const change = (connection: Connection): ReachabilityChange[] =>
      connection.ports.length === 0
        ? []
        : [
            {
              ...connection,
              from: [{ kind: 'pods', namespace: pod.namespace, pods: [pod] }],
              to: [{ kind: 'nodes', nodes: [node] }],
              ownNode: true,
            },
          ];
    opened.push(...change(minus(now, old)));
    closed.push(...change(minus(old, now)));
  }
  return { opened, closed };
}

/** Whether anything can come between a pod and its own node. */
function asksOwnNode({ state }: ClusterReachability): boolean {
  if (state.settings.endpointToHost === 'drop') return true;
  return state.tiers.some(({ policies }) => policies.some((each) => each.applies.egress && !each.sparesOwnNode));
}
