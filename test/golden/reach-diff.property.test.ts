import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIp } from '../../src/base/ip/index.ts';
import type { Ip } from '../../src/base/ip/index.ts';
import { tiersOf } from '../../src/core/policy/index.ts';
import type { ClusterState } from '../../src/core/policy/index.ts';
import { diff, reach, subtract } from '../../src/core/reach/index.ts';
import type { CommonEnd, EndpointRef, Reachability, ReachabilityChange } from '../../src/core/reach/index.ts';
import { arbitraryModel, STRANGERS } from './arbitrary-model.ts';

describe('diff, over generated clusters', () => {
  it('tells between any two states exactly what asking both about every pair tells', () => {
    fc.assert(
      fc.property(arbitraryModel(), arbitraryModel(), ({ state: before }, { state: after }) => {
        expectExact(before, after);
      }),
      { numRuns: 250 },
    );
  });

  it('does so when only policies come, go and change', () => {
    fc.assert(
      fc.property(arbitraryModel(), arbitraryModel(), fc.nat(), ({ state, policies, tierSpecs }, other, n) => {
        const renamed = other.policies.map((policy, i) => ({ ...policy, key: `Other/${i}` }));
        const kept = policies.filter((_, i) => i !== n % (policies.length + 1));
        const after = { ...state, tiers: tiersOf([...kept, ...renamed.slice(0, 1)], tierSpecs) };
        expectExact(state, after);
        expectExact(after, state);
      }),
      { numRuns: 250 },
    );
  });

  it('tells nothing when a state is read anew', () => {
    fc.assert(
      fc.property(arbitraryModel(), ({ state }) => {
        const { opened, closed, added, removed } = diff(reach(state), reach(structuredClone(state)));
        expect({ opened, closed, added, removed }).toEqual({ opened: [], closed: [], added: [], removed: [] });
      }),
      { numRuns: 100 },
    );
  });
});

function expectExact(before: ClusterState, after: ClusterState): void {
  const [old, now] = [reach(before), reach(after)];
  const { opened, closed } = diff(old, now);
  const [toldOpened, toldClosed] = [expand(opened), expand(closed)];
  const places = placesOf(before, after);
  for (const from of places)
    for (const to of places) {
      if (from.name === to.name || (isOutside(from.ref) && isOutside(to.ref))) continue;
      const [a, b] = [connectionOf(old, from.ref, to.ref), connectionOf(now, from.ref, to.ref)];
      if (a === undefined || b === undefined) continue;
      for (const family of [4, 6] as const) {
        const [x, y] = [a.byFamily[family], b.byFamily[family]];
        if (x === undefined || y === undefined) continue;
        const key = `${from.name} > ${to.name} ${family}`;
        expect(`${key} ${toldOpened.get(key) ?? ''}`).toBe(`${key} ${subtract(y, x).join()}`);
        expect(`${key} ${toldClosed.get(key) ?? ''}`).toBe(`${key} ${subtract(x, y).join()}`);
      }
    }
}

interface Place {
  readonly name: string;
  readonly ref: EndpointRef;
}

/** Pods and nodes of both states, nodes by their further addresses too where these are judged apart, and strangers. */
function placesOf(before: ClusterState, after: ClusterState): Place[] {
  const pods = [...after.pods.values()].filter((pod) => {
    const old = before.pods.get(pod.key);
    return old !== undefined && ![pod, old].some((each) => each.hostNetwork || each.completed) && pod.node === old.node;
  });
  return [
    ...pods.map(({ key }): Place => ({ name: key, ref: { kind: 'pod', key } })),
    ...[...after.nodes.keys()]
      .filter((name) => before.nodes.has(name))
      .map((name): Place => ({ name, ref: { kind: 'node', name } })),
    ...STRANGERS.map((ip): Place => ({ name: formatIp(ip), ref: { kind: 'address', ip } })),
  ];
}

function connectionOf(reachability: Reachability, from: EndpointRef, to: EndpointRef) {
  const [source, destination] = [reachability.resolve(from), reachability.resolve(to)];
  return source === undefined || destination === undefined ? undefined : reachability.connection(source, destination);
}

function isOutside(ref: EndpointRef): boolean {
  return ref.kind === 'address' || ref.kind === 'domain';
}

/** Single pairs of places with what changes, over each family. */
function expand(changes: readonly ReachabilityChange[]): Map<string, string> {
  const result = new Map<string, string>();
  for (const { from, to, byFamily, ownNode } of changes)
    for (const [source, sourceNode] of from.flatMap(namesOf))
      for (const [destination, destinationNode] of to.flatMap(namesOf)) {
        // Only these two can be a pod and its own node: what names a node itself is never in a namespace.
        const own = sourceNode === destinationNode && source.includes('/') !== destination.includes('/');
        if (source === destination || (own && sourceNode !== undefined && ownNode !== true)) continue;
        for (const family of [4, 6] as const) {
          const ports = byFamily[family];
          const key = `${source} > ${destination} ${family}`;
          if (ports === undefined || ports.length === 0) continue;
          expect(result.has(key), `${key} is told twice`).toBe(false);
          result.set(key, ports.join());
        }
      }
  return result;
}

/** Names of the places in an end, each with the node that it is on or is. */
function namesOf(end: CommonEnd): (readonly [string, string | undefined])[] {
  switch (end.kind) {
    case 'pods':
      return end.pods.map((pod) => [pod.key, pod.node] as const);
    case 'nodes':
      return end.addresses === undefined ? end.nodes.map(({ name }) => [name, name] as const) : [];
    case 'addresses':
      return STRANGERS.filter((ip) => holds(end, ip)).map((ip) => [formatIp(ip), undefined] as const);
    case 'domain':
      return [];
  }
}

function holds(end: CommonEnd & { readonly kind: 'addresses' }, ip: Ip): boolean {
  return ip.family === end.family && end.ranges.some(({ first, last }) => first <= ip.value && ip.value <= last);
}
