import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contains, parseCidr } from '../../src/base/ip/index.ts';
import { membersOf, type Members } from '../../src/cli/party/members.ts';
import type { PartySet, PortSpec } from '../../src/cli/party/party-set.ts';
import type { PortRecord, ReachConnection, ReachGraph } from '../../src/cli/reach/graph.ts';
import { podGraph } from '../../src/cli/reach/pod-graph.ts';
import { unitGraph } from '../../src/cli/reach/unit-graph.ts';
import { compareClusters } from '../../src/cli/diff/compare.ts';
import { runTests } from '../../src/cli/test/run-tests.ts';
import { VERBS, type PolicyTest, type Verb } from '../../src/cli/test/spec.ts';
import { EVERYTHING, parseLabelMap } from '../../src/core/kube/labels.ts';
import { PolicyEngine, tiersOf } from '../../src/core/policy/index.ts';
import type { ClusterState, Flow, Party, Verdict } from '../../src/core/policy/index.ts';
import { portRange, reach } from '../../src/core/reach/index.ts';
import { MODEL_PORTS, arbitraryModel } from './arbitrary-model.ts';
import { flowsOf } from './model-flows.ts';

const LABELS: readonly Readonly<Record<string, string>>[] = [{ app: 'a' }, { app: 'b' }, { tier: 'a' }];

const arbitraryParty: fc.Arbitrary<PartySet> = fc.letrec<{ readonly set: PartySet }>((tie) => ({
  set: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<PartySet>({ kind: 'any' }, { kind: 'outside' }, { kind: 'nodes' }),
    fc
      .constantFrom('10.244.0.0/16', '203.0.113.0/24', '0.0.0.0/0', 'fd00::/8', '10.244.7.7/32')
      .map((text): PartySet => ({ kind: 'block', cidr: parseCidr(text)! })),
    fc
      .record({ name: fc.constantFrom('ns-0', 'ns-1'), labels: fc.constantFrom(undefined, ...LABELS) })
      .map(({ name, labels }): PartySet => ({
        kind: 'pods',
        namespaces: { kind: 'names', names: [name] },
        pods: labels === undefined ? EVERYTHING : parseLabelMap(labels),
      })),
    fc.tuple(tie('set'), tie('set')).map((of): PartySet => ({ kind: 'union', of })),
    tie('set').map((of): PartySet => ({ kind: 'not', of })),
  ),
})).set;

const arbitraryPorts: fc.Arbitrary<readonly PortSpec[] | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.constantFrom<readonly PortSpec[]>(
    [{ kind: 'protocol', protocol: 'ICMP' }],
    [{ kind: 'protocol', protocol: 'UDP' }],
  ),
  fc
    .constantFrom(...MODEL_PORTS)
    .map((port): readonly PortSpec[] => [{ kind: 'range', protocol: 'TCP', first: port, last: port }]),
  fc.constant<readonly PortSpec[]>([{ kind: 'range', protocol: 'TCP', first: 80, last: 81 }]),
);

const at = { file: 'spec.yaml', line: 1, column: 1 };

/** Whether the flow is among those that the sides and ports mean. */
function isMeant(
  { source, destination, protocol, port }: Flow,
  from: Members,
  to: Members,
  ports: readonly PortSpec[] | undefined,
): boolean {
  if (!isMember(source, from) || !isMember(destination, to)) return false;
  if (source.kind === 'outside' && destination.kind === 'outside') return false;
  return (
    ports === undefined ||
    ports.some(
      (each) =>
        each.protocol === protocol &&
        (each.kind !== 'range' || (port !== undefined && port >= each.first && port <= each.last)),
    )
  );
}

function isMember(party: Party, members: Members): boolean {
  switch (party.kind) {
    case 'pod':
      return members.pod(party.pod);
    case 'node':
      return members.node(party.node);
    case 'outside':
      return contains(members.outside[party.ip.family], party.ip.value);
  }
}

/** Flows that no test is about: of a source port or a domain name, which specs cannot name, and what no policy is asked about. */
function isAside({ flow, exempt }: Verdict): boolean {
  const { sourcePort, destination, source } = flow;
  return (
    exempt !== undefined ||
    sourcePort !== undefined ||
    [source, destination].some((party) => party.kind === 'outside' && party.domain !== undefined)
  );
}

/** Whether any of the flows that can be tried contradicts the test. */
function isBroken(
  verdicts: readonly Verdict[],
  state: ClusterState,
  { verb, from, to, ports, exclusive }: PolicyTest,
): boolean {
  const members = (set: PartySet) => membersOf(set, state);
  const [sources, targets] = [members(from), members(to)];
  const others =
    exclusive === 'from'
      ? ([members({ kind: 'not', of: from }), targets] as const)
      : ([sources, members({ kind: 'not', of: to })] as const);
  return verdicts.some((verdict) => {
    if (isMeant(verdict.flow, sources, targets, ports))
      return verdict.allowed !== (verb === 'allow' || verb === 'only');
    return verb === 'only' && verdict.allowed && isMeant(verdict.flow, ...others, ports);
  });
}

describe('sluice test, over generated clusters', () => {
  it('finds a counter-example whenever trying flows does, and only real ones', () => {
    let failures = 0;
    const test = fc.record({
      verb: fc.constantFrom<Verb>(...VERBS),
      from: arbitraryParty,
      to: arbitraryParty,
      ports: arbitraryPorts,
      exclusive: fc.constantFrom<'from' | 'to'>('from', 'to'),
    });
    fc.assert(
      fc.property(
        arbitraryModel({ domains: false }),
        fc.array(test, { minLength: 4, maxLength: 4 }),
        ({ state }, parts) => {
          const engine = new PolicyEngine(state);
          const verdicts = [...flowsOf(engine)]
            .map((flow) => engine.evaluate(flow))
            .filter((verdict) => !isAside(verdict));
          const tests = parts.map((part, index): PolicyTest => ({ name: `test ${index}`, at, ...part }));
          const results = runTests({ file: 'spec.yaml', files: [], family: undefined, tests }, state, 'en');
          for (const result of results) {
            if (result.outcome !== 'fail') {
              expect(isBroken(verdicts, state, result.test), fc.stringify(result)).toBe(false);
              continue;
            }
            failures++;
            // Its flow was judged by evaluate; what is left to see is that it is one of those meant.
            expect(isAside(result.counterExample.verdict)).toBe(false);
            expect(isBroken([result.counterExample.verdict], state, result.test)).toBe(true);
          }
        },
      ),
      { numRuns: 300 },
    );
    expect(failures).toBeGreaterThan(100);
  });
});

/** Connections by `from > to`, their ports as text. */
function table(
  { connections }: ReachGraph,
  keep: (connection: ReachConnection) => boolean = () => true,
): Map<string, string> {
  const found = new Map<string, string>();
  for (const each of connections) {
    if (!keep(each)) continue;
    const key = `${each.from} > ${each.to}`;
    expect(found.has(key), `${key} twice`).toBe(false);
    found.set(key, JSON.stringify(each.ports));
  }
  return found;
}

describe('sluice reach, over generated clusters', () => {
  it('narrowed to a side, says of its pods what it says of everybody', () => {
    fc.assert(
      fc.property(
        arbitraryModel(),
        fc.constantFrom<'from' | 'to'>('from', 'to'),
        fc.constantFrom('ns-0', 'ns-1'),
        ({ state }, side, namespace) => {
          const members = membersOf(
            { kind: 'pods', namespaces: { kind: 'names', names: [namespace] }, pods: EVERYTHING },
            state,
          );
          const whole = table(podGraph(reach(state)), (each) => each[side].startsWith(`${namespace}/`));
          expect(table(podGraph(reach(state), { [side]: members }))).toEqual(whole);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('narrowed to a port, lists exactly the connections that have it', () => {
    fc.assert(
      fc.property(arbitraryModel(), fc.constantFrom(...MODEL_PORTS), ({ state }, port) => {
        const has = ({ ports }: ReachConnection) =>
          ports.some((each: PortRecord) => each.protocol === 'TCP' && each.from <= port && port <= each.to);
        const whole = [...table(podGraph(reach(state)), has).keys()];
        const narrowed = podGraph(reach(state), { ports: portRange('TCP', port, port) });
        expect([...table(narrowed).keys()].sort()).toEqual(whole.sort());
      }),
      { numRuns: 150 },
    );
  });

  it('by namespace, shows a connection exactly when some pair of pods has it, and in full exactly when all have it alike', () => {
    fc.assert(
      fc.property(arbitraryModel({ hostEndpoints: false }), ({ state }) => {
        const single = [...podGraph(reach(state)).connections].filter(({ exempt }) => exempt === undefined);
        const pods = [...state.pods.values()].filter((pod) => !pod.hostNetwork && !pod.completed);
        const of = (name: string) => state.pods.get(name)?.namespace;
        for (const unit of unitGraph(reach(state), 'namespace').connections) {
          const [sources, targets] = [unit.from, unit.to].map((name) =>
            pods.filter(({ namespace }) => namespace === name),
          );
          if (sources!.length === 0 || targets!.length === 0) continue;
          const pairs = sources!.flatMap((a) => targets!.filter((b) => b !== a).map((b) => `${a.key} > ${b.key}`));
          const own = single.filter(({ from, to }) => of(from) === unit.from && of(to) === unit.to);
          expect(own.length).toBeGreaterThan(0);
          const alike = new Set(own.map(({ ports }) => JSON.stringify(ports)));
          const full = own.length === pairs.length && alike.size === 1;
          if (full) expect(JSON.stringify(unit.ports)).toBe([...alike][0]);
          // Pods of one family beside pods of both have the same ports over what they share, and yet are not alike.
          if (unit.partial === undefined) expect(full).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('sluice diff, over generated clusters', () => {
  it('gives a reason that holds for every change that a flow can show', () => {
    let reasons = 0;
    fc.assert(
      fc.property(arbitraryModel({ domains: false }), fc.nat(), ({ state, policies, tierSpecs }, pick) => {
        const without = policies.filter((_, index) => index !== pick % Math.max(1, policies.length));
        const before: ClusterState = { ...state, tiers: tiersOf(without, tierSpecs) };
        const { opened, closed } = compareClusters(before, state, 'en');
        for (const { reason } of [...opened, ...closed]) {
          if (reason === undefined) continue;
          reasons++;
          expect(reason.sides.length).toBeGreaterThan(0);
        }
        const none = compareClusters(state, state, 'en');
        expect([...none.opened, ...none.closed]).toEqual([]);
      }),
      { numRuns: 150 },
    );
    // Of some 60, more or less.
    expect(reasons).toBeGreaterThan(20);
  });
});
