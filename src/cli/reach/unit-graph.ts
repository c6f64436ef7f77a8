import type { Family } from '../../base/ip/index.ts';
import { equal, union } from '../../core/reach/index.ts';
import type { GroupConnection, GroupId, PortSet, Reachability } from '../../core/reach/index.ts';
import type { ReachConnection, ReachEndpoint, ReachGraph } from './graph.ts';
import { Names, outsideEndpoints } from './pod-graph.ts';
import { PortLists } from './port-lists.ts';
import { choose, type Selection } from './selection.ts';
import { unitsOf, type Grouping, type Unit, type Units } from './units.ts';

/**
 * Who can talk to whom, pods shown as one by `grouping` and all nodes as `nodes`. By policy alone: what a pod may do to
 * itself and its own node does not count.
 */
export function unitGraph(reachability: Reachability, grouping: Grouping, selection: Selection = {}): ReachGraph {
  const chosen = choose(reachability, selection);
  const names = new Names(reachability, chosen);
  const from = unitsOf(reachability, chosen, 'from', grouping, names);
  const to = unitsOf(reachability, chosen, 'to', grouping, names);
  const outside = outsideEndpoints(reachability.groups, chosen, names);
  const endpoints = [...insideEndpoints(from, to), ...outside];
  return { endpoints, connections: connectionsOf(reachability.connections(chosen.query), from, to, endpoints) };
}

function insideEndpoints(from: Units, to: Units): readonly ReachEndpoint[] {
  const found = new Map<string, { readonly unit: Unit; readonly pods: Set<string> }>();
  for (const unit of [...from.all, ...to.all]) {
    if (unit.kind === 'external' || unit.kind === 'domain') continue;
    const entry = found.get(unit.name) ?? { unit, pods: new Set<string>() };
    for (const members of unit.members.values()) for (const member of members) entry.pods.add(member);
    found.set(unit.name, entry);
  }
  const sorted = [...found.values()].sort(
    (a, b) => rank(a.unit) - rank(b.unit) || (a.unit.name < b.unit.name ? -1 : 1),
  );
  return sorted.map(({ unit: { name, kind, namespace }, pods }) => ({
    name,
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    ...(kind === 'workload' || kind === 'namespace' || kind === 'labels' ? { pods: [...pods].sort() } : {}),
  }));
}

function rank({ kind }: Unit): number {
  return kind === 'node' ? 1 : 0;
}

/** What is known so far of two units. */
interface Sum {
  readonly from: Unit;
  readonly to: Unit;
  byFamily: Partial<Record<Family, PortSet>>;
  /** Pairs of members that have been counted. */
  pairs: number;
  /** Whether all of those have the same ports. */
  uniform: boolean;
}

function* connectionsOf(
  connections: Iterable<GroupConnection>,
  from: Units,
  to: Units,
  endpoints: readonly ReachEndpoint[],
): Generator<ReachConnection> {
  const sums = sumUp(connections, from, to);
  const place = new Map(endpoints.map(({ name }, index) => [name, index]));
  const order = (unit: Unit) => place.get(unit.name) ?? endpoints.length;
  const sorted = [...sums.values()].sort((a, b) => order(a.to) - order(b.to) || order(a.from) - order(b.from));
  const ports = new PortLists();
  for (const sum of sorted) {
    const partial = !sum.uniform || sum.pairs < countPairs(sum.from, sum.to);
    yield { from: sum.from.name, to: sum.to.name, ports: ports.of(sum), ...(partial ? { partial } : {}) };
  }
}

function sumUp(connections: Iterable<GroupConnection>, from: Units, to: Units): Map<string, Sum> {
  const sums = new Map<string, Sum>();
  for (const connection of connections) {
    for (const source of from.of.get(connection.from) ?? []) {
      for (const target of to.of.get(connection.to) ?? []) {
        const pairs = pairsBetween(source, connection.from, target, connection.to);
        if (pairs > 0) add(sums, source, target, connection, pairs);
      }
    }
  }
  return sums;
}

function add(sums: Map<string, Sum>, from: Unit, to: Unit, { byFamily }: GroupConnection, pairs: number): void {
  const key = `${from.name}\n${to.name}`;
  const known = sums.get(key);
  if (known === undefined) {
    sums.set(key, { from, to, byFamily, pairs, uniform: true });
    return;
  }
  known.pairs += pairs;
  for (const family of [4, 6] as const) {
    const [before, more] = [known.byFamily[family], byFamily[family]];
    if (more === undefined ? before === undefined : before !== undefined && equal(before, more)) continue;
    known.uniform = false;
    if (more !== undefined) known.byFamily = { ...known.byFamily, [family]: union(before ?? [], more) };
  }
}

/** Ordered pairs of different members, one of each unit, out of two groups. */
function pairsBetween(from: Unit, fromGroup: GroupId, to: Unit, toGroup: GroupId): number {
  const [sources, targets] = [from.members.get(fromGroup)!, to.members.get(toGroup)!];
  if (fromGroup !== toGroup || from.name !== to.name) return sources.size * targets.size;
  let same = 0;
  for (const member of sources) if (targets.has(member)) same++;
  return sources.size * targets.size - same;
}

function countPairs(from: Unit, to: Unit): number {
  let pairs = 0;
  for (const source of from.members.keys())
    for (const target of to.members.keys()) pairs += pairsBetween(from, source, to, target);
  return pairs;
}
