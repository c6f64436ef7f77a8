import type { Family, IntervalSet, Ip } from '../../base/ip/index.ts';
import { intersect as intersectRanges, subtract as without } from '../../base/ip/index.ts';
import type { NodeEndpoint, PodEndpoint } from '../../core/policy/cluster.ts';
import { intersect, subtract } from '../../core/reach/index.ts';
import type { Connection, Endpoint, Group, PortSet, Reachability } from '../../core/reach/index.ts';
import type { Members } from '../party/members.ts';
import { wantedPorts, type WantedPorts } from './wanted-ports.ts';

/** All connections that an assertion is about. */
export interface FlowSet {
  readonly from: Members;
  readonly to: Members;
  readonly ports: WantedPorts;
  readonly families: readonly Family[];
}

/** One end of a connection, concretely. */
export type End =
  | { readonly kind: 'pod'; readonly pod: PodEndpoint }
  /** `ip` when it is not the node's first address that is meant. */
  | { readonly kind: 'node'; readonly node: NodeEndpoint; readonly ip?: Ip }
  /** Any of these addresses. */
  | { readonly kind: 'outside'; readonly ranges: IntervalSet };

/** Connections that are not as they should be. */
export interface Violation {
  readonly from: End;
  readonly to: End;
  readonly family: Family;
  readonly ports: PortSet;
}

/** What was found: a violation, or none among so many pairs of ends. */
export type Finding =
  { readonly kind: 'violation'; readonly violation: Violation } | { readonly kind: 'none'; readonly pairs: number };

/**
 * The first connections of the set, in the order of endpoints, that are not `expected`. What no policy is asked about, such as
 * a node and its own pods, violates nothing.
 */
export function findViolation(
  reachability: Reachability,
  owned: Readonly<Record<Family, IntervalSet>>,
  flows: FlowSet,
  expected: 'allowed' | 'denied',
): Finding {
  const sources = endsOf(reachability, flows.from, owned);
  const targets = endsOf(reachability, flows.to, owned);
  let pairs = 0;
  for (const target of targets) {
    for (const portGroup of byPorts(target, flows)) {
      for (const source of sources) {
        if (isOutside(source.group) && isOutside(target.group)) continue;
        pairs += countPairs(source, portGroup);
        const connection = reachability.groupConnection(source.group.id, target.group.id);
        const suspected = wrongIn(connection, portGroup.ports, flows.families, expected) !== undefined;
        if (!suspected && !mayBeOwn(source.group, target.group)) continue;
        const which = suspected ? 'all' : 'own nodes';
        const violation = firstOf(reachability, source, portGroup, flows.families, expected, which);
        if (violation !== undefined) return { kind: 'violation', violation };
      }
    }
  }
  return { kind: 'none', pairs };
}

/** A group and those ends of it that are meant. */
interface Ends {
  readonly group: Group;
  readonly ends: readonly (End & { readonly endpoint: Endpoint })[];
}

function endsOf(
  { groups }: Reachability,
  members: Members,
  owned: Readonly<Record<Family, IntervalSet>>,
): readonly Ends[] {
  return groups.flatMap((group): readonly Ends[] => {
    const { id } = group;
    switch (group.kind) {
      case 'pods': {
        const pods = group.pods.filter(members.pod);
        return pods.length === 0
          ? []
          : [{ group, ends: pods.map((pod) => ({ kind: 'pod', pod, endpoint: { group: id, pod } })) }];
      }
      case 'nodes': {
        // Further addresses of a node are groups of their own; they are the same node.
        const nodes = group.nodes.filter(members.node);
        const ends = nodes.map((node) => {
          const ip = group.addresses?.[group.nodes.indexOf(node)];
          const under = ip === undefined ? {} : { ip };
          return { kind: 'node', node, ...under, endpoint: { group: id, node, ...under } } as const;
        });
        return ends.length === 0 ? [] : [{ group, ends }];
      }
      case 'addresses': {
        const wanted = members.outside[group.family];
        const ranges = without(intersectRanges(group.ranges, wanted), owned[group.family]);
        return ranges.length === 0 ? [] : [{ group, ends: [{ kind: 'outside', ranges, endpoint: { group: id } }] }];
      }
      case 'domain':
        // Its addresses are the outside's, under their own groups.
        return [];
    }
  });
}

/** Named ports mean different numbers at different pods: the ends of a target by what they mean there. */
function byPorts(target: Ends, { ports }: FlowSet): readonly (Ends & { readonly ports: PortSet })[] {
  const found = new Map<string, { readonly ports: PortSet; readonly ends: Ends['ends'][number][] }>();
  for (const end of target.ends) {
    const wanted = wantedPorts(ports, end.kind === 'pod' ? end.pod : undefined);
    if (wanted.length === 0) continue;
    const key = wanted.join();
    const known = found.get(key);
    if (known === undefined) found.set(key, { ports: wanted, ends: [end] });
    else known.ends.push(end);
  }
  return [...found.values()].map((each) => ({ group: target.group, ...each }));
}

/** Ports of the first family in which they are not as expected. */
function wrongIn(
  { byFamily }: Connection,
  wanted: PortSet,
  families: readonly Family[],
  expected: 'allowed' | 'denied',
): { readonly family: Family; readonly ports: PortSet } | undefined {
  for (const family of families) {
    const allowed = byFamily[family];
    if (allowed === undefined) continue;
    const ports = expected === 'allowed' ? subtract(wanted, allowed) : intersect(wanted, allowed);
    if (ports.length > 0) return { family, ports };
  }
  return undefined;
}

/** Groups do not tell a pod's own node from others. */
function mayBeOwn(from: Group, to: Group): boolean {
  return (from.kind === 'pods' && to.kind === 'nodes') || (from.kind === 'nodes' && to.kind === 'pods');
}

function firstOf(
  reachability: Reachability,
  source: Ends,
  target: Ends & { readonly ports: PortSet },
  families: readonly Family[],
  expected: 'allowed' | 'denied',
  which: 'all' | 'own nodes',
): Violation | undefined {
  for (const to of target.ends) {
    for (const from of source.ends) {
      if (which === 'own nodes' && !isOwnNode(from, to)) continue;
      const connection = reachability.connection(from.endpoint, to.endpoint);
      if (connection.exempt !== undefined) continue;
      const wrong = wrongIn(connection, target.ports, families, expected);
      if (wrong !== undefined) return { from, to, ...wrong };
      // Away from own nodes all pairs of two groups are alike, but for a pod and itself.
      if (!mayBeOwn(source.group, target.group) && source.group !== target.group) return undefined;
    }
  }
  return undefined;
}

function isOwnNode(from: End, to: End): boolean {
  if (from.kind === 'pod' && to.kind === 'node') return from.pod.node === to.node.name;
  return from.kind === 'node' && to.kind === 'pod' && to.pod.node === from.node.name;
}

/** Pairs of different ends. */
function countPairs(source: Ends, target: Ends): number {
  const all = source.ends.length * target.ends.length;
  if (source.group !== target.group) return all;
  const targets = new Set(target.ends.map(({ endpoint }) => endpoint.pod));
  return all - source.ends.filter(({ endpoint }) => targets.has(endpoint.pod)).length;
}

function isOutside({ kind }: Group): boolean {
  return kind === 'addresses' || kind === 'domain';
}
