import type { Family } from '../../base/ip/index.ts';
import { FAMILIES } from './catalogue.ts';
import { equal, has, intersect, setOf, union } from './int-set.ts';
import type { IntSet } from './int-set.ts';
import type { Connection, Endpoint, Group, GroupId, PairConnection, Reachability, ReachQuery } from './model.ts';
import { NO_PORTS } from './port-set.ts';
import type { PortSet } from './port-set.ts';

/**
 * Every connection between single ends that the query asks for and that allows something. What lies between a pod and its
 * own node is judged for the two; a pod, and a node, with itself is left out.
 */
export function* pairsOf(reachability: Reachability, query: ReachQuery): Generator<PairConnection> {
  for (const connection of reachability.connections(query))
    for (const to of endsOf(reachability.groups[connection.to]!, 'to', query))
      for (const from of endsOf(reachability.groups[connection.from]!, 'from', query)) {
        if (isSame(from, to) || isOwnNode(from, to)) continue;
        const { byFamily, ports, differs } = connection;
        yield { from, to, byFamily, ports, differs };
      }
  yield* ownNodePairs(reachability, query);
}

/** The pods, nodes or the group itself, as ends. */
function endsOf(group: Group, side: 'from' | 'to', { pod: keep }: ReachQuery): Endpoint[] {
  if (group.kind === 'pods' && group.supposed === undefined) {
    const pods = keep === undefined ? group.pods : group.pods.filter((pod) => keep(pod, side));
    return pods.map((pod) => ({ group: group.id, pod }));
  }
  if (group.kind === 'nodes')
    return group.nodes.map((node, i) => {
      const ip = group.addresses?.[i];
      return { group: group.id, node, ...(ip === undefined ? {} : { ip }) };
    });
  return [{ group: group.id }];
}

/** Between pods and their own nodes: they are few, and groups do not tell them apart. */
function* ownNodePairs(reachability: Reachability, query: ReachQuery): Generator<PairConnection> {
  const wanted = { from: asSet(query.from), to: asSet(query.to) };
  const nodes = new Map<string, Endpoint[]>();
  for (const group of reachability.groups)
    if (group.kind === 'nodes')
      for (const end of endsOf(group, 'to', query)) {
        const { name } = end.node!;
        nodes.set(name, [...(nodes.get(name) ?? []), end]);
      }
  const keep = query.pod ?? (() => true);
  for (const group of reachability.groups) {
    if (group.kind !== 'pods') continue;
    for (const pod of group.pods)
      for (const node of nodes.get(pod.node ?? '') ?? []) {
        const end: Endpoint = { group: group.id, pod };
        if (isIn(wanted.from, group.id) && isIn(wanted.to, node.group) && keep(pod, 'from'))
          yield* pairOf(reachability, end, node, query);
        if (isIn(wanted.from, node.group) && isIn(wanted.to, group.id) && keep(pod, 'to'))
          yield* pairOf(reachability, node, end, query);
      }
  }
}

function* pairOf(
  reachability: Reachability,
  from: Endpoint,
  to: Endpoint,
  query: ReachQuery,
): Generator<PairConnection> {
  const connection = narrowed(reachability.connection(from, to), query.ports);
  if (connection.ports.length > 0) yield { from, to, ...connection };
}

/** The connection as far as it is within `wanted`. */
export function narrowed<T extends Connection>(connection: T, wanted: PortSet | undefined): T {
  if (wanted === undefined) return connection;
  const byFamily: { [family in Family]?: PortSet } = {};
  for (const family of FAMILIES) {
    const set = connection.byFamily[family];
    if (set !== undefined) byFamily[family] = intersect(set, wanted);
  }
  return { ...connection, ...connectionOf(byFamily) };
}

/** The connection that consists of these sets. */
export function connectionOf(byFamily: Connection['byFamily']): Connection {
  const four = byFamily[4];
  const six = byFamily[6];
  if (four === undefined || six === undefined) return { byFamily, ports: four ?? six ?? NO_PORTS, differs: false };
  const differs = !equal(four, six);
  return { byFamily, ports: differs ? union(four, six) : four, differs };
}

function isSame(from: Endpoint, to: Endpoint): boolean {
  if (from.pod !== undefined) return from.pod === to.pod;
  return from.node !== undefined && from.node === to.node;
}

function isOwnNode(from: Endpoint, to: Endpoint): boolean {
  const [pod, node] = from.pod === undefined ? [to.pod, from.node] : [from.pod, to.node];
  return pod !== undefined && node !== undefined && pod.node === node.name;
}

function asSet(groups: Iterable<GroupId> | undefined): IntSet | undefined {
  return groups === undefined ? undefined : setOf(groups);
}

function isIn(groups: IntSet | undefined, group: GroupId): boolean {
  return groups === undefined || has(groups, group);
}
