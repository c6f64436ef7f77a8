import fc from 'fast-check';
import type {
  LabelSelector,
  Namespace,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  Node,
  Pod,
} from '../../src/core/kube/types.ts';
import type { OracleCluster } from './oracle.ts';

/** Generated clusters: few labels, few addresses and few ports, so that policies and pods often meet. */
export const arbitraryCluster: fc.Arbitrary<OracleCluster> = fc
  .record({
    namespaces: fc.array(arbitraryLabels(['env', 'team']), { minLength: 1, maxLength: 3 }),
    pods: fc.array(arbitraryPodShape(), { minLength: 2, maxLength: 6 }),
    policies: fc.array(fc.record({ namespace: fc.nat(2), spec: arbitrarySpec() }), { maxLength: 5 }),
  })
  .map(({ namespaces, pods, policies }) => ({
    namespaces: namespaces.map((labels, i): Namespace => ({ metadata: { name: `ns-${i}`, labels } })),
    nodes: [0, 1].map(nodeOf),
    pods: pods.map((shape, i) => podOf(shape, i, namespaces.length)),
    networkPolicies: policies.map(({ namespace, spec }, i): NetworkPolicy => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: `policy-${i}`, namespace: `ns-${namespace % namespaces.length}` },
      spec,
    })),
  }));

/** Addresses that are neither pods' nor nodes' but that the generated blocks often hold. */
export const OUTSIDE = ['203.0.113.10', '10.244.7.7', '2001:db8:113::10', 'fd00:10:244::7:7'] as const;

/** Ports that the generated rules and container ports use, and one that they do not. */
export const PORTS = [80, 81, 8080, 53, 9] as const;

interface PodShape {
  readonly namespace: number;
  readonly node: number;
  readonly labels: Record<string, string>;
  readonly hostNetwork: boolean;
  readonly phase: string;
  readonly ports: readonly { name: string; containerPort: number; protocol?: string }[];
}

function nodeOf(i: number): Node {
  return {
    metadata: {
      name: `node-${i}`,
      annotations: {
        'projectcalico.org/IPv4VXLANTunnelAddr': `10.244.${i}.0`,
        'projectcalico.org/IPv6VXLANTunnelAddr': `fd00:10:244::${i}:0`,
      },
    },
    status: {
      addresses: [
        { type: 'InternalIP', address: `172.30.1.${11 + i}` },
        { type: 'InternalIP', address: `fd00:30:1::${11 + i}` },
      ],
    },
  };
}

function podOf({ namespace, node, labels, hostNetwork, phase, ports }: PodShape, i: number, namespaces: number): Pod {
  const host = nodeOf(node).status!.addresses!.map(({ address }) => ({ ip: address }));
  const own = [{ ip: `10.244.${node}.${i + 2}` }, { ip: `fd00:10:244::${node}:${i + 2}` }];
  return {
    metadata: { name: `pod-${i}`, namespace: `ns-${namespace % namespaces}`, labels },
    spec: {
      nodeName: `node-${node}`,
      hostNetwork,
      containers: [{ name: 'main', image: 'x', ports: ports.map((port) => ({ ...port })) }],
    },
    status: { phase, podIPs: hostNetwork ? host : own },
  };
}

function arbitraryPodShape(): fc.Arbitrary<PodShape> {
  return fc.record({
    namespace: fc.nat(2),
    node: fc.nat(1),
    labels: arbitraryLabels(['app', 'tier']),
    hostNetwork: often(false, true),
    phase: often('Running', 'Succeeded'),
    ports: fc.array(
      fc.record(
        {
          name: fc.constantFrom('http', 'dns'),
          containerPort: fc.constantFrom(80, 8080, 53),
          protocol: fc.constantFrom('TCP', 'UDP'),
        },
        { requiredKeys: ['name', 'containerPort'] },
      ),
      { maxLength: 2 },
    ),
  });
}

function arbitrarySpec(): fc.Arbitrary<NonNullable<NetworkPolicy['spec']>> {
  const ports = fc.option(fc.array(arbitraryPort(), { maxLength: 2 }), { nil: undefined });
  const peers = fc.option(fc.array(arbitraryPeer(), { maxLength: 3 }), { nil: undefined });
  return fc
    .record({
      podSelector: arbitrarySelector(['app', 'tier']),
      policyTypes: fc.constantFrom<(string[] | undefined)[]>(
        undefined,
        [],
        ['Ingress'],
        ['Egress'],
        ['Ingress', 'Egress'],
      ),
      ingress: fc.option(fc.array(fc.record({ from: peers, ports }).map(withoutUndefined), { maxLength: 3 }), {
        nil: undefined,
      }),
      egress: fc.option(fc.array(fc.record({ to: peers, ports }).map(withoutUndefined), { maxLength: 3 }), {
        nil: undefined,
      }),
    })
    .map(withoutUndefined);
}

function arbitraryPeer(): fc.Arbitrary<NetworkPolicyPeer> {
  const pods = arbitrarySelector(['app', 'tier']);
  const namespaces = arbitrarySelector(['env', 'team', 'kubernetes.io/metadata.name']);
  return fc.oneof(
    fc.record({ podSelector: pods }),
    fc.record({ namespaceSelector: namespaces }),
    fc.record({ podSelector: pods, namespaceSelector: namespaces }),
    fc.constantFrom<NetworkPolicyPeer>(
      { ipBlock: { cidr: '0.0.0.0/0' } },
      { ipBlock: { cidr: '10.244.0.0/16', except: ['10.244.0.0/24'] } },
      { ipBlock: { cidr: '10.244.1.0/24', except: ['10.244.1.0/30', '10.244.1.2/31'] } },
      { ipBlock: { cidr: '172.30.1.0/24', except: ['172.30.1.11/32'] } },
      { ipBlock: { cidr: '203.0.113.7/24' } },
      { ipBlock: { cidr: '::/0', except: ['fd00:10:244::1:0/112'] } },
      { ipBlock: { cidr: 'fd00:30:1::/64' } },
    ),
  );
}

function arbitraryPort(): fc.Arbitrary<NetworkPolicyPort> {
  return fc
    .record({
      protocol: fc.constantFrom(undefined, 'TCP', 'UDP', 'SCTP'),
      port: fc.constantFrom<(number | string | undefined)[]>(undefined, 80, 53, 'http', 'dns', 'missing'),
      length: fc.constantFrom(undefined, 0, 1),
    })
    .map(({ protocol, port, length }) =>
      withoutUndefined({
        protocol,
        port,
        endPort: typeof port === 'number' && length !== undefined ? port + length : undefined,
      }),
    );
}

function arbitrarySelector(keys: readonly string[]): fc.Arbitrary<LabelSelector> {
  const key = fc.constantFrom(...keys);
  const value = fc.constantFrom('a', 'b', 'ns-0', 'ns-1');
  const expression = fc.oneof(
    fc.record({
      key,
      operator: fc.constantFrom('In', 'NotIn'),
      values: fc.array(value, { minLength: 1, maxLength: 2 }),
    }),
    fc.record({ key, operator: fc.constantFrom('Exists', 'DoesNotExist') }),
  );
  return fc.oneof(
    fc.constant({}),
    fc.record({ matchLabels: fc.dictionary(key, value, { maxKeys: 1 }) }),
    fc.record({ matchExpressions: fc.array(expression, { maxLength: 2 }) }),
  );
}

function arbitraryLabels(keys: readonly string[]): fc.Arbitrary<Record<string, string>> {
  return fc
    .dictionary(fc.constantFrom(...keys), fc.constantFrom('a', 'b'), { maxKeys: 2 })
    .map((each) => ({ ...each }));
}

function often<T>(usual: T, rare: T): fc.Arbitrary<T> {
  return fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constant(rare) });
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
