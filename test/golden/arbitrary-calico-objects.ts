import fc from 'fast-check';
import type { PolicyObject } from '../../src/core/policy/index.ts';

const V3 = 'projectcalico.org/v3';

/** The tiers that generated policies are in, besides the one that is built in. */
export const TIER_OBJECTS: readonly PolicyObject[] = [
  { apiVersion: V3, kind: 'Tier', metadata: { name: 'security' }, spec: { order: 10 } },
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
);
const NAMESPACE_SELECTOR = fc.constantFrom('all()', "env == 'a'", "projectcalico.org/name != 'ns-1'");
const PORTS = fc.array(fc.constantFrom<(number | string)[]>(80, 53, '80:81', 'http', 'dns'), {
  minLength: 1,
  maxLength: 2,
});
const NETS = fc.constantFrom(['10.244.0.0/24'], ['10.244.1.0/24', '203.0.113.0/24'], ['172.30.1.0/24'], ['0.0.0.0/0']);

/** A Calico NetworkPolicy or GlobalNetworkPolicy in one of three tiers. */
export function arbitraryCalicoPolicy(): fc.Arbitrary<PolicyObject> {
  return fc
    .record({
      global: fc.boolean(),
      namespace: fc.constantFrom('ns-0', 'ns-1'),
      namespaceSelector: optional(NAMESPACE_SELECTOR),
      spec: fc
        .record({
          tier: fc.constantFrom(undefined, 'security', 'late'),
          order: fc.constantFrom(undefined, 10, 1000, 1000.5),
          selector: optional(SELECTOR),
          serviceAccountSelector: fc.constantFrom(undefined, undefined, undefined, "role == 'a'"),
          types: fc.constantFrom<(string[] | undefined)[]>(undefined, ['Ingress'], ['Egress'], ['Ingress', 'Egress']),
          ingress: fc.array(arbitraryRule(), { maxLength: 3 }),
          egress: fc.array(arbitraryRule(), { maxLength: 3 }),
        })
        .map(defined),
    })
    .map(({ global, namespace, namespaceSelector, spec }) => ({
      apiVersion: V3,
      kind: global ? 'GlobalNetworkPolicy' : 'NetworkPolicy',
      metadata: global ? {} : { namespace },
      spec: global && namespaceSelector !== undefined ? { ...spec, namespaceSelector } : spec,
    }));
}

/** A NetworkSet or GlobalNetworkSet that the generated selectors can choose. */
export function arbitraryNetworkSet(): fc.Arbitrary<PolicyObject> {
  return fc
    .record({ global: fc.boolean(), nets: NETS, labels: fc.constantFrom({ net: 'near' }, { app: 'a' }) })
    .map(({ global, nets, labels }) => ({
      apiVersion: V3,
      kind: global ? 'GlobalNetworkSet' : 'NetworkSet',
      metadata: { labels, ...(global ? {} : { namespace: 'ns-0' }) },
      spec: { nets },
    }));
}

function arbitraryRule(): fc.Arbitrary<object> {
  const action = fc.constantFrom('Allow', 'Allow', 'Deny', 'Pass', 'Log');
  const withoutPorts = fc.record({
    action,
    source: optional(arbitraryEntity()),
    destination: optional(arbitraryEntity()),
    ipVersion: fc.constantFrom(undefined, undefined, undefined, 4, 6),
    notProtocol: fc.constantFrom(undefined, undefined, 'TCP', 17),
  });
  const withPorts = fc.record({
    action,
    protocol: fc.constantFrom<(string | number)[]>('TCP', 'UDP', 'SCTP', 6),
    source: optional(arbitraryEntity()),
    destination: fc
      .record({ entity: arbitraryEntity(), ports: optional(PORTS), notPorts: optional(PORTS) })
      .map(({ entity, ...ports }) => defined({ ...entity, ...ports })),
  });
  const icmp = fc.constantFrom({ type: 8 }, { type: 3, code: 1 }).map((each) => ({
    action: 'Allow',
    protocol: 'ICMP',
    icmp: each,
  }));
  return fc.oneof(
    { weight: 3, arbitrary: withoutPorts.map(fittingFamily) },
    { weight: 4, arbitrary: withPorts.map(defined) },
    { weight: 1, arbitrary: icmp },
  );
}

/** Blocks of the other family than the rule's are refused, so a rule for IPv6 goes without the generated ones. */
function fittingFamily<T extends { readonly ipVersion: number | undefined; readonly source?: object | undefined }>(
  rule: T & { readonly destination?: object | undefined },
): object {
  const holdsNets = [rule.source, rule.destination].some((each) => JSON.stringify(each ?? {}).includes('ets"'));
  return defined({ ...rule, ipVersion: holdsNets && rule.ipVersion === 6 ? undefined : rule.ipVersion });
}

function arbitraryEntity(): fc.Arbitrary<object> {
  return fc.oneof(
    fc.constant({}),
    fc
      .record({
        selector: optional(SELECTOR),
        notSelector: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: SELECTOR }),
        namespaceSelector: fc.constantFrom(undefined, undefined, 'all()', 'global()', "env == 'a'"),
      })
      .map(defined),
    fc.record({ nets: optional(NETS), notNets: optional(NETS) }).map(defined),
    fc.constantFrom({ serviceAccounts: { names: ['robot'] } }, { serviceAccounts: { selector: "role == 'a'" } }),
  );
}

function optional<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(arbitrary, { nil: undefined });
}

function defined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
}
