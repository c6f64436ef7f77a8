import fc from 'fast-check';
import type { PolicyObject } from '../../src/core/policy/index.ts';

/** A label selector over the labels that generated pods or namespaces bear. */
function arbitraryLabelSelector(keys: readonly string[]): fc.Arbitrary<object> {
  const key = fc.constantFrom(...keys);
  return fc.oneof(
    fc.constant({}),
    fc.record({ key, value: fc.constantFrom('a', 'b') }).map(({ key: name, value }) => ({
      matchLabels: { [name]: value },
    })),
    fc.record({ key, operator: fc.constantFrom('Exists', 'DoesNotExist') }).map((each) => ({
      matchExpressions: [each],
    })),
  );
}

const NAMESPACES = arbitraryLabelSelector(['env', 'team']);
const PODS = fc.record({ namespaceSelector: NAMESPACES, podSelector: arbitraryLabelSelector(['app', 'tier']) });
const NUMBERS = fc.oneof(
  fc.constantFrom(80, 53, 8080).map((number) => ({ number })),
  fc.constantFrom({ range: { start: 80, end: 81 } }, { range: { start: 1, end: 1023 } }),
);

/** An AdminNetworkPolicy, the BaselineAdminNetworkPolicy or a ClusterNetworkPolicy of either tier. */
export function arbitraryClusterPolicy(): fc.Arbitrary<PolicyObject> {
  return fc.oneof(
    fc.record({ priority: fc.nat(2), spec: arbitrarySpec(V1ALPHA1) }).map(({ priority, spec }) => ({
      apiVersion: 'policy.networking.k8s.io/v1alpha1',
      kind: 'AdminNetworkPolicy',
      spec: { priority, ...spec },
    })),
    arbitrarySpec({ ...V1ALPHA1, actions: ['Allow', 'Deny'] }).map((spec) => ({
      apiVersion: 'policy.networking.k8s.io/v1alpha1',
      kind: 'BaselineAdminNetworkPolicy',
      metadata: { name: 'default' },
      spec,
    })),
    fc
      .record({
        version: fc.constantFrom('v1alpha2', 'v1alpha2', 'v1beta1'),
        priority: fc.nat(2),
        tier: fc.constantFrom('Admin', 'Baseline'),
        spec: arbitrarySpec(V1ALPHA2),
      })
      .map(({ version, priority, tier, spec }) => ({
        apiVersion: `policy.networking.k8s.io/${version}`,
        kind: 'ClusterNetworkPolicy',
        spec: { tier, priority, ...spec },
      })),
  );
}

interface Dialect {
  readonly actions: readonly string[];
  readonly ports: string;
  readonly port: fc.Arbitrary<object>;
  /** Whether rules that accept may name domains. */
  readonly domains: boolean;
}

const V1ALPHA1: Dialect = {
  actions: ['Allow', 'Deny', 'Pass'],
  ports: 'ports',
  port: fc.oneof(
    fc.record({ protocol: fc.constantFrom('TCP', 'UDP', 'SCTP'), port: fc.constantFrom(80, 53) }).map((each) => ({
      portNumber: each,
    })),
    fc.constant({ portRange: { protocol: 'TCP', start: 80, end: 81 } }),
    fc.constantFrom('http', 'dns').map((namedPort) => ({ namedPort })),
  ),
  domains: false,
};

const V1ALPHA2: Dialect = {
  actions: ['Accept', 'Deny', 'Pass'],
  ports: 'protocols',
  port: fc.oneof(
    fc.record({ protocol: fc.constantFrom('tcp', 'udp', 'sctp'), port: NUMBERS }).map(({ protocol, port }) => ({
      [protocol]: { destinationPort: port },
    })),
    fc.constantFrom('http', 'dns').map((destinationNamedPort) => ({ destinationNamedPort })),
  ),
  domains: true,
};

function arbitrarySpec(dialect: Dialect): fc.Arbitrary<object> {
  return fc.record(
    {
      subject: fc.oneof(
        NAMESPACES.map((namespaces) => ({ namespaces })),
        PODS.map((pods) => ({ pods })),
      ),
      ingress: fc.array(arbitraryRule(dialect, 'from'), { maxLength: 3 }),
      egress: fc.array(arbitraryRule(dialect, 'to'), { maxLength: 3 }),
    },
    { requiredKeys: ['subject'] },
  );
}

function arbitraryRule({ actions, ports, port, domains }: Dialect, side: 'from' | 'to'): fc.Arbitrary<object> {
  const pods: fc.Arbitrary<object>[] = [
    NAMESPACES.map((namespaces) => ({ namespaces })),
    PODS.map((each) => ({ pods: each })),
  ];
  const elsewhere: fc.Arbitrary<object>[] = [
    arbitraryLabelSelector(['zone']).map((nodes) => ({ nodes })),
    fc
      .constantFrom(['0.0.0.0/0', '::/0'], ['10.244.0.0/24'], ['203.0.113.0/24', 'fd00:10:244::/64'])
      .map((networks) => ({
        networks,
      })),
  ];
  return fc
    .record({
      action: fc.constantFrom(...actions),
      peers: fc.array(fc.oneof(...pods, ...(side === 'to' ? elsewhere : [])), { minLength: 1, maxLength: 2 }),
      ports: fc.option(fc.array(port, { minLength: 1, maxLength: 2 }), { nil: undefined }),
      name: fc.constantFrom(undefined, undefined, 'example.com', '*.example.com'),
    })
    .map((rule) => ({
      ...rule,
      peers:
        domains && side === 'to' && rule.action === 'Accept' && rule.name !== undefined
          ? [...rule.peers, { domainNames: [rule.name] }]
          : rule.peers,
    }))
    .map((rule) => ({
      action: rule.action,
      [side]: rule.peers,
      ...(rule.ports === undefined || namesPortsElsewhere(rule) ? {} : { [ports]: rule.ports }),
    }));
}

/** Only pods have named ports; a rule that looks for them elsewhere is refused. */
function namesPortsElsewhere(rule: {
  readonly peers: readonly object[];
  readonly ports: readonly object[] | undefined;
}) {
  return (
    /amedPort"/u.test(JSON.stringify(rule.ports)) && /"(nodes|networks|domainNames)"/u.test(JSON.stringify(rule.peers))
  );
}
