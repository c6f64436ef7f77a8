import { cidrsOf, formatCidr, formatIp } from '../../base/ip/index.ts';
import type { NodeEndpoint, PodEndpoint } from '../../core/policy/cluster.ts';
import type { Endpoint, Group, PairConnection, Reachability } from '../../core/reach/index.ts';
import { externalNames } from './external-name.ts';
import type { ReachConnection, ReachEndpoint, ReachGraph } from './graph.ts';
import { PortLists } from './port-lists.ts';
import { asPod, choose, type Chosen, type Selection } from './selection.ts';

/** Who can talk to whom, pod by pod. */
export function podGraph(reachability: Reachability, selection: Selection = {}): ReachGraph {
  const chosen = choose(reachability, selection);
  const names = new Names(reachability, chosen);
  return {
    endpoints: endpointsOf(reachability, chosen, names),
    connections: connectionsOf(reachability, chosen, names),
  };
}

function* connectionsOf(reachability: Reachability, chosen: Chosen, names: Names): Generator<ReachConnection> {
  const ports = new PortLists();
  for (const pair of reachability.pairs(chosen.query)) {
    if (!isChosen(pair, chosen)) continue;
    yield {
      from: names.of(pair.from, 'from'),
      to: names.of(pair.to, 'to'),
      ports: ports.of(pair),
      ...(pair.exempt === 'own-node' ? { exempt: pair.exempt } : {}),
    };
  }
}

function isChosen({ from, to }: PairConnection, { node }: Chosen): boolean {
  return (from.node === undefined || node(from.node, 'from')) && (to.node === undefined || node(to.node, 'to'));
}

/** What ends of connections are called. */
export class Names {
  readonly #groups: readonly Group[];
  readonly #outside: Readonly<Record<'from' | 'to', ReadonlyMap<number, string>>>;

  constructor({ groups }: Reachability, chosen: Chosen) {
    this.#groups = groups;
    const nameOf = externalNames(
      groups.flatMap((group) =>
        group.kind === 'addresses'
          ? (['from', 'to'] as const)
              .filter((side) => chosen.group(group, side))
              .map((side) => ({ family: group.family, ranges: chosen.ranges(group, side) }))
          : [],
      ),
    );
    const side = (which: 'from' | 'to') =>
      new Map(
        groups.flatMap((group) =>
          group.kind === 'addresses' && chosen.group(group, which)
            ? [[group.id, nameOf({ family: group.family, ranges: chosen.ranges(group, which) })] as const]
            : [],
        ),
      );
    this.#outside = { from: side('from'), to: side('to') };
  }

  /** Of one end of a connection. */
  of({ group, pod, node }: Endpoint, side: 'from' | 'to'): string {
    if (pod !== undefined) return pod.key;
    const own = this.#groups[group]!;
    if (node !== undefined) return nodeName(node, own);
    return this.group(own, side);
  }

  /** Of a group that is one end: a supposed pod, or some of the outside. */
  group(group: Group, side: 'from' | 'to'): string {
    if (group.kind === 'domain') return group.pattern;
    if (group.kind === 'pods' && group.supposed !== undefined) return asPod(group.supposed).key;
    return this.#outside[side].get(group.id) ?? `group/${group.id}`;
  }
}

/** The node, and the address when it has several that policies tell apart. */
export function nodeName({ name }: NodeEndpoint, group: Group): string {
  const addresses = group.kind === 'nodes' ? (group.addresses ?? []) : [];
  return addresses.length === 0 ? `node/${name}` : `node/${name}/${addresses.map(formatIp).join(',')}`;
}

function endpointsOf({ state, groups }: Reachability, chosen: Chosen, names: Names): readonly ReachEndpoint[] {
  const either = (test: (side: 'from' | 'to') => boolean) => test('from') || test('to');
  const inGroups = groups.flatMap((group) => (group.kind === 'pods' ? group.pods : []));
  const hosts = [...state.pods.values()].filter((pod) => pod.hostNetwork && !pod.completed);
  const supposed = groups.flatMap((group) =>
    group.kind === 'pods' && group.supposed !== undefined ? [asPod(group.supposed)] : [],
  );
  const shown = (pods: readonly PodEndpoint[], kind: 'pod' | 'supposed') =>
    pods
      .filter((pod) => either((side) => chosen.pod(pod, side)))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .map((pod) => podEndpoint(pod, kind));
  return [
    ...shown([...inGroups, ...hosts], 'pod'),
    ...shown(supposed, 'supposed'),
    ...groups.flatMap((group) =>
      group.kind === 'nodes'
        ? group.nodes
            .filter((node) => either((side) => chosen.node(node, side)))
            .map((node) => nodeEndpoint(node, group))
        : [],
    ),
    ...outsideEndpoints(groups, chosen, names),
  ];
}

function podEndpoint(pod: PodEndpoint, kind: 'pod' | 'supposed'): ReachEndpoint {
  const { key, namespace, labels, workload, node, addresses, hostNetwork } = pod;
  return {
    name: key,
    kind,
    namespace,
    labels,
    ...(workload === undefined ? {} : { workload: `${namespace}/${workload.kind.toLowerCase()}/${workload.name}` }),
    ...(node === undefined ? {} : { node }),
    ...(addresses.length === 0 ? {} : { addresses: addresses.map(formatIp) }),
    ...(hostNetwork ? { hostNetwork } : {}),
  };
}

function nodeEndpoint(node: NodeEndpoint, group: Extract<Group, { kind: 'nodes' }>): ReachEndpoint {
  const addresses = (group.addresses ?? node.addresses).map(formatIp);
  return {
    name: nodeName(node, group),
    kind: 'node',
    labels: node.labels,
    ...(addresses.length === 0 ? {} : { addresses }),
  };
}

/** The groups of the outside, each once under every name that a side gives it. */
export function outsideEndpoints(groups: readonly Group[], chosen: Chosen, names: Names): readonly ReachEndpoint[] {
  const found = new Map<string, ReachEndpoint>();
  for (const group of groups) {
    if (group.kind !== 'addresses' && group.kind !== 'domain') continue;
    for (const side of ['from', 'to'] as const) {
      if (!chosen.group(group, side)) continue;
      const name = names.group(group, side);
      if (group.kind === 'domain') found.set(name, { name, kind: 'domain' });
      else {
        const ranges = cidrsOf(chosen.ranges(group, side), group.family).map(formatCidr);
        found.set(name, { name, kind: 'external', ranges });
      }
    }
  }
  return [...found.values()];
}
