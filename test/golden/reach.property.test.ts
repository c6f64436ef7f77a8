import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusterState } from '../../src/core/policy/index.ts';
import { disjoint, intersect, members, portRange, reach } from '../../src/core/reach/index.ts';
import type { Connection, Endpoint, PairConnection, Reachability } from '../../src/core/reach/index.ts';
import { ClusterReachability } from '../../src/core/reach/reach.ts';
import { arbitraryCluster } from './arbitrary-cluster.ts';
import { arbitraryModel } from './arbitrary-model.ts';
import { arbitraryObjects } from './arbitrary-objects.ts';
import { expectAgreement } from './reach-agreement.ts';

describe('reach, over generated clusters', () => {
  it('agrees with evaluate about NetworkPolicies', () => {
    fc.assert(
      fc.property(arbitraryCluster, (cluster) => expectAgreement(clusterState(cluster))),
      { numRuns: 700 },
    );
  });

  it('agrees with evaluate about the whole model, host endpoints included', () => {
    fc.assert(
      fc.property(arbitraryModel(), ({ state }) => expectAgreement(state)),
      { numRuns: 1200 },
    );
  });

  it('agrees with evaluate about policies of every API together', () => {
    fc.assert(
      fc.property(arbitraryObjects, (objects) => expectAgreement(clusterState(objects))),
      { numRuns: 300 },
    );
  });

  it('lists exactly the pairs that connect when asked one by one, and counts them', () => {
    fc.assert(
      fc.property(arbitraryModel(), ({ state }) => {
        const reachability = reach(state);
        const ends = endsOf(reachability);
        const asked = new Map<string, string>();
        for (const from of ends)
          for (const to of ends) {
            if (isOutside(reachability, from) && isOutside(reachability, to)) continue;
            if ((from.pod ?? from.node ?? from) === (to.pod ?? to.node ?? to)) continue;
            const connection = reachability.connection(from, to);
            if (connection.ports.length > 0) asked.set(`${nameOf(from)} > ${nameOf(to)}`, textOfSets(connection));
          }
        const listed = [...reachability.pairs()];
        const names = listed.map(({ from, to }) => `${nameOf(from)} > ${nameOf(to)}`);
        expect(new Map(names.map((name, i) => [name, textOfSets(listed[i]!)]))).toEqual(asked);
        expect(names.length).toBe(asked.size);
        expect(reachability.countPodPairs()).toBe(listed.filter(({ from, to }) => from.pod && to.pod).length);
      }),
      { numRuns: 200 },
    );
  });

  // Clusters large enough to have many destinations are too large to ask pair by pair; so fewer count as many.
  it.each([1, 3])(
    'joins the sides of everybody into the same as asking pair by pair: few is %i',
    (few) => {
      fc.assert(
        fc.property(arbitraryModel(), ({ state }) => {
          const reachability = new ClusterReachability(state, {}, few);
          for (const { id } of reachability.groups)
            expect(joinedInto(reachability, id)).toEqual(askedInto(reachability, id));
        }),
        { numRuns: 500 },
      );
    },
    120_000,
  );

  it('puts ranges of the outside together exactly when everybody connects with them alike', () => {
    fc.assert(
      fc.property(arbitraryModel(), ({ state }) => {
        const reachability = reach(state);
        const ends = reachability.groups.filter(({ kind }) => kind === 'pods' || kind === 'nodes');
        const ranges = reachability.groups.filter(({ kind }) => kind === 'addresses');
        const signature = (id: number) =>
          ends
            .flatMap((end) => [reachability.groupConnection(id, end.id), reachability.groupConnection(end.id, id)])
            .map(textOfSets)
            .join(' ; ');
        const classes = reachability.outsideClasses();
        expect(classes.flat().toSorted((a, b) => a - b)).toEqual(ranges.map(({ id }) => id));
        for (const each of classes) expect(new Set(each.map(signature)).size).toBe(1);
        const familyOf = (id: number) => reachability.groups[id]!.families.join();
        const distinct = new Set(ranges.map(({ id }) => `${familyOf(id)} ${signature(id)}`));
        expect(classes.length).toBe(distinct.size);
      }),
      { numRuns: 200 },
    );
  });

  it('lists what a query asks for and nothing else', () => {
    fc.assert(
      fc.property(arbitraryModel(), fc.nat(), fc.nat(), ({ state }, a, b) => {
        const reachability = reach(state);
        const [from, to] = [[a % reachability.groups.length], [b % reachability.groups.length]];
        const ports = portRange('TCP', 80, 81);
        const all = [...reachability.pairs()].filter(
          (each) => from.includes(each.from.group) && to.includes(each.to.group),
        );
        const narrow = all.filter((each) => !disjoint(each.ports, ports));
        const texts = (pairs: Iterable<PairConnection>) =>
          [...pairs].map((each) => `${nameOf(each.from)} > ${nameOf(each.to)} ${intersect(each.ports, ports).join()}`);
        expect(texts(reachability.pairs({ from, to }))).toEqual(texts(all));
        expect(texts(reachability.pairs({ from, to, ports }))).toEqual(texts(narrow));
      }),
      { numRuns: 100 },
    );
  });
});

/** By source and family what the join says may reach the group, each told once. */
function joinedInto(reachability: ClusterReachability, to: number): Map<string, string> {
  const joined = new Map<string, string>();
  for (const { from, ports } of reachability.into(to))
    for (const source of members(from))
      for (const family of reachability.families) {
        if (ports[family] === undefined) continue;
        expect(joined.has(`${source} ${family}`)).toBe(false);
        joined.set(`${source} ${family}`, reachability.ports.set(ports[family]).join());
      }
  return joined;
}

function askedInto(reachability: Reachability, to: number): Map<string, string> {
  const isRest = (id: number) => !['pods', 'nodes'].includes(reachability.groups[id]!.kind);
  const asked = new Map<string, string>();
  for (const { id: from } of reachability.groups) {
    if (isRest(from) && isRest(to)) continue;
    const { byFamily } = reachability.groupConnection(from, to);
    for (const family of reachability.families)
      if ((byFamily[family] ?? []).length > 0) asked.set(`${from} ${family}`, byFamily[family]!.join());
  }
  return asked;
}

/** Every single end of the enumeration. */
function endsOf({ groups }: Reachability): Endpoint[] {
  return groups.flatMap((group): Endpoint[] => {
    if (group.kind === 'pods') return group.pods.map((pod) => ({ group: group.id, pod }));
    if (group.kind !== 'nodes') return [{ group: group.id }];
    return group.nodes.map((node, i) => {
      const ip = group.addresses?.[i];
      return { group: group.id, node, ...(ip === undefined ? {} : { ip }) };
    });
  });
}

function isOutside(reachability: Reachability, end: Endpoint): boolean {
  const { kind } = reachability.groups[end.group]!;
  return kind === 'addresses' || kind === 'domain';
}

function nameOf({ group, pod, node, ip }: Endpoint): string {
  if (pod !== undefined) return pod.key;
  return node === undefined ? `group ${group}` : `${node.key} ${ip?.value}`;
}

function textOfSets({ byFamily }: Connection): string {
  return ([4, 6] as const).map((family) => byFamily[family]?.join()).join(' | ');
}
