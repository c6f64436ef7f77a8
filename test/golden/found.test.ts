import { describe, expect, it } from 'vitest';
import { explain, formatExplanation } from '../../src/core/policy/index.ts';
import { foundCases, parseVerdict } from './found-cases.ts';
import { agree, describeAnswers, PureReaders } from './pure-readers.ts';
import { tellingFlows } from './telling-flows.ts';

describe.each(foundCases())('found case $name', ({ state, problems, verdicts }) => {
  const readers = new PureReaders(state);

  it('is a cluster that is accepted and understood', () => {
    expect(problems).toEqual([]);
  });

  it.each(verdicts)('%s', (line) => {
    const { flow, allowed } = parseVerdict(readers.engine, line);
    const answers = readers.ask(flow);
    expect(answers.evaluate, formatExplanation(explain(answers.verdict, []))).toBe(allowed);
    expect(agree(answers), describeAnswers(flow, answers)).toBe(true);
  });

  it('gets the same answer of all readers to every flow', () => {
    for (const flow of tellingFlows(readers.engine, Infinity)) {
      const answers = readers.ask(flow);
      if (!agree(answers)) expect.fail(describeAnswers(flow, answers));
    }
  });
});
