import fc from 'fast-check';
import { formatCidr, intervalSet, parseCidr, parseIp, rangeOf, subtract } from '../../src/base/ip/index.ts';
import type { Ip } from '../../src/base/ip/index.ts';
import type { Expression } from '../../src/core/kube/expression.ts';
import { allOf, EVERYTHING, selectorKey } from '../../src/core/kube/labels.ts';
import type { Requirement, Selector } from '../../src/core/kube/labels.ts';
import { clusterState, endpointPeerKey, podSetKey, tiersOf } from '../../src/core/policy/index.ts';
import type {
  BlockPeer,
  ClusterState,
  Condition,
  NamespaceSet,
  NetworkSetInfo,
  Peer,
  PodEndpoint,
  PodSet,
  Policy,
  PortMatch,
  Rule,
  ServiceInfo,
  SourceRef,
  TierSpec,
} from '../../src/core/policy/index.ts';
import { arbitraryCluster } from './arbitrary-cluster.ts';

const NOWHERE: SourceRef = { kind: 'Generated', name: 'x', path: '' };

const TIERS: readonly TierSpec[] = [
  { name: 'early', order: 10, noMatch: 'deny' },
  { name: 'late', order: 2_000_000, noMatch: 'pass' },
];
const KEYS = [
  'app',
  'tier',
  'net',
  'pcns.env',
  'pcsa.role',
  'projectcalico.org/namespace',
  'projectcalico.org/serviceaccount',
];
/** The subject of policies for all pods. */
const EVERYONE: PodSet = { namespaces: { kind: 'selector', selector: EVERYTHING }, pods: EVERYTHING };
const DOMAINS = ['example.org', 'www.example.org', 'a.b.example.org', 'other.test'];
const ADDRESSES = ['203.0.113.10', '10.244.0.2', '10.244.1.3', '172.30.1.11', '10.244.1.0', '2001:db8:113::10'].map(
  (text) => parseIp(text)!,
);

/**
 * Generated states with everything that the policy model has room for, in its normal form: several tiers, all actions,
 * every kind of peer and condition, over the pods and nodes of {@link arbitraryCluster}. Without host endpoints' policies.
 */
export const arbitraryState: fc.Arbitrary<ClusterState> = fc
  .record({
    cluster: arbitraryCluster,
    policies: fc.array(arbitraryPolicy(), { minLength: 3, maxLength: 7, size: 'max' }),
    accounts: fc.array(fc.constantFrom('sa-0', 'sa-1'), { minLength: 6, maxLength: 6 }),
    accountLabels: fc.array(fc.constantFrom<Record<string, string>[]>({}, { role: 'a' }, { role: 'b' }), {
      minLength: 2,
      maxLength: 2,
    }),
    zones: fc.array(fc.constantFrom<Record<string, string>[]>({}, { zone: 'a' }, { zone: 'b' }), {
      minLength: 2,
      maxLength: 2,
    }),
    networkSets: fc.array(arbitraryNetworkSet(), { maxLength: 2, size: 'max' }),
    services: fc.array(arbitraryService(), { maxLength: 2, size: 'max' }),
    domains: fc.dictionary(fc.constantFrom(...DOMAINS), fc.subarray(ADDRESSES, { minLength: 1 }), {
      maxKeys: 3,
      size: 'max',
      noNullPrototype: true,
    }),
    endpointToHost: fc.constantFrom('accept' as const, 'accept' as const, 'drop' as const),
    spec: fc.option(
      fc.record({
        name: fc.constantFrom('default', 'kube-admin'),
        order: fc.constantFrom(5, 1_500_000),
        noMatch: fc.constantFrom('pass' as const, 'deny' as const),
      }),
      { nil: undefined },
    ),
  })
  .map((parts): ClusterState => {
    const { policies, accounts, zones, spec } = parts;
    const state = clusterState(parts.cluster);
    const own = policies.map((policy, i): Policy => ({ ...policy, key: `Generated/${i}` }));
    const others = state.tiers.flatMap((tier) => tier.policies);
    const namespaces = [...state.namespaces.keys()];
    return {
      ...state,
      pods: mapValues(state.pods, (pod, i): PodEndpoint => ({ ...pod, serviceAccount: accounts[i % 6]! })),
      nodes: mapValues(state.nodes, (node, i) => ({ ...node, labels: zones[i % 2]! })),
      serviceAccounts: new Map(
        namespaces.flatMap((name) => parts.accountLabels.map((labels, i) => [`${name}/sa-${i}`, labels] as const)),
      ),
      networkSets: new Map(
        parts.networkSets.map((set, i) => [`set-${i}`, { ...set, key: `set-${i}`, name: `set-${i}` }]),
      ),
      services: new Map(parts.services.map((service) => [service.key, service])),
      domains: new Map(Object.entries(parts.domains)),
      settings: { ...state.settings, endpointToHost: parts.endpointToHost },
      tiers: tiersOf([...own, ...others], spec === undefined ? TIERS : [...TIERS, spec]),
    };
  });

function mapValues<T>(map: ReadonlyMap<string, T>, change: (value: T, i: number) => T): Map<string, T> {
  return new Map([...map].map(([key, value], i) => [key, change(value, i)]));
}

function arbitraryPolicy(): fc.Arbitrary<Policy> {
  return fc.record({
    key: fc.constant(''),
    source: fc.constant(NOWHERE),
    tier: fc.constantFrom('early', 'kube-admin', 'default', 'default', 'late', 'kube-baseline', 'nowhere'),
    order: fc.constantFrom(1, 1000, Infinity),
    subject: fc.oneof(fc.constant(EVERYONE), arbitraryPodSet()),
    sparesOwnNode: fc.boolean(),
    staged: fc.constantFrom(false, false, false, true),
    applies: fc.record({ ingress: fc.boolean(), egress: fc.boolean() }),
    ingress: fc.array(arbitraryRule(), { maxLength: 3, size: 'max' }),
    egress: fc.array(arbitraryRule(), { maxLength: 3, size: 'max' }),
  });
}

function arbitraryRule(): fc.Arbitrary<Rule> {
  return fc.record({
    action: fc.constantFrom('allow' as const, 'allow' as const, 'deny' as const, 'pass' as const, 'log' as const),
    index: fc.constant(0),
    source: fc.constant(NOWHERE),
    // Mostly one restriction at a time: rules with many match next to nothing.
    peers: fc.oneof(
      { weight: 1, arbitrary: fc.constant('any' as const) },
      { weight: 2, arbitrary: fc.array(arbitraryPeer(), { maxLength: 2, size: 'max' }) },
    ),
    ports: fc.oneof(
      { weight: 3, arbitrary: fc.constant('any' as const) },
      { weight: 1, arbitrary: fc.array(arbitraryPort(), { maxLength: 4 }) },
    ),
    conditions: fc.array(arbitraryCondition(), { maxLength: 2, size: 'max' }),
  });
}

function arbitraryCondition(): fc.Arbitrary<Condition> {
  const negate = fc.boolean();
  const side = fc.constantFrom('source' as const, 'destination' as const);
  return fc.oneof(
    fc.record({ kind: fc.constant('family' as const), family: fc.constantFrom(4 as const, 6 as const) }),
    fc.record({ kind: fc.constant('protocol' as const), protocol: fc.constantFrom(1, 6, 17, 58, 132, 47), negate }),
    fc.record(
      {
        kind: fc.constant('icmp' as const),
        type: fc.constantFrom(8, 128, 3),
        code: fc.constantFrom(0, 1),
        negate,
      },
      { requiredKeys: ['kind', 'type', 'negate'] },
    ),
    fc.record({ kind: fc.constant('peer' as const), side, peers: fc.array(arbitraryPeer(), { maxLength: 2 }), negate }),
    fc.record({ kind: fc.constant('port' as const), side, ports: fc.array(arbitraryPort(), { maxLength: 4 }), negate }),
  );
}

function arbitraryPort(): fc.Arbitrary<PortMatch> {
  const protocol = fc.constantFrom('TCP' as const, 'UDP' as const, 'SCTP' as const);
  const source = fc.constant(NOWHERE);
  return fc.oneof(
    fc.record({ kind: fc.constant('all' as const), protocol, source }),
    fc
      .record({ protocol, first: fc.constantFrom(53, 80, 81, 8080, 40000), length: fc.constantFrom(0, 0, 1, 7999) })
      .map(({ protocol: each, first, length }): PortMatch => ({
        kind: 'range',
        protocol: each,
        first,
        last: first + length,
        source: NOWHERE,
      })),
    fc.record({
      kind: fc.constant('named' as const),
      protocol,
      name: fc.constantFrom('http', 'dns', 'missing'),
      source,
    }),
  );
}

function arbitraryPeer(): fc.Arbitrary<Peer> {
  return fc.oneof(
    arbitraryPodSet().map((set): Peer => ({ kind: 'pods', key: podSetKey(set), ...set, source: NOWHERE })),
    arbitrarySelector().map((selector): Peer => ({
      kind: 'endpoints',
      key: endpointPeerKey(selector),
      selector,
      source: NOWHERE,
    })),
    arbitraryBlock(),
    fc
      .constantFrom<Selector[]>(EVERYTHING, allOf([{ key: 'zone', operator: 'In', values: ['a'] }]))
      .map((nodes): Peer => ({ kind: 'nodes', key: selectorKey(nodes), nodes, source: NOWHERE })),
    fc.constantFrom('ns-0/web', 'ns-1/web', 'ns-0/gone').map((key): Peer => {
      const [namespace, name] = key.split('/') as [string, string];
      return { kind: 'service', key, namespace, name, source: NOWHERE };
    }),
    fc
      .constantFrom('*.example.org', 'example.org', '*.nowhere')
      .map((pattern): Peer => ({ kind: 'domain', key: pattern, pattern, source: NOWHERE })),
  );
}

function arbitraryBlock(): fc.Arbitrary<BlockPeer> {
  const written = fc.constantFrom<(readonly [string, ...string[]])[]>(
    ['0.0.0.0/0'],
    ['0.0.0.0/0', '172.30.1.11/32'],
    ['10.244.0.0/16', '10.244.1.0/30'],
    ['172.30.1.0/24'],
    ['203.0.113.0/24'],
    ['10.9.0.0/16', '10.9.0.0/16'],
    ['::/0'],
    ['fd00:10:244::1:0/112'],
  );
  return written.map(([text, ...excepted]) => {
    const cidr = parseCidr(text)!;
    const except = excepted.map((each) => parseCidr(each)!);
    return {
      kind: 'block',
      key: [text, ...except.map(formatCidr)].join(' except '),
      family: cidr.ip.family,
      ranges: subtract(intervalSet([rangeOf(cidr)]), intervalSet(except.map(rangeOf))),
      cidr,
      except,
      source: NOWHERE,
    };
  });
}

function arbitraryPodSet(): fc.Arbitrary<PodSet> {
  const namespaces: fc.Arbitrary<NamespaceSet> = fc.oneof(
    fc.constantFrom('ns-0', 'ns-1').map((name) => ({ kind: 'name' as const, name })),
    fc
      .oneof(
        fc.constant(EVERYTHING),
        arbitraryRequirement(['env', 'team']).map((each) => allOf([each])),
      )
      .map((selector) => ({ kind: 'selector' as const, selector })),
  );
  return fc.record({ namespaces, pods: fc.oneof(fc.constant(EVERYTHING), arbitrarySelector()) });
}

function arbitrarySelector(): fc.Arbitrary<Selector> {
  const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
    expression: fc.oneof(
      { maxDepth: 2 },
      arbitraryRequirement(KEYS).map((requirement): Expression => ({ kind: 'requirement', requirement })),
      fc.record({ kind: fc.constant('not' as const), term: tie('expression') }),
      fc.record({
        kind: fc.constantFrom('and' as const, 'or' as const),
        terms: fc.array(tie('expression'), { minLength: 1, maxLength: 2 }),
      }),
    ),
  }));
  return fc.oneof(
    fc.array(arbitraryRequirement(KEYS), { maxLength: 2 }).map(allOf),
    expression.map((each): Selector => ({ kind: 'expression', expression: each })),
  );
}

function arbitraryRequirement(keys: readonly string[]): fc.Arbitrary<Requirement> {
  return fc
    .record({
      key: fc.constantFrom(...keys),
      operator: fc.constantFrom('In' as const, 'NotIn' as const, 'Exists' as const, 'DoesNotExist' as const),
      value: fc.constantFrom('a', 'b'),
    })
    .map(({ key, operator, value }) => ({
      key,
      operator,
      values: operator === 'In' || operator === 'NotIn' ? [valueOf(key, value)] : [],
    }));
}

function valueOf(key: string, value: 'a' | 'b'): string {
  const digit = value === 'a' ? '0' : '1';
  if (key.endsWith('/namespace')) return `ns-${digit}`;
  return key.endsWith('/serviceaccount') ? `sa-${digit}` : value;
}

function arbitraryNetworkSet(): fc.Arbitrary<NetworkSetInfo> {
  return fc
    .record({
      namespace: fc.constantFrom(undefined, 'ns-0'),
      labels: fc.constantFrom<Record<string, string>[]>({ net: 'a' }, { net: 'b' }, { app: 'a' }, {}),
      cidrs: fc.subarray(['203.0.113.0/25', '10.244.1.0/24', '172.30.1.12/32', '2001:db8::/32', '0.0.0.0/0'], {
        maxLength: 2,
      }),
    })
    .map(({ namespace, labels, cidrs }) => {
      const blocks = cidrs.map((text) => parseCidr(text)!);
      const ranges = (family: 4 | 6) => intervalSet(blocks.filter((each) => each.ip.family === family).map(rangeOf));
      return {
        key: '',
        name: '',
        ...(namespace === undefined ? {} : { namespace }),
        labels,
        ranges: { 4: ranges(4), 6: ranges(6) },
      };
    });
}

function arbitraryService(): fc.Arbitrary<ServiceInfo> {
  return fc
    .record({
      namespace: fc.constantFrom('ns-0', 'ns-1'),
      selector: fc.constantFrom<Record<string, string>[]>({ app: 'a' }, { tier: 'b' }),
      targetPort: fc.constantFrom<(string | number)[]>(80, 'http', 53),
      protocol: fc.constantFrom('TCP' as const, 'UDP' as const),
    })
    .map(({ namespace, selector, targetPort, protocol }) => ({
      key: `${namespace}/web`,
      namespace,
      name: 'web',
      type: 'ClusterIP',
      clusterIps: [],
      externalIps: [] as Ip[],
      selector,
      publishNotReady: false,
      ports: [{ protocol, port: 80, targetPort }],
    }));
}
