import type { Family } from '../../../base/ip/index.ts';
import type { Direction } from '../../policy/index.ts';
import { equal, has, intersect, members, range, setOf, subtract, union, unionAll } from '../int-set.ts';
import type { IntSet } from '../int-set.ts';
import { ALL, NONE, PortTable } from '../port-table.ts';
import type { PortsId } from '../port-table.ts';
import { reach } from '../reach.ts';
import type { ClusterReachability } from '../reach.ts';
import type { Region } from '../region.ts';
import { addedEnds, connectionsOfEnds } from './added.ts';
import { CommonEnds } from './common-ends.ts';
import type { EndId } from './common-ends.ts';
import type { ReachabilityChange, ReachabilityDiff } from './model.ts';
import { ownNodeChanges } from './own-node.ts';
import { ChangeTable } from './rectangles.ts';
import { changedPolicies, haveSameEndpoints } from './same.ts';

/**
 * What becomes reachable from one state to the other, and what stops being. Only connections of endpoints whose policies
 * changed their meaning are looked at, whatever the size of the cluster.
 */
export function diff(before: ClusterReachability, after: ClusterReachability): ReachabilityDiff {
  const [added, removed] = [addedEnds(before, after), addedEnds(after, before)];
  const { opened, closed } = new Comparison(...withCommonDomains(before, after)).run();
  const own = ownNodeChanges(before, after);
  return {
    opened: [...opened, ...own.opened],
    closed: [...closed, ...own.closed],
    added,
    removed,
    addedConnections: () => connectionsOfEnds(after, added),
    removedConnections: () => connectionsOfEnds(before, removed),
  };
}

interface Difference {
  readonly opened: PortsId;
  readonly closed: PortsId;
}

class Comparison {
  readonly #before: ClusterReachability;
  readonly #after: ClusterReachability;
  readonly #ends: CommonEnds;
  /** Ends that other policies may apply to than before, or policies that mean something else. */
  readonly #touched: Readonly<Record<Direction, IntSet>>;
  /** One table for the sets of both states, whose numbers in their own tables differ. */
  readonly #ports = new PortTable();
  readonly #numbersBefore: PortsId[] = [];
  readonly #numbersAfter: PortsId[] = [];
  readonly #familiesOf: (readonly Family[])[] = [];
  /** By pair of regions: the ends that they treat differently. */
  readonly #deltas = new Map<Region | undefined, Map<Region | undefined, IntSet>>();

  constructor(before: ClusterReachability, after: ClusterReachability) {
    this.#before = before;
    this.#after = after;
    this.#ends = new CommonEnds(before, after);
    this.#touched = this.#touchedEnds();
  }

  run(): { readonly opened: readonly ReachabilityChange[]; readonly closed: readonly ReachabilityChange[] } {
    const [opened, closed] = [0, 1].map(() => new ChangeTable(this.#ends.all, this.#ports)) as [
      ChangeTable,
      ChangeTable,
    ];
    for (const [to, sources] of this.#suspects())
      for (const from of members(sources)) {
        if (!this.#isAsked(from, to)) continue;
        const [four, six] = [this.#difference(from, to, 4), this.#difference(from, to, 6)];
        opened.add(from, to, four?.opened, six?.opened);
        closed.add(from, to, four?.closed, six?.closed);
      }
    return { opened: opened.changes(), closed: closed.changes() };
  }

  /** Undefined when the two ends have not both the family, before and after. */
  #difference(from: EndId, to: EndId, family: Family): Difference | undefined {
    if (!this.#families(from).includes(family) || !this.#families(to).includes(family)) return undefined;
    // Whose policies are as before is asked first: it mostly allows nothing, and that settles it.
    const [first, second] = has(this.#touched.egress, from)
      ? (['ingress', 'egress'] as const)
      : (['egress', 'ingress'] as const);
    const [oldFirst, nowFirst] = this.#sidePorts(from, to, first, family);
    if (oldFirst === NONE && nowFirst === NONE) return NO_DIFFERENCE;
    const [oldSecond, nowSecond] = this.#sidePorts(from, to, second, family);
    const [old, now] = [this.#ports.intersect(oldFirst, oldSecond), this.#ports.intersect(nowFirst, nowSecond)];
    return { opened: this.#ports.subtract(now, old), closed: this.#ports.subtract(old, now) };
  }

  /** What the policies of one of the two allow before and after; read once where they mean the same. */
  #sidePorts(from: EndId, to: EndId, direction: Direction, family: Family): readonly [PortsId, PortsId] {
    const [id, other] = direction === 'egress' ? [from, to] : [to, from];
    const [own, across] = [this.#ends.all[id]!, this.#ends.all[other]!];
    const old = this.#before.sidePorts(own.before, direction, across.before, family);
    const before = (this.#numbersBefore[old] ??= this.#ports.id(this.#before.ports.set(old)));
    if (!has(this.#touched[direction], id)) return [before, before];
    const now = this.#after.sidePorts(own.after, direction, across.after, family);
    return [before, (this.#numbersAfter[now] ??= this.#ports.id(this.#after.ports.set(now)))];
  }

  /** By destination: the sources that may reach it otherwise than before. */
  #suspects(): Map<EndId, IntSet> {
    const suspects = new Map<EndId, IntSet>();
    const bySource = new Map<EndId, EndId[]>();
    for (const id of members(this.#touched.ingress)) {
      const sources = this.#changed(id, 'ingress');
      if (sources.length > 0) suspects.set(id, sources);
    }
    for (const id of members(this.#touched.egress))
      for (const to of members(this.#changed(id, 'egress'))) {
        const known = bySource.get(to);
        if (known === undefined) bySource.set(to, [id]);
        else known.push(id);
      }
    for (const [to, sources] of bySource) suspects.set(to, union(suspects.get(to) ?? [], setOf(sources)));
    return suspects;
  }

  /** The ends that the end's own policies treat differently from before. */
  #changed(id: EndId, direction: Direction): IntSet {
    const { before, after } = this.#ends.all[id]!;
    const families = this.#families(id);
    return unionAll(
      families.map((family) =>
        this.#delta(this.#before.side(before, direction, family), this.#after.side(after, direction, family)),
      ),
    );
  }

  #touchedEnds(): Record<Direction, IntSet> {
    const everyone = { ingress: this.#ends.everyone, egress: this.#ends.everyone };
    const states = [this.#before.state, this.#after.state] as const;
    if (states[0].hostEndpoints.size > 0 || !haveSameEndpoints(...states)) return everyone;
    const changed = changedPolicies(...states);
    if (changed === undefined) return everyone;
    const touched = (direction: Direction): IntSet =>
      unionAll([
        ...changed.before.map((policy) => this.#ends.ofBefore(this.#before.subjectsOf(policy, direction))),
        ...changed.after.map((policy) => this.#ends.ofAfter(this.#after.subjectsOf(policy, direction))),
      ]);
    return { ingress: touched('ingress'), egress: touched('egress') };
  }

  #delta(old: Region | undefined, now: Region | undefined): IntSet {
    const known = this.#deltas.get(old) ?? new Map<Region | undefined, IntSet>();
    this.#deltas.set(old, known);
    let delta = known.get(now);
    if (delta === undefined) {
      delta = this.#compare(old, now);
      known.set(now, delta);
    }
    return delta;
  }

  #compare(old: Region | undefined, now: Region | undefined): IntSet {
    if (old === undefined && now === undefined) return [];
    const before = (old ?? whole(this.#before)).map(({ others, ports }) => ({
      ends: this.#ends.ofBefore(others),
      ports: this.#before.ports.set(ports),
    }));
    const after = (now ?? whole(this.#after)).map(({ others, ports }) => ({
      ends: this.#ends.ofAfter(others),
      ports: this.#after.ports.set(ports),
    }));
    const same = before.flatMap((x) =>
      after.flatMap((y) => (equal(x.ports, y.ports) ? [intersect(x.ends, y.ends)] : [])),
    );
    const either = unionAll([...before, ...after].map((each) => each.ends));
    return subtract(either, unionAll(same));
  }

  #families(id: EndId): readonly Family[] {
    const known = this.#familiesOf[id];
    if (known !== undefined) return known;
    const { before, after } = this.#ends.all[id]!;
    const { families } = this.#after.groups[after]!;
    return (this.#familiesOf[id] = this.#before.groups[before]!.families.filter((each) => families.includes(each)));
  }

  /** Between two ends of the outside nothing is told, and a pod with its own node only is judged by itself. */
  #isAsked(from: EndId, to: EndId): boolean {
    const [a, b] = [this.#ends.all[from]!.end, this.#ends.all[to]!.end];
    if (isOutside(a.kind) && isOutside(b.kind)) return false;
    if (a.kind === 'pods' && b.kind === 'pods') return from !== to || a.pods.length > 1;
    const [pods, nodes] = a.kind === 'pods' ? [a, b] : [b, a];
    if (pods.kind !== 'pods' || nodes.kind !== 'nodes') return true;
    return pods.pods.some((pod) => nodes.nodes.some((node) => pod.node !== node.name));
  }
}

const NO_DIFFERENCE: Difference = { opened: NONE, closed: NONE };

function whole({ groups }: ClusterReachability): Region {
  return [{ others: range(0, groups.length - 1), ports: ALL }];
}

/** The two states read with each other's domain names, so that these are ends of both. */
function withCommonDomains(before: ClusterReachability, after: ClusterReachability) {
  const [old, now] = [before, after].map(domainsOf) as [string[], string[]];
  const domains = [...new Set([...old, ...now])];
  return [before, after].map((each, i) =>
    (i === 0 ? old : now).length === domains.length ? each : reach(each.state, { domains }),
  ) as [ClusterReachability, ClusterReachability];
}

function domainsOf({ groups }: ClusterReachability): string[] {
  return groups.flatMap((group) => (group.kind === 'domain' ? [group.pattern] : []));
}

function isOutside(kind: string): boolean {
  return kind === 'addresses' || kind === 'domain';
}
