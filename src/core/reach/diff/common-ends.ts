import { formatIp } from '../../../base/ip/index.ts';
import type { Family, Interval, Ip } from '../../../base/ip/index.ts';
import type { NodeEndpoint, PodEndpoint } from '../../policy/index.ts';
import { append, members, range, setOf } from '../int-set.ts';
import type { IntSet } from '../int-set.ts';
import type { Group, GroupId, Reachability } from '../model.ts';
import type { CommonEnd } from './model.ts';

/** Index of a common end in {@link CommonEnds.all}. */
export type EndId = number;

/** One common end with the group that it belongs to in each state. */
export interface PlacedEnd {
  readonly before: GroupId;
  readonly after: GroupId;
  readonly end: CommonEnd;
}

/** What two states have in common, split wherever one of them tells endpoints apart. */
export class CommonEnds {
  readonly all: readonly PlacedEnd[];
  readonly everyone: IntSet;
  readonly #ofBefore: GroupMap;
  readonly #ofAfter: GroupMap;

  constructor(before: Reachability, after: Reachability) {
    const drafts = [
      ...commonPods(before, after),
      ...commonNodes(before, after),
      ...commonRanges(before.groups, after.groups),
      ...commonDomains(before, after),
    ];
    this.all = drafts.sort((a, b) => a.before - b.before || a.after - b.after);
    this.everyone = range(0, this.all.length - 1);
    this.#ofBefore = new GroupMap(this.all.map((each) => each.before));
    this.#ofAfter = new GroupMap(this.all.map((each) => each.after));
  }

  /** The common ends in groups of the one state. */
  ofBefore(groups: IntSet): IntSet {
    return this.#ofBefore.map(groups);
  }

  /** The common ends in groups of the other. */
  ofAfter(groups: IntSet): IntSet {
    return this.#ofAfter.map(groups);
  }
}

/** From groups to the ends in them. Where both go in the same order, runs stay runs. */
class GroupMap {
  readonly #ends = new Map<GroupId, number[]>();
  /** By group: the first end of it or of a later one; absent when the orders differ. */
  readonly #starts: number[] | undefined;

  constructor(groupOf: readonly GroupId[]) {
    for (const [end, group] of groupOf.entries()) {
      const known = this.#ends.get(group) ?? [];
      this.#ends.set(group, known);
      append(known, end, end);
    }
    if (groupOf.every((group, i) => i === 0 || groupOf[i - 1]! <= group)) this.#starts = startsOf(groupOf);
  }

  map(groups: IntSet): IntSet {
    const starts = this.#starts;
    if (starts === undefined)
      return setOf([...members(groups)].flatMap((each) => [...members(this.#ends.get(each) ?? [])]));
    const runs: number[] = [];
    const at = (group: GroupId): number => starts[Math.min(group, starts.length - 1)]!;
    for (let i = 0; i < groups.length; i += 2) {
      const first = at(groups[i]!);
      const last = at(groups[i + 1]! + 1) - 1;
      if (first <= last) append(runs, first, last);
    }
    return runs;
  }
}

function startsOf(groupOf: readonly GroupId[]): number[] {
  const starts: number[] = [];
  for (const [end, group] of groupOf.entries()) while (starts.length <= group) starts.push(end);
  starts.push(groupOf.length);
  return starts;
}

function commonPods(before: Reachability, after: Reachability): PlacedEnd[] {
  const found = new Map<string, PlacedEnd & { end: { pods: PodEndpoint[] } }>();
  for (const group of after.groups) {
    if (group.kind !== 'pods') continue;
    for (const pod of group.pods) {
      const old = before.resolve({ kind: 'pod', key: pod.key });
      if (old?.pod === undefined) continue;
      const key = `${old.group} ${group.id}`;
      const known = found.get(key);
      if (known !== undefined) known.end.pods.push(pod);
      else
        found.set(key, {
          before: old.group,
          after: group.id,
          end: { kind: 'pods', namespace: group.namespace, pods: [pod] },
        });
    }
  }
  return [...found.values()];
}

/** A node under its first addresses, or under one that one of the states judges apart. */
interface NodePlace {
  readonly name: string;
  readonly ip: Ip | undefined;
}

function commonNodes(before: Reachability, after: Reachability): PlacedEnd[] {
  const places = new Map<string, NodePlace>();
  for (const { groups } of [before, after]) for (const each of nodePlaces(groups)) places.set(placeKey(each), each);
  const found = new Map<string, PlacedEnd & { end: { nodes: NodeEndpoint[]; addresses?: Ip[] } }>();
  for (const { name, ip } of places.values()) {
    const [old, now] = [before, after].map((each) =>
      each.resolve(ip === undefined ? { kind: 'node', name } : { kind: 'address', ip }),
    );
    if (old?.node?.name !== name || now?.node?.name !== name) continue;
    const key = `${old.group} ${now.group} ${ip === undefined}`;
    const known = found.get(key) ?? {
      before: old.group,
      after: now.group,
      end: { kind: 'nodes', nodes: [], ...(ip === undefined ? {} : { addresses: [] }) },
    };
    found.set(key, known);
    known.end.nodes.push(now.node);
    if (ip !== undefined) known.end.addresses!.push(ip);
  }
  return [...found.values()];
}

function nodePlaces(groups: readonly Group[]): NodePlace[] {
  return groups.flatMap((group) =>
    group.kind !== 'nodes' ? [] : group.nodes.map(({ name }, i) => ({ name, ip: group.addresses?.[i] })),
  );
}

function placeKey({ name, ip }: NodePlace): string {
  return ip === undefined ? name : `${name} ${formatIp(ip)}`;
}

type OwnedRange = Interval & { readonly group: GroupId };

function commonRanges(before: readonly Group[], after: readonly Group[]): PlacedEnd[] {
  return ([4, 6] as const).flatMap((family) => {
    const [a, b] = [rangesOf(before, family), rangesOf(after, family)];
    const found = new Map<string, PlacedEnd & { end: { ranges: Interval[] } }>();
    for (let i = 0, j = 0; i < a.length && j < b.length;) {
      const [x, y] = [a[i]!, b[j]!];
      const first = x.first > y.first ? x.first : y.first;
      const last = x.last < y.last ? x.last : y.last;
      if (first <= last) {
        const key = `${x.group} ${y.group}`;
        const known = found.get(key);
        if (known !== undefined) known.end.ranges.push({ first, last });
        else
          found.set(key, {
            before: x.group,
            after: y.group,
            end: { kind: 'addresses', family, ranges: [{ first, last }] },
          });
      }
      if (x.last < y.last) i++;
      else j++;
    }
    return [...found.values()];
  });
}

function rangesOf(groups: readonly Group[], family: Family): OwnedRange[] {
  return groups
    .flatMap((group) =>
      group.kind === 'addresses' && group.family === family
        ? group.ranges.map((each) => ({ ...each, group: group.id }))
        : [],
    )
    .sort((a, b) => (a.first < b.first ? -1 : 1));
}

function commonDomains(before: Reachability, after: Reachability): PlacedEnd[] {
  return after.groups.flatMap((group): PlacedEnd[] => {
    if (group.kind !== 'domain') return [];
    const { pattern } = group;
    const old = before.resolve({ kind: 'domain', pattern });
    return old === undefined ? [] : [{ before: old.group, after: group.id, end: { kind: 'domain', pattern } }];
  });
}
