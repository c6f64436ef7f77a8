import type { ClusterState } from '../../core/policy/cluster.ts';
import { reach, supposedPods } from '../../core/reach/index.ts';
import type { ReachConnection, ReachGraph } from './graph.ts';
import { podGraph } from './pod-graph.ts';
import type { Selection } from './selection.ts';
import { unitGraph } from './unit-graph.ts';
import type { Grouping } from './units.ts';

/** What pods that are not there yet could reach, and who could reach them; see {@link supposedPods}. */
export function exposureGraph(state: ClusterState, selection: Selection, grouping: Grouping | undefined): ReachGraph {
  const reachability = reach(state, { supposed: supposedPods(state) });
  const whole =
    grouping === undefined ? podGraph(reachability, selection) : unitGraph(reachability, grouping, selection);
  const supposed = new Set(whole.endpoints.flatMap(({ kind, name }) => (kind === 'supposed' ? [name] : [])));
  return { endpoints: whole.endpoints, connections: only(whole.connections, supposed) };
}

function* only(connections: Iterable<ReachConnection>, names: ReadonlySet<string>): Generator<ReachConnection> {
  for (const each of connections) if (names.has(each.from) || names.has(each.to)) yield each;
}
