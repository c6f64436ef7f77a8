import fc from 'fast-check';
import type { PolicyObject } from '../../src/core/policy/index.ts';

const V3 = 'projectcalico.org/v3';
/** What Calico stores its objects as; the fields are the same. */
const VERSIONS = fc.constantFrom(V3, V3, V3, 'crd.projectcalico.org/v1');

/** The tiers that generated policies are in, besides those that are built in. */
export const TIER_OBJECTS: readonly PolicyObject[] = [
  { apiVersion: V3, kind: 'Tier', metadata: { name: 'security' }, spec: { order: 10 } },
  { apiVersion: V3, kind: 'Tier', metadata: { name: 'middle' }, spec: { order: 500, defaultAction: 'Pass' } },
  { apiVersion: V3, kind: 'Tier', metadata: { name: 'late' }, spec: { order: 2_000_000, defaultAction: 'Pass' } },
];

const POD_SELECTORS = ['app', 'tier'].flatMap((key) => [
  `${key} == 'a'`,
  `${key} != 'b'`,
  `has(${key})`,
  `!has(${key})`,
  `${key} in {'a','b'}`,
]);

const SELECTOR = fc.constantFrom(
  ...POD_SELECTORS,
  'all()',
  "app == 'a' || tier == 'b'",
  "!(app == 'a' && tier == 'b')",
  "app starts with 'a'",
  "projectcalico.org/namespace == 'ns-0'",
  "net == 'near'",
  'has(host)',
);
const NAMESPACE_SELECTOR = fc.constantFrom('all()', "env == 'a'", "projectcalico.org/name != 'ns-1'");
const PORTS = fc.array(fc.constantFrom<(number | string)[]>(80, 53, '80:81', 'http', 'dns', 30_080), {
  minLength: 1,
  maxLength: 2,
});
const NETS = {
  4: [['10.244.0.0/24'], ['10.244.1.0/24', '203.0.113.0/24'], ['172.30.1.0/24'], ['0.0.0.0/0']],
  6: [['fd00:10:244::/112'], ['fd00:10:244::1:0/112', '2001:db8:113::/64'], ['fd00:30:1::/64'], ['::/0']],
} as const;
const ANY_NETS = fc.constantFrom<(readonly string[])[]>(
  ...NETS[4],
  ...NETS[6],
  ...NETS[4].map((nets, i) => [...nets, ...NETS[6][i]!]),
);

const BOTH = ['Ingress', 'Egress'];

/** A Calico NetworkPolicy or GlobalNetworkPolicy in one of five tiers, sometimes staged. */
export function arbitraryCalicoPolicy(): fc.Arbitrary<PolicyObject> {
  return fc
    .record({
      apiVersion: VERSIONS,
      global: fc.boolean(),
      staged: often(false, true),
      namespace: fc.constantFrom('ns-0', 'ns-0', 'ns-1'),
      namespaceSelector: optional(NAMESPACE_SELECTOR),
      host: often({}, { applyOnForward: true }),
      spec: arbitrarySpec(),
    })
    .map(({ apiVersion, global, staged, namespace, namespaceSelector, host, spec }) => ({
      apiVersion,
      kind: `${staged ? 'Staged' : ''}${global ? 'GlobalNetworkPolicy' : 'NetworkPolicy'}`,
      metadata: global ? {} : { namespace },
      spec: global ? defined({ ...spec, ...host, namespaceSelector }) : spec,
    }));
}

/** A GlobalNetworkPolicy for host endpoints: before tracking, before translation, or for what is forwarded, too. */
export function arbitraryHostPolicy(): fc.Arbitrary<PolicyObject> {
  return fc
    .record({
      spec: arbitrarySpec(),
      selector: fc.constantFrom('has(host)', "host == 'a'", 'all()'),
      place: fc.constantFrom({}, { applyOnForward: true }, { doNotTrack: true }, { preDNAT: true }, { preDNAT: true }),
    })
    .map(({ spec: { ingress, egress, ...rest }, selector, place }) => {
      const early = 'doNotTrack' in place || 'preDNAT' in place;
      return {
        apiVersion: V3,
        kind: 'GlobalNetworkPolicy',
        metadata: {},
        spec: {
          ...rest,
          selector,
          ...place,
          ...(early ? { applyOnForward: true } : {}),
          ...('preDNAT' in place ? { types: ['Ingress'], ingress } : { types: BOTH, ingress, egress }),
        },
      };
    });
}

/** A NetworkSet or GlobalNetworkSet that the generated selectors can choose. */
export function arbitraryNetworkSet(): fc.Arbitrary<PolicyObject> {
  return fc
    .record({ global: fc.boolean(), nets: ANY_NETS, labels: fc.constantFrom({ net: 'near' }, { app: 'a' }) })
    .map(({ global, nets, labels }) => ({
      apiVersion: V3,
      kind: global ? 'GlobalNetworkSet' : 'NetworkSet',
      metadata: { labels, ...(global ? {} : { namespace: 'ns-0' }) },
      spec: { nets },
    }));
}

/** Rules of a Profile, which do not pass. */
export function arbitraryProfileRules(direction: 'ingress' | 'egress'): fc.Arbitrary<object[]> {
  const isFinal = (rule: object) => 'action' in rule && rule.action !== 'Pass';
  return fc.array(arbitraryRule(direction), { maxLength: 2 }).map((rules) => rules.filter(isFinal));
}

interface Spec {
  readonly types?: readonly string[];
  readonly ingress: readonly object[];
  readonly egress: readonly object[];
}

function arbitrarySpec(): fc.Arbitrary<Spec> {
  return fc
    .record({
      tier: fc.constantFrom(undefined, undefined, undefined, 'security', 'middle', 'late'),
      order: fc.constantFrom(undefined, 10, 1000, 1000.5),
      selector: optional(SELECTOR),
      serviceAccountSelector: often<string | undefined>(undefined, "role == 'a'"),
      types: fc.constantFrom<(string[] | undefined)[]>(undefined, undefined, undefined, ['Ingress'], ['Egress'], BOTH),
      ingress: fc.array(arbitraryRule('ingress'), { maxLength: 3 }),
      egress: fc.array(arbitraryRule('egress'), { maxLength: 3 }),
    })
    .map((spec) => defined(spec) as unknown as Spec);
}

/** A rule with few parts, so that it often matches. Its blocks are of one family, since mixed ones would be refused. */
function arbitraryRule(direction: 'ingress' | 'egress'): fc.Arbitrary<object> {
  const [peer, own] = direction === 'ingress' ? ['source', 'destination'] : ['destination', 'source'];
  return fc.constantFrom(4 as const, 4 as const, 6 as const).chain((family) => {
    const entity = arbitraryEntity(family);
    const shapes: readonly (readonly [weight: number, fc.Arbitrary<object>])[] = [
      [1, fc.constant({})],
      [4, fc.record({ [peer!]: entity })],
      [2, fc.record({ [own!]: entity })],
      [1, fc.record({ source: entity, destination: entity })],
      [1, fc.constant({ ipVersion: family })],
      [
        1,
        fc.record({ notProtocol: fc.constantFrom('TCP', 17), ipVersion: often<number | undefined>(undefined, family) }),
      ],
      [2, arbitraryPorts(fc.constant({}))],
      [2, arbitraryPorts(entity)],
      [1, fc.constantFrom('web', 'listed', 'missing').map((name) => ({ [peer!]: { services: serviceIn(name) } }))],
      [3, arbitraryIcmp(family)],
    ];
    const parts = fc.oneof(...shapes.map(([weight, arbitrary]) => ({ weight, arbitrary })));
    const action = fc.constantFrom('Allow', 'Allow', 'Deny', 'Pass', 'Log');
    return fc.record({ action, parts }).map(({ action: does, parts: rest }) => defined({ action: does, ...rest }));
  });
}

function serviceIn(name: string): object {
  return { name, namespace: 'ns-0' };
}

function arbitraryIcmp(family: 4 | 6): fc.Arbitrary<object> {
  const [echo, other] = family === 6 ? [{ type: 128 }, { type: 3, code: 0 }] : [{ type: 8 }, { type: 3, code: 1 }];
  const protocol = family === 6 ? 'ICMPv6' : 'ICMP';
  return fc.constantFrom<object[]>(
    { protocol },
    { protocol, icmp: echo },
    { protocol, icmp: other },
    { protocol, notICMP: other },
    { protocol, notICMP: echo },
    { notICMP: echo, ipVersion: family },
    { notICMP: other },
  );
}

/** Ports at one end or both, of a rule that otherwise asks for the entity at the destination. */
function arbitraryPorts(entity: fc.Arbitrary<object>): fc.Arbitrary<object> {
  const ports = fc.oneof(
    { weight: 3, arbitrary: PORTS.map((each) => ({ destination: { ports: each } })) },
    { weight: 1, arbitrary: PORTS.map((each) => ({ destination: { notPorts: each } })) },
    { weight: 1, arbitrary: PORTS.map((each) => ({ source: { ports: each } })) },
    { weight: 1, arbitrary: PORTS.map((each) => ({ source: { notPorts: each } })) },
    { weight: 1, arbitrary: fc.constant({}) },
  );
  return fc
    .record({ protocol: fc.constantFrom<(string | number)[]>('TCP', 'TCP', 'UDP', 'SCTP', 6), ports, entity })
    .map(({ protocol, ports: each, entity: to }) => {
      const ends = each as { readonly source?: object; readonly destination?: object };
      return { protocol, ...ends, destination: { ...to, ...ends.destination } };
    });
}

/** What a rule asks of one end, in one way or two. */
function arbitraryEntity(family: 4 | 6): fc.Arbitrary<object> {
  const nets = fc.constantFrom<(readonly string[])[]>(...NETS[family]);
  const namespaceSelector = fc.constantFrom('all()', 'global()', "env == 'a'");
  const one: readonly fc.Arbitrary<object>[] = [
    fc.record({ selector: SELECTOR }),
    fc.record({ selector: SELECTOR, namespaceSelector: fc.constant('all()') }),
    fc.record({ notSelector: SELECTOR }),
    fc.record({ notSelector: SELECTOR, namespaceSelector: fc.constant('all()') }),
    fc.record({ namespaceSelector }),
    fc.record({ nets }),
    fc.record({ notNets: nets }),
    fc.constantFrom({ serviceAccounts: { names: ['robot'] } }, { serviceAccounts: { selector: "role == 'a'" } }),
  ];
  const two = fc.tuple(fc.oneof(...one), fc.oneof(...one)).map(([a, b]) => ({ ...a, ...b }));
  return fc.oneof({ weight: 5, arbitrary: fc.oneof(...one) }, { weight: 1, arbitrary: two });
}

function optional<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(arbitrary, { nil: undefined });
}

function often<T>(usual: T, rare: T): fc.Arbitrary<T> {
  return fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constant(rare) });
}

function defined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
}
