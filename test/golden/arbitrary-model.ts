import fc from 'fast-check';
import { cidrCovers, intervalSet, networkOf, parseCidr, parseIp, rangeOf, subtract } from '../../src/base/ip/index.ts';
import type { Ip } from '../../src/base/ip/index.ts';
import { EVERYTHING, NOTHING, allOf } from '../../src/core/kube/labels.ts';
import type { Labels, Requirement, Selector } from '../../src/core/kube/labels.ts';
import type { Expression } from '../../src/core/kube/expression.ts';
import { endpointPeerKey, EMPTY_STATE, podSetKey, tiersOf } from '../../src/core/policy/index.ts';
import type {
  BlockPeer,
  ClusterState,
  Condition,
  HostEndpointInfo,
  NamedPort,
  NamespaceInfo,
  NetworkSetInfo,
  NodeEndpoint,
  Peer,
  PodEndpoint,
  PoolInfo,
  Policy,
  PortMatch,
  ProfileInfo,
  Rule,
  ServiceInfo,
  TierSpec,
} from '../../src/core/policy/index.ts';

/** What a generated cluster may have; all of it unless said otherwise. */
export interface ModelFeatures {
  readonly hostEndpoints: boolean;
  readonly domains: boolean;
  readonly services: boolean;
  readonly networkSets: boolean;
  readonly pools: boolean;
  readonly conditions: boolean;
  /** Pods without an address, as workloads that were never deployed. */
  readonly addressless: boolean;
}

const ALL: ModelFeatures = {
  hostEndpoints: true,
  domains: true,
  services: true,
  networkSets: true,
  pools: true,
  conditions: true,
  addressless: true,
};

/** Addresses that nobody in a generated cluster has but that its blocks, sets and domains often hold. */
export const STRANGERS: readonly Ip[] = ['203.0.113.10', '10.244.7.7', '2001:db8:113::10', 'fd00:10:244::7:7'].map(ip);

/** Ports that generated rules use, and one that they do not. */
export const MODEL_PORTS = [80, 81, 8080, 9] as const;

/** A generated cluster; `state.tiers` is made of `policies` (in any order) and `tierSpecs`. */
export interface GeneratedModel {
  readonly state: ClusterState;
  readonly policies: readonly Policy[];
  readonly tierSpecs: readonly TierSpec[];
}

/** Clusters with every feature of the policy model, small enough for all pairs to be judged. */
export function arbitraryModel(wanted: Partial<ModelFeatures> = {}): fc.Arbitrary<GeneratedModel> {
  const features = { ...ALL, ...wanted };
  return fc
    .record({
      namespaces: fc.tuple(arbitraryLabels(['env']), arbitraryLabels(['env'])),
      accounts: arbitraryLabels(['team']),
      pods: fc.array(arbitraryPod(features), { minLength: 2, maxLength: 5 }),
      nodes: fc.tuple(arbitraryLabels(['zone']), arbitraryLabels(['zone'])),
      hosts: fc.array(arbitraryHost(), { maxLength: features.hostEndpoints ? 2 : 0 }),
      sets: fc.array(arbitrarySet(), { maxLength: features.networkSets ? 2 : 0 }),
      pools: features.pools ? arbitraryPools() : fc.constant<PoolInfo[]>([]),
      services: fc.array(arbitraryService(), { maxLength: features.services ? 1 : 0 }),
      slices: fc.boolean(),
      domains: fc.boolean(),
      endpointToHost: often<'accept' | 'drop'>('accept', 'drop'),
      plainToNodes: often(false, true),
      failsafe: fc.constantFrom(undefined, '0.0.0.0/0', '203.0.113.0/24'),
      profile: arbitraryProfile(),
      tierSpecs: fc.array(arbitraryTier(), { maxLength: 2 }),
      policies: fc.array(arbitraryPolicy(features), { maxLength: 5 }),
    })
    .map((parts) => {
      const namespaces = parts.namespaces.map(namespaceOf);
      const pods = parts.pods.map((pod, i): PodEndpoint => ({
        ...pod,
        key: `${pod.namespace}/pod-${i}`,
        name: `pod-${i}`,
        addresses: addressesOf(pod, i),
      }));
      const hosts = parts.hosts.map((host, i): HostEndpointInfo => ({ ...host, key: `host-${i}`, name: `host-${i}` }));
      const sets = parts.sets.map((set, i): NetworkSetInfo => ({ ...set, key: setKey(set, i), name: `set-${i}` }));
      const policies = parts.policies.map((policy, i): Policy => ({ ...policy, key: `Test/policy-${i}` }));
      const failsafe =
        parts.failsafe === undefined ? [] : [{ protocol: 'TCP' as const, port: 81, net: parts.failsafe }];
      const state: ClusterState = {
        ...EMPTY_STATE,
        namespaces: new Map(namespaces.map((each) => [each.name, each])),
        serviceAccounts: new Map([['ns-0/runner', parts.accounts]]),
        pods: new Map(pods.map((each) => [each.key, each])),
        nodes: new Map(parts.nodes.map(nodeOf).map((each) => [each.name, each])),
        hostEndpoints: new Map(hosts.map((each) => [each.name, each])),
        networkSets: new Map(sets.map((each) => [each.key, each])),
        pools: new Map(parts.pools.map((each) => [each.name, each])),
        services: new Map(parts.services.map((each) => [each.key, each])),
        slices: parts.slices && features.services ? SLICES : new Map(),
        domains: parts.domains && features.domains ? DOMAINS : new Map(),
        profiles: new Map([['profile', parts.profile]]),
        settings: {
          endpointToHost: parts.endpointToHost,
          failsafeInbound: failsafe,
          failsafeOutbound: failsafe,
          plainToNodes: parts.plainToNodes,
        },
        tiers: tiersOf(policies, parts.tierSpecs),
      };
      return { state, policies, tierSpecs: parts.tierSpecs };
    });
}

const SOURCE = { kind: 'Test', name: 'test', path: '' } as const;

const SLICES: ClusterState['slices'] = new Map([
  [
    'ns-0/web',
    [
      { ip: ip('10.244.0.2'), port: 80, protocol: 'TCP', ready: true },
      { ip: ip('203.0.113.10'), port: 8080, protocol: 'TCP', ready: false },
      { ip: ip('172.30.1.12'), port: 81, protocol: 'UDP', ready: true },
    ],
  ],
]);

const DOMAINS: ClusterState['domains'] = new Map([
  ['api.example.com', [ip('203.0.113.10'), ip('2001:db8:113::10')]],
  ['example.com', [ip('10.244.1.3')]],
]);

function ip(text: string): Ip {
  return parseIp(text)!;
}

function namespaceOf(labels: Labels, i: number): NamespaceInfo {
  return { name: `ns-${i}`, labels: { ...labels, 'kubernetes.io/metadata.name': `ns-${i}` } };
}

function nodeOf(labels: Labels, i: number): NodeEndpoint {
  return {
    kind: 'node',
    key: `node-${i}`,
    name: `node-${i}`,
    labels,
    addresses: [ip(`172.30.1.${11 + i}`), ip(`fd00:30:1::${11 + i}`), ip(`192.0.2.${11 + i}`)],
    tunnelAddresses: [ip(`10.244.${i}.0`), ip(`fd00:10:244::${i}:0`)],
  };
}

/** The shape's own addresses only say whether there are any. */
function addressesOf(pod: PodEndpoint, i: number): readonly Ip[] {
  if (pod.addresses.length === 0 || pod.completed) return [];
  const node = Number(pod.node?.slice('node-'.length));
  if (pod.hostNetwork) return nodeOf({}, node).addresses.slice(0, 2);
  return [ip(`10.244.${node}.${i + 2}`), ip(`fd00:10:244::${node}:${i + 2}`)];
}

function setKey({ namespace }: NetworkSetInfo, i: number): string {
  return namespace === undefined ? `set-${i}` : `${namespace}/set-${i}`;
}

function arbitraryPod({ addressless }: ModelFeatures): fc.Arbitrary<PodEndpoint> {
  return fc.record({
    kind: fc.constant('pod' as const),
    key: fc.constant(''),
    name: fc.constant(''),
    namespace: fc.constantFrom('ns-0', 'ns-1'),
    node: fc.constantFrom('node-0', 'node-1'),
    labels: arbitraryLabels(['app', 'tier']),
    hostNetwork: often(false, true),
    completed: often(false, true),
    ready: fc.boolean(),
    serviceAccount: fc.constantFrom('default', 'runner'),
    ports: fc.array(arbitraryNamedPort(), { maxLength: 2 }),
    addresses: addressless ? often<readonly Ip[]>([STRANGERS[0]!], []) : fc.constant([STRANGERS[0]!]),
  });
}

function arbitraryNamedPort(): fc.Arbitrary<NamedPort> {
  return fc.record({
    name: fc.constantFrom('http', 'dns'),
    protocol: fc.constantFrom('TCP', 'UDP'),
    port: fc.constantFrom(80, 8080),
  });
}

function arbitraryHost(): fc.Arbitrary<HostEndpointInfo> {
  const place = fc.constantFrom<Pick<HostEndpointInfo, 'interface' | 'expectedIps'>[]>(
    { interface: '*', expectedIps: [] },
    { interface: '*', expectedIps: [ip('172.30.1.11'), ip('fd00:30:1::11')] },
    { interface: 'eth0', expectedIps: [] },
    { interface: 'eth0', expectedIps: [ip('172.30.1.11')] },
    { expectedIps: [ip('172.30.1.12')] },
    { expectedIps: [ip('192.0.2.11'), ip('203.0.113.10')] },
  );
  return fc
    .record({
      place,
      node: fc.constantFrom('node-0', 'node-1'),
      labels: arbitraryLabels(['app', 'host']),
      profiles: fc.subarray(['profile', 'missing']),
      ports: fc.array(arbitraryNamedPort(), { maxLength: 1 }),
    })
    .map(({ place: at, ...rest }) => ({ key: '', name: '', ...rest, ...at }));
}

/** None, or pools for the pods and tunnels of both nodes, or for those of one alone. */
export function arbitraryPools(): fc.Arbitrary<PoolInfo[]> {
  const nets = fc.constantFrom<string[][]>(
    [],
    ['10.244.0.0/16', 'fd00:10:244::/56'],
    ['10.244.0.0/24', '10.244.1.0/24', 'fd00:10:244::/112', 'fd00:10:244::1:0/112'],
    ['10.244.1.0/24', 'fd00:10:244::/112'],
    ['10.244.0.0/16', '172.30.1.0/24'],
  );
  const pool = (net: string): fc.Arbitrary<PoolInfo> =>
    often(true, false).map((natOutgoing) => ({ name: net, cidr: parseCidr(net)!, natOutgoing }));
  return nets.chain((all) => fc.tuple(...all.map(pool)));
}

function arbitrarySet(): fc.Arbitrary<NetworkSetInfo> {
  const blocks = ['203.0.113.0/24', '10.244.1.0/24', '172.30.1.11/32', '2001:db8:113::/64', 'fd00:10:244::/64'];
  return fc
    .record({
      namespace: fc.constantFrom(undefined, 'ns-0', 'ns-1'),
      labels: arbitraryLabels(['app', 'set']),
      nets: fc.subarray(blocks, { minLength: 1 }),
    })
    .map(({ namespace, labels, nets }) => {
      const all = nets.map((net) => rangeOf(parseCidr(net)!));
      const of = (family: 4 | 6) => intervalSet(all.filter((each) => each.family === family));
      const ranges = { 4: of(4), 6: of(6) };
      return { key: '', name: '', ...(namespace === undefined ? {} : { namespace }), labels, ranges };
    });
}

function arbitraryService(): fc.Arbitrary<ServiceInfo> {
  return fc
    .record({ app: fc.constantFrom('a', 'b'), targetPort: fc.constantFrom<(number | string)[]>(80, 8080, 'http') })
    .map(({ app, targetPort }) => ({
      key: 'ns-0/web',
      namespace: 'ns-0',
      name: 'web',
      type: 'ClusterIP',
      clusterIps: [],
      externalIps: [],
      selector: { app },
      publishNotReady: false,
      ports: [{ protocol: 'TCP', port: 80, targetPort }],
    }));
}

function arbitraryTier(): fc.Arbitrary<TierSpec> {
  return fc.record({
    name: fc.constantFrom('security', 'default', 'late'),
    order: fc.constantFrom(1, 1_000_000, 20_000_000, Infinity),
    noMatch: fc.constantFrom('deny', 'pass'),
  });
}

function arbitraryPolicy(features: ModelFeatures): fc.Arbitrary<Policy> {
  const rules = (direction: 'ingress' | 'egress') =>
    fc
      .array(arbitraryRule(direction, features), { maxLength: 3 })
      .map((all) => all.map((rule, index) => ({ ...rule, index })));
  return fc
    .record({
      tier: fc.constantFrom('default', 'default', 'kube-admin', 'kube-baseline', 'security', 'late'),
      order: fc.constantFrom(1, 2, 1000, Infinity),
      subject: arbitraryPodSet(),
      hosts: fc.option(
        fc.record({
          selector: arbitrarySelector(['app', 'host']),
          applyOnForward: fc.boolean(),
          preDnat: often(false, true),
          doNotTrack: often(false, true),
        }),
        { nil: undefined },
      ),
      sparesOwnNode: fc.boolean(),
      staged: often(false, true),
      applies: fc.record({ ingress: often(true, false), egress: fc.boolean() }),
      ingress: rules('ingress'),
      egress: rules('egress'),
    })
    .map(({ hosts, ...policy }) => ({
      ...policy,
      key: '',
      source: SOURCE,
      ...(hosts === undefined ? {} : { hosts }),
      // Rules of a direction that does not apply are not kept.
      ingress: policy.applies.ingress ? policy.ingress : [],
      egress: policy.applies.egress ? policy.egress : [],
    }));
}

function arbitraryProfile(): fc.Arbitrary<ProfileInfo> {
  const rules = (direction: 'ingress' | 'egress') =>
    fc
      .array(arbitraryRule(direction, { ...ALL, conditions: false }), { maxLength: 2 })
      .map((all) => all.filter(({ action }) => action !== 'pass'));
  return fc.record({ name: fc.constant('profile'), ingress: rules('ingress'), egress: rules('egress') });
}

function arbitraryRule(direction: 'ingress' | 'egress', features: ModelFeatures): fc.Arbitrary<Rule> {
  const peers = fc.array(arbitraryPeer(direction === 'egress', features), { maxLength: 3 });
  const ports = fc.array(arbitraryPort(), { minLength: 1, maxLength: 2 });
  return fc.record({
    action: fc.constantFrom('allow', 'allow', 'deny', 'pass', 'log'),
    index: fc.constant(0),
    source: fc.constant(SOURCE),
    peers: fc.oneof(fc.constant('any' as const), peers),
    ports: fc.oneof(fc.constant('any' as const), ports),
    conditions: fc.array(arbitraryCondition(features), { maxLength: features.conditions ? 2 : 0 }),
  });
}

function arbitraryCondition(features: ModelFeatures): fc.Arbitrary<Condition> {
  const side = fc.constantFrom('source' as const, 'destination' as const);
  const negate = fc.boolean();
  return fc.oneof(
    fc.record({ kind: fc.constant('family' as const), family: fc.constantFrom(4 as const, 6 as const) }),
    fc.record({ kind: fc.constant('protocol' as const), protocol: fc.constantFrom(1, 58, 6, 17, 132, 47), negate }),
    fc.record(
      { kind: fc.constant('icmp' as const), type: fc.constantFrom(8, 128, 3), code: fc.constantFrom(0, 1), negate },
      { requiredKeys: ['kind', 'type', 'negate'] },
    ),
    side.chain((at) =>
      fc.record({
        kind: fc.constant('peer' as const),
        side: fc.constant(at),
        peers: fc.array(arbitraryPeer(at === 'destination', features), { maxLength: 2 }),
        negate,
      }),
    ),
    fc.record({
      kind: fc.constant('port' as const),
      side,
      ports: fc.array(arbitraryPort(), { minLength: 1, maxLength: 2 }),
      negate,
    }),
  );
}

function arbitraryPeer(isDestination: boolean, features: ModelFeatures): fc.Arbitrary<Peer> {
  const plain = fc.oneof(
    arbitraryPodSet().map((set): Peer => ({ kind: 'pods', ...set, key: podSetKey(set), source: SOURCE })),
    arbitraryBlock(),
    arbitrarySelector(['zone']).map((nodes): Peer => ({
      kind: 'nodes',
      key: endpointPeerKey(nodes),
      nodes,
      source: SOURCE,
    })),
    arbitraryEffective().map((selector): Peer => ({
      kind: 'endpoints',
      key: endpointPeerKey(selector),
      selector,
      source: SOURCE,
    })),
  );
  const service = fc
    .constantFrom('web', 'missing')
    .map((name): Peer => ({ kind: 'service', key: `ns-0/${name}`, namespace: 'ns-0', name, source: SOURCE }));
  const domain = fc
    .constantFrom('example.com', '*.example.com', 'other.example.com')
    .map((pattern): Peer => ({ kind: 'domain', key: pattern, pattern, source: SOURCE }));
  return fc.oneof(
    { weight: 5, arbitrary: plain },
    { weight: features.services ? 1 : 0, arbitrary: service },
    { weight: features.domains && isDestination ? 1 : 0, arbitrary: domain },
  );
}

function arbitraryBlock(): fc.Arbitrary<BlockPeer> {
  const blocks: readonly (readonly [string, ...string[]])[] = [
    ['0.0.0.0/0'],
    ['10.244.0.0/16', '10.244.0.0/24'],
    ['10.244.1.0/24', '10.244.1.0/30', '10.244.1.2/31'],
    ['172.30.1.0/24', '172.30.1.11/32'],
    ['192.0.2.0/24'],
    ['203.0.113.0/24'],
    ['::/0', 'fd00:10:244::1:0/112'],
    ['fd00:30:1::/64'],
  ];
  return fc.constantFrom(...blocks).map(([net, ...holes]) => {
    const cidr = networkOf(parseCidr(net)!);
    const except = holes.map((hole) => networkOf(parseCidr(hole)!)).filter((hole) => cidrCovers(cidr, hole));
    const ranges = subtract(intervalSet([rangeOf(cidr)]), intervalSet(except.map(rangeOf)));
    const key = [net, ...holes].join(' except ');
    return { kind: 'block', key, family: cidr.ip.family, ranges, cidr, except, source: SOURCE };
  });
}

function arbitraryPort(): fc.Arbitrary<PortMatch> {
  const protocol = fc.constantFrom('TCP' as const, 'UDP' as const, 'SCTP' as const);
  return fc.oneof(
    fc.record({ kind: fc.constant('all' as const), protocol, source: fc.constant(SOURCE) }),
    fc.record({
      kind: fc.constant('range' as const),
      protocol,
      first: fc.constantFrom(80, 81),
      last: fc.constantFrom(81, 8080),
      source: fc.constant(SOURCE),
    }),
    fc.record({
      kind: fc.constant('named' as const),
      protocol,
      name: fc.constantFrom('http', 'dns', 'missing'),
      source: fc.constant(SOURCE),
    }),
  );
}

function arbitraryPodSet() {
  const namespaces = fc.oneof(
    fc.constantFrom('ns-0', 'ns-1').map((name) => ({ kind: 'name' as const, name })),
    arbitrarySelector(['env']).map((selector) => ({ kind: 'selector' as const, selector })),
  );
  return fc.record({ namespaces, pods: fc.oneof(arbitrarySelector(['app', 'tier']), arbitraryEffective()) });
}

const EFFECTIVE_KEYS = [
  'app',
  'host',
  'set',
  'pcns.env',
  'pcsa.team',
  'projectcalico.org/namespace',
  'projectcalico.org/serviceaccount',
];

/** Selectors over the labels that only effective labels have, too, and with all operators. */
function arbitraryEffective(): fc.Arbitrary<Selector> {
  const requirement = arbitraryRequirement(EFFECTIVE_KEYS, ['a', 'b', 'ns-0', 'runner']);
  const term: fc.Arbitrary<Expression> = fc.oneof(
    fc.constant<Expression>({ kind: 'everything' }),
    requirement.map((each): Expression => ({ kind: 'requirement', requirement: each })),
    fc.record({
      kind: fc.constantFrom('contains' as const, 'starts-with' as const, 'ends-with' as const),
      key: fc.constantFrom(...EFFECTIVE_KEYS),
      value: fc.constantFrom('a', 'n', '-0', ''),
    }),
  );
  const negated = fc.oneof(
    { weight: 3, arbitrary: term },
    { weight: 1, arbitrary: term.map((each): Expression => ({ kind: 'not', term: each })) },
  );
  const combined = fc.record({
    kind: fc.constantFrom('and' as const, 'or' as const),
    terms: fc.array(negated, { minLength: 2, maxLength: 3 }),
  });
  return fc.oneof(
    fc.constant(EVERYTHING),
    requirement.map((each) => allOf([each])),
    fc.oneof(negated, combined).map((expression): Selector => ({ kind: 'expression', expression })),
  );
}

function arbitrarySelector(keys: readonly string[]): fc.Arbitrary<Selector> {
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant(EVERYTHING) },
    { weight: 4, arbitrary: arbitraryRequirement(keys, ['a', 'b']).map((each) => allOf([each])) },
    { weight: 1, arbitrary: fc.constant(NOTHING) },
  );
}

function arbitraryRequirement(keys: readonly string[], values: readonly string[]): fc.Arbitrary<Requirement> {
  const key = fc.constantFrom(...keys);
  return fc.oneof(
    fc.record({
      key,
      operator: fc.constantFrom('In' as const, 'NotIn' as const),
      values: fc.subarray([...values], { minLength: 1, maxLength: 2 }).map((each) => each.toSorted()),
    }),
    fc.record({ key, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const), values: fc.constant([]) }),
  );
}

function arbitraryLabels(keys: readonly string[]): fc.Arbitrary<Labels> {
  return fc
    .dictionary(fc.constantFrom(...keys), fc.constantFrom('a', 'b'), { maxKeys: 2 })
    .map((each) => ({ ...each }));
}

function often<T>(usual: T, rare: T): fc.Arbitrary<T> {
  return fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constant(rare) });
}
