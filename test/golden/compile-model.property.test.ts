import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusterState, PolicyEngine } from '../../src/core/policy/index.ts';
import { arbitraryModel } from './arbitrary-model.ts';
import { arbitraryObjects } from './arbitrary-objects.ts';
import { flowArrives, flowsOf, rulesetsOf, textOf } from './compiled-state.ts';

const anyState = fc.oneof(
  { weight: 3, arbitrary: arbitraryModel({ addressless: false }).map(({ state }) => state) },
  { weight: 1, arbitrary: arbitraryObjects.map((objects) => clusterState(objects)) },
);

describe('the compiled packet filters, over generated states of the whole model', () => {
  it('let exactly those packets arrive that the policy engine allows', () => {
    fc.assert(
      fc.property(anyState, (state) => {
        const engine = new PolicyEngine(state);
        const rulesets = rulesetsOf(state);
        for (const flow of flowsOf(engine)) {
          const verdict = engine.evaluate(flow);
          if (flowArrives(rulesets, state, flow) !== verdict.allowed)
            expect.fail(`${textOf(flow)}: ${verdict.egress.kind} ${verdict.ingress.kind} ${verdict.allowed}`);
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each(['pairs', 'bridge'] as const)(
    'do so on the network of others: %s',
    (wiring) => {
      fc.assert(
        fc.property(anyState, (model) => {
          // Whatever that network translates, it does not take the pods' addresses from them here.
          const state = { ...model, pools: new Map() };
          const engine = new PolicyEngine(state);
          const rulesets = rulesetsOf(state, wiring);
          for (const flow of flowsOf(engine)) {
            const verdict = engine.evaluate(flow);
            if (flowArrives(rulesets, state, flow, wiring) !== verdict.allowed)
              expect.fail(`${textOf(flow)}: ${verdict.egress.kind} ${verdict.ingress.kind} ${verdict.allowed}`);
          }
        }),
        { numRuns: 150 },
      );
    },
    120_000,
  );
});
