import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Expression } from '../kube/expression.ts';
import { matchesLabels } from '../kube/labels.ts';
import type { Labels } from '../kube/labels.ts';
import { selectorOf } from '../kube/selector-algebra.ts';
import { exampleLabels } from './example-labels.ts';

const KEYS = ['app', 'tier'];
const VALUES = ['a', 'b', 'ab'];

const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 3 },
    fc.record({
      kind: fc.constant('requirement' as const),
      requirement: fc.record({
        key: fc.constantFrom(...KEYS),
        operator: fc.constantFrom('In' as const, 'NotIn' as const),
        values: fc.subarray(VALUES, { minLength: 1 }),
      }),
    }),
    fc.record({
      kind: fc.constant('requirement' as const),
      requirement: fc.record({
        key: fc.constantFrom(...KEYS),
        operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const),
        values: fc.constant([]),
      }),
    }),
    fc.record({ kind: fc.constant('not' as const), term: tie('expression') }),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      terms: fc.array(tie('expression'), { minLength: 1, maxLength: 3 }),
    }),
  ),
}));

/** Every choice of the values that are spoken of, of another one, and of none. */
const CHOICES: readonly Labels[] = [...VALUES, 'any', 'other', undefined].flatMap((app) =>
  [...VALUES, 'any', 'other', undefined].map((tier) => ({
    ...(app === undefined ? {} : { app }),
    ...(tier === undefined ? {} : { tier }),
  })),
);

it('finds labels for every selector that some labels meet, and only such as meet it', () => {
  fc.assert(
    fc.property(expression, (each) => {
      const selector = selectorOf(each);
      const examples = exampleLabels(selector);
      expect(examples.every((labels) => matchesLabels(selector, labels))).toBe(true);
      expect(examples.length > 0).toBe(CHOICES.some((labels) => matchesLabels(selector, labels)));
    }),
    { numRuns: 2000 },
  );
});
