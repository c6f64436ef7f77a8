import { cidrsOf, formatCidr, intersect, subtract as subtractRanges } from '../../../base/ip/index.ts';
import type { Family, IntervalSet } from '../../../base/ip/index.ts';
import type { ClusterState, NodeEndpoint } from '../../policy/index.ts';
import { subtract, union } from '../int-set.ts';
import type { AddressGroup, Connection } from '../model.ts';
import { NO_PORTS } from '../port-set.ts';
import type { PortSet } from '../port-set.ts';
import { reach } from '../reach.ts';
import type { ClusterReachability } from '../reach.ts';
import { clusterAddresses } from './cluster-blocks.ts';
import type { Grants } from './grants.ts';
import type { Deviation } from './model.ts';
import { unitName } from './units.ts';
import type { Unit } from './units.ts';

/** One end as the wishes know it. */
type End =
  | { readonly kind: 'unit'; readonly unit: Unit }
  | { readonly kind: 'node'; readonly node: NodeEndpoint }
  | { readonly kind: 'outside'; readonly group: AddressGroup };

/**
 * Asks `reach` about every pair that has an end in the governed namespaces, and compares with the grants. Between a pod
 * and itself, and its own node, nothing is compared: policies of Kubernetes have no say there.
 */
export function prove(
  state: ClusterState,
  units: readonly Unit[],
  grants: Grants,
  governed: ReadonlySet<string>,
): { readonly missing: Deviation[]; readonly excess: Deviation[] } {
  const comparison = new Comparison(reach(state), units, grants, governed);
  return comparison.run();
}

class Comparison {
  readonly #reachability: ClusterReachability;
  readonly #units: readonly Unit[];
  readonly #grants: Grants;
  readonly #governed: ReadonlySet<string>;
  readonly #cluster: Readonly<Record<Family, IntervalSet>>;
  readonly #missing = new Map<string, Deviation>();
  readonly #excess = new Map<string, Deviation>();

  constructor(
    reachability: ClusterReachability,
    units: readonly Unit[],
    grants: Grants,
    governed: ReadonlySet<string>,
  ) {
    this.#reachability = reachability;
    this.#units = units;
    this.#grants = grants;
    this.#governed = governed;
    const { state } = reachability;
    this.#cluster = { 4: clusterAddresses(state, 4), 6: clusterAddresses(state, 6) };
  }

  run() {
    const ends = this.#ends();
    for (const [from, sources] of ends)
      for (const [to, destinations] of ends) {
        const wished = this.#wished(from, to);
        if (wished === undefined) continue;
        for (const source of sources)
          for (const destination of destinations)
            this.#compare(from, to, this.#reachability.groupConnection(source, destination), wished);
      }
    return { missing: [...this.#missing.values()], excess: [...this.#excess.values()] };
  }

  /** Every end with the groups that its members are in. */
  #ends(): Map<End, Set<number>> {
    const ends = new Map<End, Set<number>>();
    for (const unit of this.#units)
      ends.set(
        { kind: 'unit', unit },
        new Set(unit.pods.map(({ key }) => this.#reachability.resolve({ kind: 'pod', key })!.group)),
      );
    for (const group of this.#reachability.groups) {
      if (group.kind === 'addresses') ends.set({ kind: 'outside', group }, new Set([group.id]));
      if (group.kind === 'nodes' && group.addresses === undefined)
        for (const node of group.nodes) ends.set({ kind: 'node', node }, new Set([group.id]));
    }
    return ends;
  }

  /** What was wished between the two, by family; undefined when the policies have no say. */
  #wished(from: End, to: End): ((family: Family) => PortSet) | undefined {
    const [unit, direction, other] =
      from.kind === 'unit' && this.#governed.has(from.unit.namespace)
        ? ([from.unit, 'egress', to] as const)
        : to.kind === 'unit' && this.#governed.has(to.unit.namespace)
          ? ([to.unit, 'ingress', from] as const)
          : [undefined, undefined, undefined];
    if (unit === undefined || isOneself(from, to) || isOwnNode(unit, other)) return undefined;
    const granted = this.#grants.of(unit, direction);
    return (family) => {
      let set: PortSet = NO_PORTS;
      for (const { grantee, ports } of granted) {
        const meant =
          grantee.kind === 'unit'
            ? other.kind === 'unit' && grantee.unit === other.unit
            : grantee.kind === 'node'
              ? other.kind === 'node' && grantee.node === other.node
              : other.kind === 'outside' && grantee.family === family && this.#isMeant(other.group, grantee.ranges);
        if (meant) set = union(set, ports);
      }
      return set;
    };
  }

  /** Whether an address of the group that is nobody's is in the ranges, whose ends are ends of blocks in the policies. */
  #isMeant({ ranges, family }: AddressGroup, wished: IntervalSet): boolean {
    return subtractRanges(intersect(ranges, wished), this.#cluster[family]).length > 0;
  }

  #compare(from: End, to: End, { byFamily }: Connection, wished: (family: Family) => PortSet): void {
    for (const family of [4, 6] as const) {
      const allowed = byFamily[family];
      if (allowed === undefined) continue;
      const wanted = wished(family);
      note(this.#missing, from, to, subtract(wanted, allowed));
      note(this.#excess, from, to, subtract(allowed, wanted));
    }
  }
}

function note(deviations: Map<string, Deviation>, from: End, to: End, ports: PortSet): void {
  if (ports.length === 0) return;
  const [a, b] = [endName(from), endName(to)];
  const key = `${a} > ${b}`;
  deviations.set(key, { from: a, to: b, ports: union(deviations.get(key)?.ports ?? NO_PORTS, ports) });
}

function isOneself(from: End, to: End): boolean {
  return from.kind === 'unit' && to.kind === 'unit' && from.unit === to.unit && from.unit.pods.length === 1;
}

function isOwnNode({ pods }: Unit, other: End): boolean {
  return other.kind === 'node' && pods.every((pod) => pod.node === other.node.name);
}

function endName(end: End): string {
  if (end.kind === 'unit') return unitName(end.unit);
  if (end.kind === 'node') return `node/${end.node.name}`;
  const blocks = cidrsOf(end.group.ranges, end.group.family).map(formatCidr);
  return blocks.length > 3
    ? `${blocks.slice(0, 3).join(', ')} and ${blocks.length - 3} blocks more`
    : blocks.join(', ');
}
