import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCalicoSyntax, parseCalicoSyntax } from './calico-selector-syntax.ts';
import type { CalicoSyntax } from './calico-selector-syntax.ts';
import { formatCalicoSelector, parseCalicoSelector } from './calico-selector.ts';
import { holds } from './expression.ts';
import type { Expression } from './expression.ts';
import { matchesLabels, selectorKey } from './labels.ts';
import { conjunction, expressionOf, selectorOf } from './selector-algebra.ts';

const key = fc.constantFrom('a', 'b', 'projectcalico.org/name', 'has', 'all', 'in', 'not', 'contains');
const value = fc.constantFrom('', 'x', 'xy', 'yx', 'z', "it's", '"', ' && ');
const values = fc.uniqueArray(value, { maxLength: 3 }).map((each) => each.sort());

const { syntax } = fc.letrec<{ syntax: CalicoSyntax }>((tie) => ({
  syntax: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<CalicoSyntax>({ kind: 'all' }, { kind: 'global' }),
    fc.record({ kind: fc.constant('has' as const), key }),
    fc.record({
      kind: fc.constant('compare' as const),
      key,
      operator: fc.constantFrom('==', '!=', 'contains', 'starts with', 'ends with' as const),
      value,
    }) as fc.Arbitrary<CalicoSyntax>,
    fc.record({
      kind: fc.constant('member' as const),
      key,
      operator: fc.constantFrom('in' as const, 'not in' as const),
      values,
    }),
    // The parser never yields the negation of a negation.
    tie('syntax').map((term): CalicoSyntax => (term.kind === 'not' ? term : { kind: 'not', term })),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      terms: fc.array(tie('syntax'), { minLength: 2, maxLength: 3 }),
    }),
  ),
}));

const requirement = fc
  .record({ key, operator: fc.constantFrom('In', 'NotIn', 'Exists', 'DoesNotExist' as const), values })
  .map(({ operator, ...rest }) => ({ ...rest, operator, values: operator.endsWith('In') ? rest.values : [] }));

const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4 },
    fc.constant<Expression>({ kind: 'everything' }),
    fc.record({ kind: fc.constant('requirement' as const), requirement }) as fc.Arbitrary<Expression>,
    fc.record({
      kind: fc.constantFrom('contains', 'starts-with', 'ends-with'),
      key,
      value,
    }) as fc.Arbitrary<Expression>,
    fc.record({ kind: fc.constant('not' as const), term: tie('expression') }),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      terms: fc.array(tie('expression'), { maxLength: 3 }),
    }),
  ),
}));

const labels = fc.dictionary(key, value);

describe('Calico selectors', () => {
  it('are read back as they were written', () => {
    fc.assert(
      fc.property(syntax, (given) => {
        expect(parseCalicoSyntax(formatCalicoSyntax(given))).toEqual({ syntax: given });
      }),
    );
  });

  it('in canonical form say what the expression said, and their negation the contrary', () => {
    fc.assert(
      fc.property(expression, fc.array(labels, { minLength: 5, maxLength: 5 }), (given, samples) => {
        for (const sample of samples) {
          expect(matchesLabels(selectorOf(given), sample)).toBe(holds(given, sample));
          expect(matchesLabels(selectorOf({ kind: 'not', term: given }), sample)).toBe(!holds(given, sample));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('in canonical form stay as they are, and come back from text', () => {
    fc.assert(
      fc.property(expression, (given) => {
        const selector = selectorOf(given);
        expect(selectorKey(selectorOf(expressionOf(selector)))).toBe(selectorKey(selector));
        const read = parseCalicoSelector(formatCalicoSelector(selector)!);
        expect(read).toEqual({ selector });
      }),
      { numRuns: 500 },
    );
  });

  it('joined select what each selects', () => {
    fc.assert(
      fc.property(expression, expression, labels, (a, b, sample) => {
        const both = conjunction([selectorOf(a), selectorOf(b)]);
        expect(matchesLabels(both, sample)).toBe(holds(a, sample) && holds(b, sample));
      }),
    );
  });
});
