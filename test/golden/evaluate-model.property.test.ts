import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PolicyEngine, explain, formatExplanation, nearestMisses, tiersOf } from '../../src/core/policy/index.ts';
import type { ClusterState, Flow } from '../../src/core/policy/index.ts';
import { arbitraryModel } from './arbitrary-model.ts';
import { enteringFlowsOf, flowsOf } from './model-flows.ts';
import { modelAllows } from './model-oracle.ts';

/** Milliseconds: some ten seconds of work, and several times that where others work beside it. */
const TIME = 180_000;

describe('evaluate, over generated clusters with every feature of the model', () => {
  it(
    'agrees with a naive reading of the model, for pairs of all kinds in both families',
    () => {
      fc.assert(
        fc.property(arbitraryModel(), ({ state }) => {
          const engine = new PolicyEngine(state);
          let asked = 0;
          for (const flow of [...flowsOf(engine), ...enteringFlowsOf(engine)]) {
            // The oracle is slow; more clusters find more than more flows of one.
            if (asked++ % 24 !== (7 * state.pods.size + state.tiers.length) % 24) continue;
            const verdict = engine.evaluate(flow);
            const expected = modelAllows(state, flow);
            if (verdict.allowed !== expected)
              expect.fail(`oracle says ${expected}:\n${formatExplanation(explain(verdict))}\n${textOf(flow)}`);
          }
        }),
        { numRuns: 2000 },
      );
    },
    TIME,
  );

  it(
    'explains every flow in every language, and names for denied ones only misses that lack something',
    () => {
      fc.assert(
        fc.property(arbitraryModel(), ({ state }) => {
          const engine = new PolicyEngine(state);
          for (const flow of flowsOf(engine)) {
            if (flow.protocol === 'SCTP') continue;
            const verdict = engine.evaluate(flow);
            const misses = nearestMisses(engine, verdict);
            for (const language of ['en', 'zh-CN', 'zh-TW'] as const)
              expect(formatExplanation(explain(verdict, misses, language))).not.toMatch(/undefined|\[object/);
            for (const { peer, port, conditions, rule } of misses)
              if (peer === undefined && port === undefined && conditions.length === 0)
                expect.fail(`${JSON.stringify(rule)} lacks nothing, yet did not match ${textOf(flow)}`);
          }
        }),
        { numRuns: 40 },
      );
    },
    TIME,
  );

  it(
    'does not depend on the order of objects',
    () => {
      fc.assert(
        fc.property(arbitraryModel(), ({ state, policies, tierSpecs }) => {
          const reversed: ClusterState = {
            ...state,
            pods: new Map([...state.pods].toReversed()),
            nodes: new Map([...state.nodes].toReversed()),
            hostEndpoints: new Map([...state.hostEndpoints].toReversed()),
            networkSets: new Map([...state.networkSets].toReversed()),
            tiers: tiersOf(policies.toReversed(), tierSpecs),
          };
          const [one, other] = [new PolicyEngine(state), new PolicyEngine(reversed)];
          for (const flow of flowsOf(one)) expect(other.evaluate(flow).allowed).toBe(one.evaluate(flow).allowed);
        }),
        { numRuns: 30 },
      );
    },
    TIME,
  );
});

function textOf(flow: Flow): string {
  return JSON.stringify(flow, (_, value: unknown) => (typeof value === 'bigint' ? value.toString(16) : value));
}
