import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cidrContains, parseCidr, parseIp } from '../../src/base/ip/index.ts';
import type { Family, Ip } from '../../src/base/ip/index.ts';
import { validateObject } from '../../src/core/kube/validate/validate-object.ts';
import { parseManifests } from '../../src/core/kube/yaml.ts';
import { PolicyEngine, clusterObjects, clusterState } from '../../src/core/policy/index.ts';
import type { Flow, FlowProtocol, Party, PolicyObject } from '../../src/core/policy/index.ts';
import { calicoAllows } from './calico-oracle.ts';
import type { CalicoPolicy, Connection, End, Labelled } from './calico-oracle.ts';

const VERSION = 'projectcalico.org/v3';
const SETS = [
  {
    kind: 'NetworkSet',
    namespace: 'shop',
    labels: { app: 'web', where: 'near' },
    nets: ['198.51.100.0/24', '2001:db8:1::/48'],
  },
  { kind: 'GlobalNetworkSet', labels: { where: 'far' }, nets: ['198.51.100.128/25', '10.244.1.0/24'] },
];
const TIERS = [
  { name: 'first', order: 1, passes: false },
  { name: 'second', order: 2, passes: true },
  { name: 'default', order: 1_000_000, passes: false },
];
const OUTSIDE = ['203.0.113.1', '198.51.100.1', '198.51.100.200', '2001:db8:1::1', '2001:db8:2::1'];

const { manifests } = parseManifests(readFileSync(join(import.meta.dirname, 'calico/cluster.yaml'), 'utf8'), 'cluster');
const cluster = clusterObjects(manifests).objects;
const objects: PolicyObject[] = SETS.map(({ kind, namespace, labels, nets }, index) => ({
  apiVersion: VERSION,
  kind,
  metadata: { name: `set-${index}`, labels, ...(namespace === undefined ? {} : { namespace }) },
  spec: { nets },
}));
const tierObjects: PolicyObject[] = TIERS.map(({ name, order, passes }) => ({
  apiVersion: VERSION,
  kind: 'Tier',
  metadata: { name },
  spec: { order, defaultAction: passes ? 'Pass' : 'Deny' },
}));

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 3 });
const seldom = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });
const selector = fc.constantFrom(
  '',
  `app == 'web'`,
  `app != 'web'`,
  `app in {'web', 'db'} || has(tier)`,
  '!has(tier) && app contains "l"',
  'all()',
  `projectcalico.org/namespace == 'shop'`,
  `projectcalico.org/serviceaccount != 'web'`,
  `where starts with 'n'`,
);
const namespaces = fc.constantFrom(
  '',
  `env == 'prod'`,
  `env != 'prod'`,
  'all()',
  '!all()',
  `projectcalico.org/name not in {'test'}`,
);
const nets4 = fc.subarray(['10.244.0.0/16', '10.244.2.3/32', '198.51.100.0/25', '0.0.0.0/0']);
const nets6 = fc.subarray(['fd00:244::/32', 'fd00:244:2::4/128', '::/0']);
const ports = fc.subarray<number | string>([80, 5432, '1000:2000', 'http', 'sql', '80:81'], { maxLength: 2 });

interface Shape {
  readonly family: 4 | 6;
  readonly ports: boolean;
}

const entity = ({ family, ports: withPorts }: Shape) =>
  fc.record(
    {
      nets: seldom(family === 4 ? nets4 : nets6),
      notNets: seldom(family === 4 ? nets4 : nets6),
      selector: maybe(selector),
      notSelector: seldom(selector),
      namespaceSelector: maybe(fc.oneof(namespaces, fc.constant('global()'))),
      serviceAccounts: seldom(
        fc.record({
          names: fc.subarray(['web', 'prober', 'default']),
          selector: fc.constantFrom('', `role == 'probe'`, 'all()'),
        }),
      ),
      ...(withPorts ? { ports: maybe(ports), notPorts: seldom(ports) } : {}),
    },
    { requiredKeys: [] },
  );
const action = fc.constantFrom('Allow', 'Allow', 'Deny', 'Pass', 'Log');
const ruleOf = (family: 4 | 6) => {
  const ends = (withPorts: boolean) => ({
    source: maybe(entity({ family, ports: withPorts })),
    destination: maybe(entity({ family, ports: withPorts })),
    ipVersion: seldom(fc.constant(family)),
    action,
  });
  const icmp = fc.record({ type: fc.constantFrom(8, 3, 128) });
  return fc.oneof(
    fc.record({ ...ends(true), protocol: fc.constantFrom('TCP', 'UDP', 6) }),
    fc
      .record({ ...ends(false), notProtocol: seldom(fc.constantFrom('TCP', 'ICMPv6', 17)) })
      .filter(({ ipVersion, notProtocol }) => !(ipVersion === 4 && notProtocol === 'ICMPv6')),
    fc.record({
      ...ends(false),
      protocol: fc.constant(family === 4 ? 'ICMP' : 'ICMPv6'),
      icmp: maybe(icmp),
      notICMP: seldom(icmp),
    }),
  );
};
const rule = fc.constantFrom(4 as const, 6 as const).chain(ruleOf);
const rules = fc.array(rule, { maxLength: 4 });
const policy = fc
  .record({
    kind: fc.constantFrom('NetworkPolicy', 'GlobalNetworkPolicy'),
    name: fc.constantFrom('a', 'b', 'c'),
    namespace: fc.constantFrom('shop', 'test'),
    namespaceSelector: maybe(namespaces),
    spec: fc.record(
      {
        tier: fc.constantFrom('default', 'first', 'second'),
        order: fc.constantFrom(1, 2),
        selector: maybe(selector),
        serviceAccountSelector: seldom(fc.constantFrom(`role == 'server'`, 'all()', 'has(role)')),
        types: seldom(fc.subarray(['Ingress', 'Egress'], { minLength: 1 })),
        ingress: maybe(rules),
        egress: maybe(rules),
      },
      { requiredKeys: [] },
    ),
  })
  .map(({ kind, name, namespace, namespaceSelector, spec }) => {
    const isGlobal = kind === 'GlobalNetworkPolicy';
    const own = isGlobal && namespaceSelector !== undefined ? { ...spec, namespaceSelector } : spec;
    return withoutAbsent({
      apiVersion: VERSION,
      kind,
      metadata: isGlobal ? { name } : { name, namespace },
      spec: own,
    }) as unknown as CalicoPolicy & PolicyObject;
  });

function withoutAbsent(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}

function labelledPods(
  family: Family,
): { readonly pod: Labelled & NonNullable<End['pod']>; readonly ip: Ip; readonly key: string }[] {
  const all = <T>(list: Iterable<T> | undefined) => [...(list ?? [])];
  return all(cluster.pods).map((pod) => {
    const namespace = all(cluster.namespaces).find((each) => each.metadata?.name === pod.metadata?.namespace)!;
    const accountName = pod.spec?.serviceAccountName ?? 'default';
    const account = all(cluster.serviceAccounts).find(
      ({ metadata }) => metadata?.name === accountName && metadata.namespace === pod.metadata?.namespace,
    );
    const ports = (pod.spec?.containers ?? []).flatMap((each) => each.ports ?? []);
    const ip = (pod.status?.podIPs ?? [])
      .map((each) => parseIp(each.ip ?? '')!)
      .find((each) => each.family === family)!;
    return {
      key: `${pod.metadata!.namespace}/${pod.metadata!.name}`,
      ip,
      pod: {
        labels: { ...pod.metadata?.labels, 'projectcalico.org/orchestrator': 'k8s' },
        namespace: { name: namespace.metadata!.name!, labels: namespace.metadata!.labels! },
        account: { name: accountName, labels: account?.metadata?.labels ?? {} },
        ports: ports.map(({ name, containerPort, protocol }) => ({
          name: name!,
          protocol: protocol ?? 'TCP',
          port: containerPort,
        })),
      },
    };
  });
}

function setsOf(ip: Ip): Labelled[] {
  const shop = { name: 'shop', labels: { env: 'prod' } };
  return SETS.filter(({ nets }) => nets.some((net) => cidrContains(parseCidr(net)!, ip))).map(
    ({ namespace, labels }) => (namespace === undefined ? { labels } : { labels, namespace: shop }),
  );
}

/** Both opinions' way of naming each end. */
function endsOf(engine: PolicyEngine, family: Family): { readonly party: Party; readonly end: End }[] {
  const pods = labelledPods(family).map(({ key, ip, pod }) => ({
    party: engine.pod(engine.state.pods.get(key)!, family),
    end: { ip, pod, is: [pod, ...setsOf(ip)] },
  }));
  const outside = OUTSIDE.map((text) => parseIp(text)!).filter((ip) => ip.family === family);
  return [...pods, ...outside.map((ip) => ({ party: engine.address(ip), end: { ip, is: setsOf(ip) } }))];
}

const KINDS: readonly {
  protocol: FlowProtocol;
  port?: number;
  sourcePort?: number;
  icmp?: { type: number; code: number };
}[] = [
  { protocol: 'TCP', port: 80, sourcePort: 1500 },
  { protocol: 'TCP', port: 5432, sourcePort: 80 },
  { protocol: 'UDP', port: 81, sourcePort: 5432 },
  { protocol: 'ICMP', icmp: { type: 8, code: 0 } },
  { protocol: 'ICMP', icmp: { type: 128, code: 0 } },
  { protocol: '47' },
];

function flowsOf(engine: PolicyEngine): { readonly flow: Flow; readonly connection: Connection }[] {
  return ([4, 6] as const).flatMap((family) => {
    const ends = endsOf(engine, family);
    return ends.flatMap((source) =>
      ends
        .filter((destination) => destination !== source)
        .flatMap((destination) =>
          KINDS.map(({ protocol, port, sourcePort, icmp }) => ({
            flow: {
              source: source.party,
              destination: destination.party,
              protocol,
              ...(port === undefined ? {} : { port, sourcePort: sourcePort! }),
              ...(icmp === undefined ? {} : { icmp }),
            },
            connection: {
              source: { ...source.end, port: sourcePort },
              destination: { ...destination.end, port },
              protocol: { TCP: 6, UDP: 17, ICMP: family === 4 ? 1 : 58 }[protocol as string] ?? 47,
              icmp,
            },
          })),
        ),
    );
  });
}

it("says of generated policies what Calico's documentation says", () => {
  const seen = { allowed: 0, denied: 0 };
  fc.assert(
    fc.property(fc.array(policy, { minLength: 1, maxLength: 4 }), (policies) => {
      // Two of one name are one: the later counts.
      const distinct = [
        ...new Map(policies.map((each) => [JSON.stringify([each.kind, each.metadata]), each])).values(),
      ];
      expect(distinct.flatMap((each) => validateObject(each))).toEqual([]);
      const state = clusterState({ ...cluster, networkSets: objects, tiers: tierObjects, policies: distinct });
      expect(state.issues).toEqual([]);
      const engine = new PolicyEngine(state);
      for (const { flow, connection } of flowsOf(engine)) {
        const allowed = engine.evaluate(flow).allowed;
        seen[allowed ? 'allowed' : 'denied']++;
        if (allowed !== calicoAllows(distinct, TIERS, connection))
          expect.fail(`${allowed ? 'allowed' : 'denied'}: ${JSON.stringify({ flow, distinct }, bigIntsAsText)}`);
      }
    }),
    { numRuns: 400 },
  );
  expect(Math.min(seen.allowed, seen.denied)).toBeGreaterThan(10_000);
});

function bigIntsAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
