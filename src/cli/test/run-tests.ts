import type { Family } from '../../base/ip/index.ts';
import type { ClusterState } from '../../core/policy/cluster.ts';
import { PolicyEngine } from '../../core/policy/evaluate.ts';
import { explain } from '../../core/policy/explain.ts';
import type { ExplanationLine } from '../../core/policy/explain.ts';
import type { Verdict } from '../../core/policy/flow.ts';
import type { Language } from '../../core/policy/messages/catalogue.ts';
import { nearestMisses } from '../../core/policy/near-miss.ts';
import { reach } from '../../core/reach/index.ts';
import { describeParty } from '../party/describe.ts';
import { membersOf, missingNames, type Members } from '../party/members.ts';
import type { PartySet } from '../party/party-set.ts';
import { ownedAddresses } from '../reach/selection.ts';
import { findViolation, type Finding, type FlowSet } from './find-violation.ts';
import type { PolicyTest, TestSpec } from './spec.ts';
import { witnessFlow } from './witness-flow.ts';

/** What became of one test. */
export type TestResult =
  | { readonly test: PolicyTest; readonly outcome: 'pass'; readonly pairs: number }
  | { readonly test: PolicyTest; readonly outcome: 'fail'; readonly counterExample: CounterExample }
  /** It could not be asked: nobody is there whom it means. */
  | { readonly test: PolicyTest; readonly outcome: 'error'; readonly message: string };

/** A connection that is not as the test asserts, and why. */
export interface CounterExample {
  readonly expected: 'allowed' | 'denied';
  readonly verdict: Verdict;
  readonly explanation: readonly ExplanationLine[];
}

/** Runs the tests of a spec on a cluster, each to its first counter-example. */
export function runTests(spec: TestSpec, state: ClusterState, language: Language): readonly TestResult[] {
  const engine = new PolicyEngine(state);
  const reachability = reach(state);
  const owned = ownedAddresses(state);
  const families: readonly Family[] = spec.family === undefined ? [4, 6] : [spec.family];
  const find = (flows: FlowSet, expected: 'allowed' | 'denied') => findViolation(reachability, owned, flows, expected);
  return spec.tests.map((test): TestResult => {
    const missing = [...missingNames(test.from, state), ...missingNames(test.to, state)];
    if (missing.length > 0) return { test, outcome: 'error', message: missing.join('; ') };
    let pairs = 0;
    for (const { flows, expected } of partsOf(test, state, families)) {
      const finding: Finding = find(flows, expected);
      if (finding.kind === 'violation') {
        const verdict = engine.evaluate(witnessFlow(engine, finding.violation));
        if (verdict.allowed === (expected === 'allowed'))
          throw new Error(`test ${test.name}: reach and evaluate disagree about the counter-example`);
        const explanation = explain(verdict, nearestMisses(engine, verdict), language);
        return { test, outcome: 'fail', counterExample: { expected, verdict, explanation } };
      }
      pairs += finding.pairs;
    }
    if (pairs === 0 && test.verb !== 'never') return { test, outcome: 'error', message: nobody(test, state) };
    return { test, outcome: 'pass', pairs };
  });
}

/** What the test asserts, as sets of flows that are all allowed or all denied. */
function partsOf(
  { verb, from, to, ports, exclusive }: PolicyTest,
  state: ClusterState,
  families: readonly Family[],
): readonly { readonly flows: FlowSet; readonly expected: 'allowed' | 'denied' }[] {
  const members = (set: PartySet): Members => membersOf(set, state);
  const flows: FlowSet = { from: members(from), to: members(to), ports, families };
  if (verb !== 'only') return [{ flows, expected: verb === 'allow' ? 'allowed' : 'denied' }];
  const others: FlowSet =
    exclusive === 'from'
      ? { ...flows, from: members({ kind: 'not', of: from }) }
      : { ...flows, to: members({ kind: 'not', of: to }) };
  return [
    { flows, expected: 'allowed' },
    { flows: others, expected: 'denied' },
  ];
}

function nobody({ from, to, ports }: PolicyTest, state: ClusterState): string {
  for (const [side, set] of [
    ['from', from],
    ['to', to],
  ] as const) {
    const { pod, node, outside } = membersOf(set, state);
    const anybody =
      [...state.pods.values()].some((each) => !each.hostNetwork && !each.completed && pod(each)) ||
      [...state.nodes.values()].some(node) ||
      outside[4].length + outside[6].length > 0;
    if (!anybody) return `nobody in the cluster is meant by ${side}: ${describeParty(set)}`;
  }
  const named = ports?.flatMap((each) => (each.kind === 'named' ? [each.name] : [])) ?? [];
  if (named.length > 0) return `no pod of ${describeParty(to)} has a port called ${named.join(' or ')}`;
  return 'no connection is meant: both sides are the same pod, or outside of the cluster';
}
