import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIp } from '../../src/base/ip/index.ts';
import { convertObject } from '../../src/core/kube/convert/convert-object.ts';
import type { JsonObject } from '../../src/core/kube/convert/conversion.ts';
import { validateObject } from '../../src/core/kube/validate/validate-object.ts';
import { PolicyEngine, clusterState, normalisePolicy } from '../../src/core/policy/index.ts';
import type { FlowProtocol, Party, PolicyObject } from '../../src/core/policy/index.ts';
import { OUTSIDE, PORTS, arbitraryCluster } from './arbitrary-cluster.ts';
import type { OracleCluster } from './oracle.ts';

const PROTOCOLS: readonly FlowProtocol[] = ['TCP', 'UDP', 'SCTP', 'ICMP', '47'];

describe('converted policies, over generated clusters', () => {
  it('a Calico policy and the Kubernetes policy that it becomes give the same verdicts', () => {
    let conversions = 0;
    fc.assert(
      fc.property(
        arbitraryCluster,
        fc.array(calicoPolicy(), { minLength: 1, maxLength: 3 }),
        networkSets(),
        (cluster, policies, sets) => {
          const named = policies.map((policy, index) => ({
            ...policy,
            metadata: { name: `calico-${index}`, namespace: `ns-${index % 2}` },
          }));
          const all = [...named, ...sets, ...cluster.networkPolicies] as unknown as readonly JsonObject[];
          const converted = all.map((object) => {
            const conversion = convertObject(object, all);
            return conversion.kind === 'converted' ? conversion.object : object;
          });
          const made = converted.filter((object, index) => object !== all[index]);
          conversions += made.length;
          expect(made.flatMap((object) => validateObject(object))).toEqual([]);
          expect(matrix(cluster, converted)).toEqual(matrix(cluster, all));
        },
      ),
      { numRuns: 400 },
    );
    // Otherwise the property would say nothing.
    expect(conversions).toBeGreaterThan(100);
  });

  it('an AdminNetworkPolicy and the ClusterNetworkPolicy that it becomes give the same verdicts', () => {
    fc.assert(
      fc.property(arbitraryCluster, adminPolicies(), (cluster, policies) => {
        const named = policies.map((policy, index) => {
          const baseline = policy['kind'] === 'BaselineAdminNetworkPolicy';
          return { ...policy, metadata: { name: baseline ? 'default' : `admin-${index}` } };
        });
        const converted = named.map((object) => {
          const conversion = convertObject(object);
          expect(conversion.kind).toBe('converted');
          return conversion.kind === 'converted' ? conversion.object : object;
        });
        expect(converted.flatMap((object) => normalisePolicy(object as PolicyObject)!.issues)).toEqual([]);
        const rest = cluster.networkPolicies as unknown as readonly JsonObject[];
        expect(matrix(cluster, [...converted, ...rest])).toEqual(matrix(cluster, [...named, ...rest]));
      }),
      { numRuns: 200 },
    );
  });
});

/** Every connection that is allowed, but those of a pod to its own node, which only NetworkPolicies leave alone. */
function matrix(cluster: OracleCluster, objects: readonly JsonObject[]): string[] {
  const isSet = (each: JsonObject): boolean => each['kind'] === 'NetworkSet';
  const state = clusterState({
    namespaces: cluster.namespaces,
    nodes: cluster.nodes,
    pods: cluster.pods,
    policies: objects.filter((each) => !isSet(each)) as readonly PolicyObject[],
    networkSets: objects.filter(isSet) as readonly PolicyObject[],
  });
  const engine = new PolicyEngine(state);
  const allowed: string[] = [];
  for (const family of [4, 6] as const) {
    const parties: Party[] = [
      ...[...state.pods.values()].filter((pod) => !pod.completed).map((pod) => engine.pod(pod, family)),
      ...OUTSIDE.flatMap((text) => {
        const ip = parseIp(text)!;
        return ip.family === family ? [engine.address(ip)] : [];
      }),
    ];
    for (const [i, source] of parties.entries())
      for (const [j, destination] of parties.entries()) {
        if (source.kind === 'pod' && destination.kind === 'node' && destination.node.name === source.pod.node) continue;
        for (const protocol of PROTOCOLS)
          for (const port of ['ICMP', '47'].includes(protocol) ? [undefined] : PORTS) {
            const flow = { source, destination, protocol, family, ...(port === undefined ? {} : { port }) };
            if (engine.evaluate(flow).allowed) allowed.push(`${family} ${i} > ${j} ${protocol}/${port}`);
          }
      }
  }
  return allowed;
}

function calicoPolicy(): fc.Arbitrary<Record<string, unknown>> {
  const rules = (direction: string): fc.Arbitrary<unknown> => fc.array(calicoRule(direction), { maxLength: 2 });
  return fc
    .record({
      selector: fc.constantFrom(
        undefined,
        '',
        'all()',
        "app == 'a'",
        "app in {'a', 'b'} && !has(tier)",
        "app == 'a' || tier == 'b'",
      ),
      order: fc.constantFrom(undefined, 10, 1000, 2000),
      types: fc.constantFrom(undefined, ['Ingress'], ['Egress'], ['Ingress', 'Egress']),
      ingress: rules('ingress'),
      egress: rules('egress'),
    })
    .map((spec) => ({ apiVersion: 'projectcalico.org/v3', kind: 'NetworkPolicy', spec: present(spec) }));
}

function calicoRule(direction: string): fc.Arbitrary<unknown> {
  const ports = fc.constantFrom(undefined, [80], ['80:81', 'http'], ['dns']);
  const peer = fc.oneof(
    fc.constant({}),
    fc.record({ selector: calicoSelector('app', 'tier') }),
    fc.record({ namespaceSelector: calicoSelector('env', 'projectcalico.org/name') }),
    fc.record({ selector: calicoSelector('app', 'tier'), namespaceSelector: calicoSelector('env', 'team') }),
    fc.constantFrom(
      { nets: ['10.244.0.0/16'], notNets: ['10.244.0.0/24', '172.30.0.0/16'] },
      { nets: ['10.244.0.0/24', '::/0'], notNets: ['10.0.0.0/8'] },
      { notNets: ['10.244.1.0/24'] },
      { nets: ['203.0.113.10'] },
    ),
  );
  return fc
    .record({
      action: fc.constantFrom('Allow', 'Allow', 'Allow', 'Allow', 'Allow', 'Deny', 'Pass', 'Log'),
      protocol: fc.constantFrom(undefined, 'TCP', 'UDP', 17, 'ICMP'),
      ipVersion: fc.constantFrom(undefined, undefined, undefined, 4, 6),
      peer,
      ports,
    })
    .map(({ peer: other, ports: listed, protocol, ...rule }) => {
      const own = protocol === undefined || protocol === 'ICMP' || listed === undefined ? {} : { ports: listed };
      const sides =
        direction === 'ingress'
          ? { source: other, destination: own }
          : { source: {}, destination: { ...other, ...own } };
      return present({ ...rule, protocol, ...sides });
    });
}

function calicoSelector(...keys: string[]): fc.Arbitrary<string> {
  const term = fc.oneof(
    fc
      .tuple(fc.constantFrom(...keys), fc.constantFrom('==', '!='), fc.constantFrom('a', 'b', 'ns-0'))
      .map(([key, operator, value]) => `${key} ${operator} '${value}'`),
    fc.constantFrom(...keys).map((key) => `has(${key})`),
    fc.constantFrom(...keys).map((key) => `${key} not in {'a', 'ns-1'}`),
    fc.constant('all()'),
  );
  return fc.oneof(
    { weight: 4, arbitrary: term },
    { weight: 2, arbitrary: fc.tuple(term, fc.constantFrom('&&', '||'), term).map((parts) => parts.join(' ')) },
    { weight: 1, arbitrary: term.map((each) => `!(${each})`) },
  );
}

function networkSets(): fc.Arbitrary<readonly unknown[]> {
  const set = fc.record({
    apiVersion: fc.constant('projectcalico.org/v3'),
    kind: fc.constant('NetworkSet'),
    metadata: fc.record({
      name: fc.constant('set'),
      namespace: fc.constantFrom('ns-0', 'ns-1'),
      labels: fc
        .dictionary(fc.constantFrom('app', 'tier'), fc.constantFrom('a', 'b'), { maxKeys: 1 })
        .map((each) => ({ ...each })),
    }),
    spec: fc.constant({ nets: ['203.0.113.0/24', '2001:db8:113::/48'] }),
  });
  return fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(set, { maxLength: 1 }) });
}

function adminPolicies(): fc.Arbitrary<readonly Record<string, unknown>[]> {
  const pods = { namespaceSelector: {}, podSelector: { matchLabels: { app: 'a' } } };
  const inCluster = fc.constantFrom({ namespaces: {} }, { namespaces: { matchLabels: { env: 'a' } } }, { pods });
  const outside = fc.constantFrom({ nodes: {} }, { networks: ['10.244.0.0/24', '::/0'] });
  const ports = fc.constantFrom(
    undefined,
    [{ portNumber: { protocol: 'UDP', port: 53 } }, { portNumber: { port: 80 } }],
    [{ portRange: { start: 80, end: 81 } }],
    [{ portRange: { protocol: 'SCTP', start: 80, end: 80 } }],
    [{ namedPort: 'http' }],
  );
  const rule = (side: string, peer: fc.Arbitrary<unknown>, actions: readonly string[]): fc.Arbitrary<unknown> =>
    fc
      .record({ action: fc.constantFrom(...actions), [side]: fc.array(peer, { minLength: 1, maxLength: 2 }), ports })
      .map(withoutImpossiblePorts)
      .map(present);
  const spec = (actions: readonly string[]) =>
    fc.record({
      subject: fc.constantFrom({ namespaces: {} }, { namespaces: { matchLabels: { env: 'a' } } }, { pods }),
      ingress: fc.array(rule('from', inCluster, actions), { maxLength: 2 }),
      egress: fc.array(rule('to', fc.oneof(inCluster, outside), actions), { maxLength: 2 }),
    });
  const apiVersion = 'policy.networking.k8s.io/v1alpha1';
  const admin = fc
    .tuple(spec(['Allow', 'Deny', 'Pass']), fc.constantFrom(0, 5, 1000))
    .map(([each, priority]) => ({ apiVersion, kind: 'AdminNetworkPolicy', spec: { priority, ...each } }));
  const baseline = spec(['Allow', 'Deny']).map((each) => ({
    apiVersion,
    kind: 'BaselineAdminNetworkPolicy',
    spec: each,
  }));
  return fc
    .tuple(fc.array(admin, { maxLength: 2 }), fc.array(baseline, { maxLength: 1 }))
    .map(([admins, baselines]) => [...admins, ...baselines]);
}

/** Only pods have named ports. */
function withoutImpossiblePorts(rule: Record<string, unknown>): Record<string, unknown> {
  const text = JSON.stringify(rule);
  return text.includes('namedPort') && /"(nodes|networks)"/.test(text) ? { ...rule, ports: undefined } : rule;
}

function present(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
}
