import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCidr, rangeOf } from '../../../base/ip/index.ts';
import type { Pod } from '../../kube/types.ts';
import { clusterState, normalisePolicy, PolicyEngine, tiersOf } from '../../policy/index.ts';
import type { ClusterState, PodEndpoint, PolicyObject } from '../../policy/index.ts';
import { ALL_PORTS, includesTraffic, portRange } from '../port-set.ts';
import { union } from '../int-set.ts';
import { generate } from './generate.ts';
import type { Wish, WishedEnd } from './model.ts';
import { unitsOf } from './units.ts';

const NAMESPACES = ['a', 'b', 'c'];
const labels = fc
  .dictionary(fc.constantFrom('app', 'tier', 'pod-template-hash'), fc.constantFrom('x', 'y'), { maxKeys: 3 })
  .map((each) => ({ ...each }));
const cluster = fc
  .array(fc.record({ namespace: fc.constantFrom(...NAMESPACES), labels }), { minLength: 2, maxLength: 7 })
  .map((pods) =>
    clusterState({
      namespaces: NAMESPACES.map((name) => ({ metadata: { name } })),
      nodes: [0, 1].map((n) => ({
        metadata: { name: `node-${n}` },
        status: { addresses: [{ type: 'InternalIP', address: `172.30.0.${n + 1}` }] },
      })),
      pods: pods.map(({ namespace, labels: own }, i): Pod => ({
        metadata: { namespace, name: `pod-${i}`, labels: own },
        spec: { nodeName: `node-${i % 2}`, containers: [] },
        status: { podIPs: [{ ip: `10.0.${i}.${i + 1}` }] },
      })),
    }),
  );
const ports = fc.constantFrom(
  ALL_PORTS,
  portRange('TCP', 80, 80),
  portRange('TCP', 80, 90),
  portRange('UDP'),
  union(portRange('TCP', 443, 443), portRange('SCTP', 7, 9)),
);
const place = fc.oneof(
  { weight: 5, arbitrary: fc.record({ pod: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ node: fc.nat(1) }) },
  {
    weight: 1,
    arbitrary: fc.record({ block: fc.constantFrom('0.0.0.0/0', '10.0.0.0/8', '203.0.113.0/24', '203.0.113.7/32') }),
  },
);
const wishes = fc.array(fc.record({ from: place, to: place, ports }), { maxLength: 6 });
const FLOWS = [
  { protocol: 'TCP', port: 80 },
  { protocol: 'TCP', port: 85 },
  { protocol: 'TCP', port: 443 },
  { protocol: 'UDP', port: 53 },
  { protocol: 'SCTP', port: 8 },
  { protocol: 'ICMP' },
] as const;

describe('generated policies, in force by themselves,', () => {
  it.each(['kubernetes', 'calico'] as const)('allow the wished connections and no others: %s', (api) => {
    fc.assert(
      fc.property(cluster, wishes, fc.subarray(NAMESPACES, { minLength: 1 }), (state, list, namespaces) => {
        const wished = list.map(({ from, to, ports: set }): Wish => {
          return { from: endOf(state, from), to: endOf(state, to), ports: set, text: '' };
        });
        const { policies, excess, missing } = generate(state, wished, { api, namespaces });
        expect({ excess, missing }).toEqual({ excess: [], missing: [] });
        const normalised = policies.map((policy) => normalisePolicy(policy as PolicyObject)!);
        expect(normalised.flatMap((each) => each.issues)).toEqual([]);
        expectVerdicts({ ...state, tiers: tiersOf(normalised.map((each) => each.policy)) }, wished, namespaces);
      }),
      { numRuns: 300 },
    );
  });
});

/** Asks `evaluate`, which generation knows nothing of, about every two pods with one in the namespaces. */
function expectVerdicts(state: ClusterState, wished: readonly Wish[], namespaces: readonly string[]): void {
  const engine = new PolicyEngine(state);
  const unitOf = new Map(unitsOf(state).flatMap((unit) => unit.pods.map((pod) => [pod.key, unit.id] as const)));
  const isIn = (end: WishedEnd, pod: PodEndpoint) =>
    end.pods.some((each) => unitOf.get(each.key) === unitOf.get(pod.key));
  const pods = [...state.pods.values()];
  for (const from of pods)
    for (const to of pods) {
      if (from === to || ![from, to].some((pod) => namespaces.includes(pod.namespace))) continue;
      for (const flow of FLOWS) {
        const expected = wished.some(
          (wish) => isIn(wish.from, from) && isIn(wish.to, to) && includesTraffic(wish.ports, flow, 4),
        );
        const verdict = engine.evaluate({ source: engine.pod(from, 4), destination: engine.pod(to, 4), ...flow });
        expect(`${from.key} > ${to.key} ${flow.protocol} ${verdict.allowed}`).toBe(
          `${from.key} > ${to.key} ${flow.protocol} ${expected}`,
        );
      }
    }
}

function endOf(state: ClusterState, where: { pod?: number; node?: number; block?: string }): WishedEnd {
  const pods = [...state.pods.values()];
  const none: WishedEnd = { pods: [], nodes: [], ranges: { 4: [], 6: [] } };
  if (where.pod !== undefined) return { ...none, pods: [pods[where.pod % pods.length]!] };
  if (where.node !== undefined) return { ...none, nodes: [state.nodes.get(`node-${where.node}`)!] };
  return { ...none, ranges: { 4: [rangeOf(parseCidr(where.block!)!)], 6: [] } };
}
