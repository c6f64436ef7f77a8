import { intersect, intervalSet, subtract } from '../../base/ip/index.ts';
import type { Family, IntervalSet } from '../../base/ip/index.ts';
import { formatSelector, parseLabelMap, type Labels } from '../../core/kube/labels.ts';
import type { ClusterState, NodeEndpoint, PodEndpoint } from '../../core/policy/cluster.ts';
import { NEW_NAMESPACE } from '../../core/reach/index.ts';
import type { Group, GroupId, PortSet, Reachability, ReachQuery, SupposedPod } from '../../core/reach/index.ts';
import type { Members } from '../party/members.ts';

/** What of a cluster's connections is asked for. Absent sides are everybody. */
export interface Selection {
  readonly from?: Members;
  readonly to?: Members;
  readonly ports?: PortSet;
}

/** A selection as the symbolic reader takes it, and the tests that it leaves to us. */
export interface Chosen {
  readonly query: ReachQuery;
  readonly pod: (pod: PodEndpoint, side: 'from' | 'to') => boolean;
  readonly node: (node: NodeEndpoint, side: 'from' | 'to') => boolean;
  /** The addresses of an outside group that the side asks for; the group's own when it asks for everybody. */
  readonly ranges: (group: Extract<Group, { kind: 'addresses' }>, side: 'from' | 'to') => IntervalSet;
  /** Whether the side asks for any of the group. */
  readonly group: (group: Group, side: 'from' | 'to') => boolean;
}

/** Narrows `reachability` to a selection. */
export function choose(reachability: Reachability, selection: Selection): Chosen {
  const owned = ownedAddresses(reachability.state);
  const outside = outsideSets(reachability);
  const pod = (each: PodEndpoint, side: 'from' | 'to') => selection[side]?.pod(each) !== false;
  const node = (each: NodeEndpoint, side: 'from' | 'to') => selection[side]?.node(each) !== false;
  const ranges: Chosen['ranges'] = (group, side) => {
    const members = selection[side];
    const ranges = outside.get(group.id) ?? [];
    return members === undefined ? ranges : intersect(ranges, members.outside[group.family]);
  };
  const group = (each: Group, side: 'from' | 'to'): boolean => {
    if (each.kind === 'addresses' && !outside.has(each.id)) return false;
    if (selection[side] === undefined) return true;
    switch (each.kind) {
      case 'pods':
        if (each.supposed !== undefined) return pod(asPod(each.supposed), side);
        return each.pods.some((one) => pod(one, side));
      case 'nodes':
        return each.nodes.some((one) => node(one, side));
      case 'addresses':
        return subtract(ranges(each, side), owned[each.family]).length > 0;
      case 'domain':
        // A name's addresses are the outside's, whichever they are.
        return side === 'to' && selection[side].outside[4].length > 0;
    }
  };
  const idsOf = (side: 'from' | 'to'): readonly GroupId[] =>
    reachability.groups.filter((each) => group(each, side)).map(({ id }) => id);
  const isWhole = (side: 'from' | 'to') =>
    selection[side] === undefined &&
    reachability.groups.every((each) => each.kind !== 'addresses' || outside.has(each.id));
  const query: ReachQuery = {
    ...(isWhole('from') ? {} : { from: idsOf('from') }),
    ...(isWhole('to') ? {} : { to: idsOf('to') }),
    ...(selection.ports === undefined ? {} : { ports: selection.ports }),
    pod,
  };
  return { query, pod, node, ranges, group };
}

/**
 * The addresses that each group of the outside stands for. Groups that all endpoints treat alike are one, under the first of
 * them; the others stand for nobody and are absent. It is the same for every selection, so that an address has one name.
 */
function outsideSets(reachability: Reachability): ReadonlyMap<GroupId, IntervalSet> {
  const ranges = new Map(
    reachability.groups.flatMap((group) => (group.kind === 'addresses' ? [[group.id, group.ranges] as const] : [])),
  );
  const sets = new Map<GroupId, IntervalSet>();
  for (const alike of reachability.outsideClasses()) {
    const [first] = alike;
    if (first === undefined || !ranges.has(first)) continue;
    sets.set(first, intervalSet(alike.flatMap((id) => ranges.get(id) ?? [])));
  }
  return sets;
}

/** A supposed pod as it would be if it were there, under a name that no real one can have. */
export function asPod({ namespace, namespaceLabels = {}, labels, serviceAccount, ports }: SupposedPod): PodEndpoint {
  const place = namespace === NEW_NAMESPACE ? `(new namespace${textOf(namespaceLabels)})` : namespace;
  const name = `(new pod${textOf(labels)})`;
  return {
    kind: 'pod',
    key: `${place}/${name}`,
    namespace: place,
    name,
    labels,
    addresses: [],
    hostNetwork: false,
    completed: false,
    ready: true,
    ports: ports ?? [],
    serviceAccount: serviceAccount ?? 'default',
  };
}

function textOf(labels: Labels): string {
  return Object.keys(labels).length === 0 ? '' : ` ${formatSelector(parseLabelMap(labels))}`;
}

/** The addresses of pods and nodes. */
export function ownedAddresses(state: ClusterState): Readonly<Record<Family, IntervalSet>> {
  const all = [...state.pods.values(), ...state.nodes.values()].flatMap(({ addresses }) => addresses);
  const of = (family: Family) =>
    intervalSet(all.filter((ip) => ip.family === family).map(({ value }) => ({ first: value, last: value })));
  return { 4: of(4), 6: of(6) };
}
