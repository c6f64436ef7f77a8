import fc from 'fast-check';
import { expect, it } from 'vitest';
import { clusterState } from '../cluster-state.ts';
import { PolicyEngine } from '../evaluate.ts';
import type { Flow } from '../flow.ts';
import type { PolicyObject } from '../normalise/registry.ts';

const pods = [
  { name: 'a', namespace: 'n', ip: '10.0.0.1', labels: { app: 'web' }, account: 'x' },
  { name: 'b', namespace: 'n', ip: '10.0.0.2', labels: { app: 'db' }, account: 'y' },
  { name: 'c', namespace: 'm', ip: '10.0.1.1', labels: { app: 'web', tier: 'front' }, account: 'x' },
].map(({ name, namespace, ip, labels, account }) => ({
  metadata: { name, namespace, labels },
  spec: { serviceAccountName: account, containers: [{ name: 'c', ports: [{ name: 'http', containerPort: 80 }] }] },
  status: { phase: 'Running', podIPs: [{ ip }] },
}));
const cluster = {
  namespaces: ['n', 'm'].map((name) => ({ metadata: { name, labels: { env: name } } })),
  pods,
};

const selector = fc.constantFrom('', `app == 'web'`, 'has(tier)', `app != 'web'`, 'all()');
const block = fc.constantFrom('10.0.0.0/24', '10.0.0.1/32', '203.0.113.0/24');
const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });
const port = fc.constantFrom<number | string>(80, '80:81', 'http');

const end = fc.record(
  {
    selector,
    notSelector: selector,
    namespaceSelector: fc.constantFrom(`env == 'n'`, 'all()', 'global()'),
    nets: fc.array(block, { maxLength: 2 }),
    notNets: fc.array(block, { maxLength: 1 }),
    serviceAccounts: fc.record({ names: fc.constantFrom(['x'], ['y', 'z']) }, { requiredKeys: [] }),
    ports: fc.array(port, { maxLength: 2 }),
    notPorts: fc.array(port, { maxLength: 1 }),
  },
  { requiredKeys: [] },
);
const rule = fc.record({
  action: fc.constantFrom('Allow', 'Deny', 'Pass', 'Log'),
  protocol: fc.constantFrom('TCP', 6),
  notProtocol: some(fc.constantFrom('UDP', 1)),
  ipVersion: some(fc.constant(4)),
  source: some(end),
  destination: some(end),
  metadata: some(fc.constant({ annotations: { a: 'b' } })),
});
const spec = fc.record(
  {
    order: fc.integer(),
    selector,
    serviceAccountSelector: fc.constantFrom('', 'all()', 'has(nothing)'),
    namespaceSelector: fc.constantFrom('', `env == 'n'`),
    types: fc.subarray(['Ingress', 'Egress'], { minLength: 1 }),
    ingress: fc.array(rule, { maxLength: 3 }),
    egress: fc.array(rule, { maxLength: 3 }),
    applyOnForward: fc.boolean(),
  },
  { requiredKeys: [] },
);
const junk = fc.constantFrom<unknown>('(', 4.5, true, { junk: 1 }, [{ junk: 1 }], [[]], ['%']);

type Path = readonly (string | number)[];

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const inner = Object.entries(value).filter(([, each]) => each !== undefined);
  return [path, ...inner.flatMap(([key, each]) => pathsOf(each, [...path, Array.isArray(value) ? Number(key) : key]))];
}

function replaced(value: unknown, [key, ...rest]: Path, by: unknown): unknown {
  if (key === undefined) return by;
  if (Array.isArray(value))
    return value.map((each, index) => (index === key ? replaced(each, rest, by) : (each as unknown)));
  const record = value as Record<string, unknown>;
  return { ...record, [key]: replaced(record[key], rest, by) };
}

function allowed(policySpec: unknown): string[] {
  const policy: PolicyObject = {
    apiVersion: 'projectcalico.org/v3',
    kind: 'GlobalNetworkPolicy',
    metadata: { name: 'p' },
    spec: policySpec,
  };
  const engine = new PolicyEngine(clusterState({ ...cluster, policies: [policy] }));
  const parties = [...engine.state.pods.values()].map((pod) => engine.pod(pod, 4));
  const outside = engine.address({ family: 4, value: (203n << 24n) | (113n << 8n) | 1n });
  const flows: Flow[] = [...parties, outside].flatMap((source) =>
    [...parties, outside].flatMap((destination) =>
      [80, 81, 82].map((number) => ({ source, destination, protocol: 'TCP' as const, port: number, sourcePort: 80 })),
    ),
  );
  return flows.flatMap((flow, index) => (engine.evaluate(flow).allowed ? [String(index)] : []));
}

it('a policy with an unreadable part allows nothing that it would allow with that part readable', () => {
  fc.assert(
    fc.property(spec, junk, fc.nat(), (good, by, choice) => {
      const paths = pathsOf(good);
      const path = paths[choice % paths.length]!;
      // A list of one rule that is not understood does tell which directions there are rules for.
      fc.pre(!(Array.isArray(by) && ['ingress', 'egress'].includes(String(path.at(-1)))));
      const bad = replaced(good, path, by);
      const before = new Set(allowed(good));
      const opened = allowed(bad).filter((flow) => !before.has(flow));
      expect(opened, JSON.stringify({ path, bad })).toEqual([]);
    }),
    { numRuns: 1500 },
  );
});
