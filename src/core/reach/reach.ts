import type { Family } from '../../base/ip/index.ts';
import type { ClusterState, Direction, NodeEndpoint, PodEndpoint, Policy } from '../policy/index.ts';
import { Catalogue } from './catalogue.ts';
import { Columns, NARROW } from './columns.ts';
import { Groups } from './groups.ts';
import { has, intersect, members, range, setOf, size } from './int-set.ts';
import type { IntSet } from './int-set.ts';
import { mergeFamilies } from './merge-families.ts';
import type { ColumnCell } from './merge-families.ts';
import type {
  Connection,
  Endpoint,
  EndpointRef,
  Group,
  GroupConnection,
  GroupId,
  PairConnection,
  Reachability,
  ReachOptions,
  ReachQuery,
} from './model.ts';
import { outsideClasses } from './outside-classes.ts';
import { connectionOf, narrowed, pairsOf } from './pairs.ts';
import { ALL, NONE, PortTable } from './port-table.ts';
import type { PortsId } from './port-table.ts';
import { ALL_PORTS } from './port-set.ts';
import type { PortSet } from './port-set.ts';
import { portsFor } from './region.ts';
import type { Region } from './region.ts';
import { RuleRegions } from './rule-regions.ts';
import { Sides } from './sides.ts';
import { TierRegions } from './tier-regions.ts';

/**
 * Reads the policies of a state symbolically: who can talk to whom, for all endpoints at once. Nothing is asked flow by
 * flow, and nothing of `evaluate` is used, so that the two can be held against each other.
 */
export function reach(state: ClusterState, options: ReachOptions = {}): ClusterReachability {
  return new ClusterReachability(state, options);
}

/** So many sources or destinations, on the average over all others, are asked pair by pair. */
const ASKED_SINGLY = 16;

/** The answer for one state; what it computes on the way it keeps. */
export class ClusterReachability implements Reachability {
  readonly state: ClusterState;
  readonly groups: readonly Group[];
  readonly families: readonly Family[];
  readonly ports = new PortTable();
  readonly #groups: Groups;
  readonly #sides: Sides;
  readonly #columns: { [family in Family]?: Columns } = {};

  readonly #few: number;

  /** `few`: see {@link Columns}. */
  constructor(state: ClusterState, { supposed = [], domains = [] }: ReachOptions, few: number = NARROW) {
    this.#few = few;
    this.state = state;
    const catalogue = new Catalogue(state, domains);
    this.#groups = new Groups(catalogue, supposed);
    const rules = new RuleRegions(catalogue, this.#groups, this.ports);
    const tiers = new TierRegions(rules, this.#groups.everyone);
    this.#sides = new Sides(catalogue, this.#groups, rules, tiers);
    this.groups = this.#groups.all;
    this.families = this.#groups.space.families;
  }

  resolve(ref: EndpointRef): Endpoint | undefined {
    switch (ref.kind) {
      case 'pod': {
        const pod = this.state.pods.get(ref.key);
        return pod === undefined ? undefined : this.#ofPod(pod);
      }
      case 'node': {
        const node = this.state.nodes.get(ref.name);
        return node === undefined ? undefined : placed({ node }, this.#groups.ofNode(node));
      }
      case 'address': {
        const { ip } = ref;
        const owner = this.#groups.space.ownerOf(ip);
        if (owner === undefined) return placed({ ip }, this.#groups.ofOutside(ip));
        if (owner.kind === 'pod') return placed({ pod: owner, ip }, this.#groups.ofPod(owner));
        return placed({ node: owner, ip }, this.#groups.ofNode(owner, ip));
      }
      case 'domain':
        return placed({}, this.#groups.ofDomain(ref.pattern));
      case 'supposed':
        return placed({}, this.#groups.ofSupposed(ref.name));
    }
  }

  connection(from: Endpoint, to: Endpoint): Connection {
    if (from.pod !== undefined && from.pod === to.pod) return this.#everything(from, to, 'self');
    if (from.node !== undefined && from.node === to.node) return this.#everything(from, to);
    if (from.node !== undefined && to.pod?.node === from.node.name) return this.#everything(from, to, 'own-node');
    if (to.node !== undefined && from.pod?.node === to.node.name) return this.#toOwnNode(from, to);
    return this.groupConnection(from.group, to.group);
  }

  groupConnection(from: GroupId, to: GroupId): GroupConnection {
    const byFamily: { [family in Family]?: PortSet } = {};
    for (const family of this.#common(from, to)) byFamily[family] = this.ports.set(this.between(from, to, family));
    return { from, to, ...connectionOf(byFamily) };
  }

  *connections(query: ReachQuery = {}): Generator<GroupConnection> {
    const from = query.from === undefined ? undefined : setOf(query.from);
    const destinations = query.to === undefined ? this.#groups.everyone : setOf(query.to);
    const pairs = size(from ?? this.#groups.everyone) * size(destinations);
    // A few ends are asked one by one, which spares reading everybody's policies.
    if (pairs <= ASKED_SINGLY * this.groups.length) {
      yield* this.#single(from ?? this.#groups.everyone, destinations, query.ports);
      return;
    }
    for (const to of members(destinations))
      for (const cell of this.into(to, from))
        for (const source of members(cell.from)) {
          const connection = this.#narrowed(cell.ports, source, to, query.ports);
          if (connection !== undefined) yield connection;
        }
  }

  pairs(query: ReachQuery = {}): Iterable<PairConnection> {
    return pairsOf(this, query);
  }

  countPodPairs(): number {
    const weights = podsBefore(this.groups);
    let sum = 0;
    for (let to = 0; to < this.#groups.firstNode; to++) {
      const own = weights[to + 1]! - weights[to]!;
      if (own === 0) continue;
      for (const { from } of this.into(to)) {
        for (let i = 0; i < from.length; i += 2)
          sum +=
            own *
            (weights[Math.min(from[i + 1]! + 1, weights.length - 1)]! -
              weights[Math.min(from[i]!, weights.length - 1)]!);
        if (has(from, to)) sum -= own;
      }
    }
    return sum;
  }

  outsideClasses(): readonly (readonly GroupId[])[] {
    return outsideClasses(this.groups, this.#groups.firstOutside, (family) => this.#regions(family));
  }

  /** What one side's policies allow of the other; nothing when they restrict nothing. */
  side(group: GroupId, direction: Direction, family: Family): Region | undefined {
    return this.#sides.read(group, direction, family);
  }

  /** What one side's policies alone allow between the two. */
  sidePorts(group: GroupId, direction: Direction, other: GroupId, family: Family): PortsId {
    const unread = this.#sides.unless(group, direction, family, other);
    if (unread !== undefined) return unread;
    const region = this.#sides.read(group, direction, family);
    return region === undefined ? ALL : portsFor(region, other);
  }

  /** What the one may send to the other over the family, which both have; by policy alone. */
  between(from: GroupId, to: GroupId, family: Family): PortsId {
    const out = this.sidePorts(from, 'egress', to, family);
    return out === NONE ? NONE : this.ports.intersect(out, this.sidePorts(to, 'ingress', from, family));
  }

  /** The groups of pods that the policy, one of the state's, applies to in the direction. */
  subjectsOf(policy: Policy, direction: Direction): IntSet {
    return this.#sides.subjectsOf(policy, direction);
  }

  /** The sources that reach `to`, by what they may send; those of `from` only. */
  into(to: GroupId, from?: IntSet): ColumnCell[] {
    const regions = this.groups[to]!.families.map((family) => ({ family, region: this.#column(family).into(to) }));
    const cells =
      regions.length === 2
        ? mergeFamilies(regions[0]!, regions[1]!)
        : regions.flatMap(({ family, region }) =>
            region.map(({ others, ports }): ColumnCell => ({ from: others, ports: { [family]: ports } })),
          );
    if (from === undefined) return cells;
    return cells.flatMap((cell) => {
      const sources = intersect(cell.from, from);
      return sources.length === 0 ? [] : [{ ...cell, from: sources }];
    });
  }

  /** Whatever the endpoint is, a hostNetwork pod being its node. */
  #ofPod(pod: PodEndpoint): Endpoint | undefined {
    const group = this.#groups.ofPod(pod);
    if (group === undefined) return undefined;
    if (!pod.hostNetwork) return { group, pod };
    const { nodes } = this.groups[group] as { readonly nodes: readonly NodeEndpoint[] };
    return {
      group,
      node: this.state.nodes.get(pod.node ?? '') ?? nodes.find((each) => each.name === (pod.node ?? ''))!,
    };
  }

  #toOwnNode(from: Endpoint, to: Endpoint): Connection {
    const byFamily: { [family in Family]?: PortSet } = {};
    for (const family of this.#common(from.group, to.group)) {
      const region = this.#sides.readOwnNode(from.group, family);
      byFamily[family] = region === undefined ? ALL_PORTS : this.ports.set(portsFor(region, to.group));
    }
    const connection = connectionOf(byFamily);
    return this.#sides.sparesOwnNode(from.group) ? { ...connection, exempt: 'own-node' } : connection;
  }

  #everything(from: Endpoint, to: Endpoint, exempt?: Connection['exempt']): Connection {
    const byFamily = Object.fromEntries(this.#common(from.group, to.group).map((family) => [family, ALL_PORTS]));
    return { ...connectionOf(byFamily), ...(exempt === undefined ? {} : { exempt }) };
  }

  #common(from: GroupId, to: GroupId): Family[] {
    const { families } = this.groups[to]!;
    return this.groups[from]!.families.filter((family) => families.includes(family));
  }

  /** The connection of a cell, over the families that the two have in common and within `wanted`; nothing when empty. */
  #narrowed(ports: ColumnCell['ports'], from: GroupId, to: GroupId, wanted: PortSet | undefined) {
    const byFamily: { [family in Family]?: PortSet } = {};
    for (const family of this.#common(from, to)) byFamily[family] = this.ports.set(ports[family] ?? NONE);
    const connection = narrowed({ from, to, ...connectionOf(byFamily) }, wanted);
    return connection.ports.length === 0 ? undefined : connection;
  }

  *#single(from: IntSet, to: IntSet, wanted: PortSet | undefined): Generator<GroupConnection> {
    const { firstOutside } = this.#groups;
    for (const destination of members(to))
      for (const source of members(from)) {
        if (source >= firstOutside && destination >= firstOutside) continue;
        const connection = narrowed(this.groupConnection(source, destination), wanted);
        if (connection.ports.length > 0) yield connection;
      }
  }

  /** What the sides of all endpoints allow, each region once. */
  #regions(family: Family): Set<Region> {
    const regions = new Set<Region>();
    for (const id of members(range(0, this.#groups.firstOutside - 1)))
      for (const direction of ['ingress', 'egress'] as const) {
        const isPresent = this.groups[id]!.families.includes(family);
        const region = isPresent ? this.#sides.read(id, direction, family) : undefined;
        if (region !== undefined) regions.add(region);
      }
    return regions;
  }

  #column(family: Family): Columns {
    return (this.#columns[family] ??= new Columns(this.#groups, this.#sides, this.ports, family, this.#few));
  }
}

function placed(endpoint: Omit<Endpoint, 'group'>, group: GroupId | undefined): Endpoint | undefined {
  return group === undefined ? undefined : { group, ...endpoint };
}

/** By group of pods: how many pods the groups before it have; supposed ones have none. */
function podsBefore(groups: readonly Group[]): number[] {
  const sums = [0];
  for (const group of groups) {
    if (group.kind !== 'pods') break;
    sums.push(sums.at(-1)! + group.pods.length);
  }
  return sums;
}
