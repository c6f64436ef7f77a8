import { describe, expect, it } from 'vitest';
import { parseIp } from '../../src/base/ip/index.ts';
import { PolicyEngine, explain, formatExplanation } from '../../src/core/policy/index.ts';
import type { ClusterState, Flow } from '../../src/core/policy/index.ts';
import { includesTraffic, reach } from '../../src/core/reach/index.ts';
import { flowArrives, rulesetsOf } from './compiled-state.ts';
import { conformanceSteps } from './conformance-table.ts';
import type { ConformanceProbe } from './conformance-table.ts';

/** What answers whether a connection is allowed, one a row; each reader of policy must agree with the table. */
const READERS: readonly [string, (state: ClusterState) => (probe: ConformanceProbe) => boolean][] = [
  ['evaluate', evaluated],
  ['reach', reached],
  ['the compiled filters', filtered],
];

const steps = conformanceSteps();

it('has every probe of the published tests', () => {
  expect(steps.flatMap(({ probes }) => probes)).toHaveLength(301);
  expect(new Set(steps.map(({ suite }) => suite)).size).toBe(24);
});

describe.each(READERS)('ClusterNetworkPolicy conformance of %s', (_, reader) => {
  it.each(steps.map((step) => [`${step.suite}: ${step.subtest}`, step] as const))('%s', (_name, step) => {
    expect(step.state.issues).toEqual([]);
    const ask = reader(step.state);
    const wrong = step.probes.filter((probe) => ask(probe) !== probe.allowed);
    expect(wrong.map((probe) => explained(step.state, probe))).toEqual([]);
  });
});

function evaluated(state: ClusterState): (probe: ConformanceProbe) => boolean {
  const engine = new PolicyEngine(state);
  return (probe) => verdictOf(engine, probe).allowed;
}

function reached(state: ClusterState): (probe: ConformanceProbe) => boolean {
  const reachability = reach(state);
  return ({ from, to, protocol, port }) => {
    const source = reachability.resolve({ kind: 'pod', key: from })!;
    const destination = reachability.resolve({ kind: 'address', ip: parseIp(to)! })!;
    return includesTraffic(reachability.connection(source, destination).byFamily[4]!, { protocol, port }, 4);
  };
}

function filtered(state: ClusterState): (probe: ConformanceProbe) => boolean {
  const engine = new PolicyEngine(state);
  const rulesets = rulesetsOf(state);
  return (probe) => flowArrives(rulesets, state, flowOf(engine, probe));
}

function explained(state: ClusterState, probe: ConformanceProbe): string {
  return formatExplanation(explain(verdictOf(new PolicyEngine(state), probe)));
}

function verdictOf(engine: PolicyEngine, probe: ConformanceProbe) {
  return engine.evaluate(flowOf(engine, probe));
}

function flowOf(engine: PolicyEngine, { from, to, protocol, port }: ConformanceProbe): Flow {
  const source = engine.pod(engine.state.pods.get(from)!, 4);
  return { source, destination: engine.address(parseIp(to)!), protocol, port };
}
