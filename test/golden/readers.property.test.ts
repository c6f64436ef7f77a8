import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusterState, PolicyEngine } from '../../src/core/policy/index.ts';
import { arbitraryObjects } from './arbitrary-objects.ts';
import type { GeneratedObjects } from './arbitrary-objects.ts';
import { DecidingFields, fieldsWritten } from './deciding-fields.ts';
import { agree, describeAnswers, PureReaders } from './pure-readers.ts';
import { tellingFlows } from './telling-flows.ts';
import { yamlOf } from './yaml-of.ts';

/** Generated clusters on which all readers are asked, each about some hundreds of flows. */
const CASES = 2000;
const FLOWS = 300;

describe('evaluate, reach and the interpreted packet filters, over generated objects of every API', () => {
  it('say the same of every flow that rules can turn on', () => {
    fc.assert(
      fc.property(arbitraryObjects, (objects) => {
        const readers = new PureReaders(clusterState(objects));
        for (const flow of tellingFlows(readers.engine, FLOWS)) {
          const answers = readers.ask(flow);
          if (!agree(answers)) expect.fail(`${describeAnswers(flow, answers)}\n${yamlOf(objects)}`);
        }
      }),
      { numRuns: CASES },
    );
  }, 300_000);
});

describe('the generated objects', () => {
  /** Always the same ones: this is about the generator, and its figures are counts. */
  const samples = fc.sample(arbitraryObjects, { numRuns: 1200, seed: 3 });
  const figures = samples.map(figuresOf);

  it('lead to both verdicts, in most clusters', () => {
    const flows = sum(figures.map((each) => each.flows));
    const denied = sum(figures.map((each) => each.denied));
    expect(denied).toBeGreaterThan(flows / 8);
    expect(denied).toBeLessThan(flows / 2);
    const mixed = figures.filter((each) => each.denied > each.flows / 10 && each.denied < (each.flows * 9) / 10);
    expect(mixed.length).toBeGreaterThan(600);
  });

  it('have no field that does not decide verdicts of some clusters', () => {
    const written = new Set(samples.flatMap(({ policies }) => [...fieldsWritten(policies)]));
    const decided = counts(figures.map((each) => each.fields));
    // A rule that logs goes on.
    const idle = [...written].filter((field) => !field.endsWith('action=Log') && (decided.get(field) ?? 0) < 3);
    expect(idle).toEqual([]);
    expect(written.size).toBeGreaterThan(150);
  });

  it('let everything decide that is no rule of a policy', () => {
    const decided = counts(figures.map((each) => each.fields));
    const kinds = ['default', 'unselected', 'no-pod', 'profile', 'host-default', 'failsafe', 'endpoint-to-host'];
    for (const kind of [...kinds, 'exemption self', 'exemption own-node'])
      expect(decided.get(`by ${kind}`), kind).toBeGreaterThan(20);
  });
});

interface Figures {
  readonly flows: number;
  readonly denied: number;
  readonly fields: ReadonlySet<string>;
}

function figuresOf(objects: GeneratedObjects): Figures {
  const engine = new PolicyEngine(clusterState(objects));
  const deciding = new DecidingFields(objects.policies);
  const fields = new Set<string>();
  let [flows, denied] = [0, 0];
  for (const flow of tellingFlows(engine, Infinity)) {
    const verdict = engine.evaluate(flow);
    flows++;
    if (!verdict.allowed) denied++;
    for (const field of deciding.of(verdict)) fields.add(field);
  }
  return { flows, denied, fields };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

/** In how many of the sets each field is. */
function counts(sets: readonly ReadonlySet<string>[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const set of sets) for (const field of set) found.set(field, (found.get(field) ?? 0) + 1);
  return found;
}
