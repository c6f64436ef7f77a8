import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIp } from '../../src/base/ip/index.ts';
import type { NetworkPolicy } from '../../src/core/kube/types.ts';
import { clusterState } from '../../src/core/policy/cluster-state.ts';
import { PolicyEngine } from '../../src/core/policy/evaluate.ts';
import { explain, formatExplanation } from '../../src/core/policy/explain.ts';
import type { FlowProtocol, Party } from '../../src/core/policy/flow.ts';
import { nearestMisses } from '../../src/core/policy/near-miss.ts';
import { arbitraryCluster, OUTSIDE, PORTS } from './arbitrary-cluster.ts';
import { oracleAllows } from './oracle.ts';
import type { OracleCluster, OracleParty } from './oracle.ts';

const PROTOCOLS: readonly FlowProtocol[] = ['TCP', 'UDP', 'SCTP', 'ICMP'];

interface Pair {
  readonly name: string;
  readonly party: Party;
  readonly oracle: OracleParty;
}

/** Everyone who can send or receive in the family, named both ways. */
function parties(cluster: OracleCluster, engine: PolicyEngine, family: 4 | 6): Pair[] {
  const ofFamily = (ip: string): boolean => ip.includes(':') === (family === 6);
  const pods = cluster.pods.flatMap((pod): Pair[] => {
    if (pod.status?.phase === 'Succeeded') return [];
    const name = `${pod.metadata?.namespace}/${pod.metadata?.name}`;
    const ip = pod.status!.podIPs!.find((each) => ofFamily(each.ip!))!.ip!;
    return [{ name, party: engine.pod(engine.state.pods.get(name)!, family), oracle: { pod, ip } }];
  });
  const nodes = cluster.nodes.flatMap((node) =>
    [...node.status!.addresses!.map((each) => each.address), ...Object.values(node.metadata!.annotations!)]
      .filter(ofFamily)
      .map((ip): Pair => ({
        name: `${node.metadata!.name!} ${ip}`,
        party: engine.address(parseIp(ip)!),
        oracle: { node, ip },
      })),
  );
  // The addresses of completed pods are nobody's.
  const gone = cluster.pods
    .filter((pod) => pod.status?.phase === 'Succeeded' && pod.spec?.hostNetwork !== true)
    .flatMap((pod) => pod.status!.podIPs!.map((each) => each.ip!));
  const outside = [...OUTSIDE, ...gone]
    .filter(ofFamily)
    .map((ip): Pair => ({ name: ip, party: engine.address(parseIp(ip)!), oracle: { ip } }));
  return [...pods, ...nodes, ...outside];
}

/** Every verdict of the cluster, as `source > destination protocol/port` → allowed. */
function matrix(cluster: OracleCluster): Map<string, boolean> {
  const engine = new PolicyEngine(clusterState(cluster));
  const result = new Map<string, boolean>();
  for (const family of [4, 6] as const)
    for (const source of parties(cluster, engine, family))
      for (const destination of parties(cluster, engine, family))
        for (const protocol of PROTOCOLS)
          for (const port of protocol === 'ICMP' ? [undefined] : PORTS) {
            const flow = { source: source.party, destination: destination.party, protocol };
            const { allowed } = engine.evaluate(port === undefined ? flow : { ...flow, port });
            result.set(`${source.name} > ${destination.name} ${protocol}/${port}`, allowed);
          }
  return result;
}

describe('evaluate, over generated clusters', () => {
  it('agrees with a naive reading of the API text, for every pair, protocol, port and family', () => {
    fc.assert(
      fc.property(arbitraryCluster, (cluster) => {
        const state = clusterState(cluster);
        expect(state.issues).toEqual([]);
        const engine = new PolicyEngine(state);
        for (const family of [4, 6] as const)
          for (const source of parties(cluster, engine, family))
            for (const destination of parties(cluster, engine, family))
              for (const protocol of PROTOCOLS) {
                const port =
                  protocol === 'ICMP'
                    ? undefined
                    : PORTS[(source.name.length + destination.name.length) % PORTS.length];
                const flow = { source: source.party, destination: destination.party, protocol };
                const verdict = engine.evaluate(port === undefined ? flow : { ...flow, port });
                const expected = oracleAllows(cluster, source.oracle, destination.oracle, protocol, port);
                if (verdict.allowed !== expected)
                  expect.fail(`${source.name} > ${destination.name} ${protocol}/${port}: oracle says ${expected}`);
              }
      }),
      { numRuns: 300 },
    );
  });

  it('explains every flow, and names for denied ones only misses that lack something', () => {
    fc.assert(
      fc.property(arbitraryCluster, (cluster) => {
        const engine = new PolicyEngine(clusterState(cluster));
        for (const family of [4, 6] as const)
          for (const source of parties(cluster, engine, family))
            for (const destination of parties(cluster, engine, family)) {
              const flow = { source: source.party, destination: destination.party, protocol: 'TCP', port: 80 } as const;
              const verdict = engine.evaluate(flow);
              const misses = nearestMisses(engine, verdict);
              expect(formatExplanation(explain(verdict, misses))).not.toMatch(/undefined|\[object/);
              for (const miss of misses)
                if (miss.peer === undefined && miss.port === undefined)
                  expect.fail(`${miss.rule.source.path} of ${miss.policy.key} lacks nothing, yet did not match`);
            }
      }),
      { numRuns: 100 },
    );
  });

  it('does not depend on the order of objects', () => {
    fc.assert(
      fc.property(arbitraryCluster, (cluster) => {
        const reversed: OracleCluster = {
          namespaces: cluster.namespaces.toReversed(),
          nodes: cluster.nodes.toReversed(),
          pods: cluster.pods.toReversed(),
          networkPolicies: cluster.networkPolicies.toReversed(),
        };
        expect(Object.fromEntries(matrix(reversed))).toEqual(Object.fromEntries(matrix(cluster)));
      }),
      { numRuns: 20 },
    );
  });

  it('gives the same verdicts when each policy is split into one policy per rule', () => {
    fc.assert(
      fc.property(arbitraryCluster, (cluster) => {
        const split = { ...cluster, networkPolicies: cluster.networkPolicies.flatMap(splitByRule) };
        expect(matrix(split)).toEqual(matrix(cluster));
      }),
      { numRuns: 20 },
    );
  });

  it('is not changed by a policy that selects nothing', () => {
    fc.assert(
      fc.property(arbitraryCluster, (cluster) => {
        const idle: NetworkPolicy = {
          metadata: { name: 'idle', namespace: 'ns-0' },
          spec: { podSelector: { matchLabels: { app: 'nobody' } }, policyTypes: ['Ingress', 'Egress'] },
        };
        const more = { ...cluster, networkPolicies: [...cluster.networkPolicies, idle] };
        expect(matrix(more)).toEqual(matrix(cluster));
      }),
      { numRuns: 20 },
    );
  });

  it('allows no more when a rule is taken away, and no less when one is added', () => {
    fc.assert(
      fc.property(arbitraryCluster, (cluster) => {
        const first = cluster.networkPolicies[0];
        const spec = first?.spec;
        fc.pre(first !== undefined && spec !== undefined && (spec.ingress ?? []).length > 0);
        // Egress rules stay as they are, so that the defaulted policyTypes do, too.
        const fewer = { ...first, spec: { ...spec, ingress: spec.ingress!.slice(1) } };
        const before = matrix(cluster);
        const after = matrix({ ...cluster, networkPolicies: [fewer, ...cluster.networkPolicies.slice(1)] });
        for (const [flow, allowed] of after) if (allowed && before.get(flow) !== true) expect.fail(flow);
      }),
      { numRuns: 20 },
    );
  });
});

/** One policy that isolates as before and allows nothing, and one for each rule. */
function splitByRule(policy: NetworkPolicy): NetworkPolicy[] {
  const { podSelector, policyTypes, ingress = [], egress = [] } = policy.spec!;
  const given = policyTypes ?? [];
  const types = given.length > 0 ? given : egress.length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
  const part = (suffix: string, spec: object): NetworkPolicy => ({
    ...policy,
    metadata: { ...policy.metadata, name: `${policy.metadata!.name}-${suffix}` },
    spec: { podSelector, policyTypes: types, ...spec },
  });
  return [
    part('base', {}),
    ...ingress.map((rule, i) => part(`in-${i}`, { ingress: [rule] })),
    ...egress.map((rule, i) => part(`out-${i}`, { egress: [rule] })),
  ];
}
