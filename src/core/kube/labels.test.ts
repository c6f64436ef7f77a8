import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLabelQuery } from './label-query.ts';
import {
  EVERYTHING,
  NOTHING,
  formatSelector,
  labelsKey,
  matchesLabels,
  parseLabelMap,
  parseSelector,
  selectorKey,
} from './labels.ts';
import type { Selector } from './labels.ts';
import type { LabelSelector } from './types.ts';

function selector(given: LabelSelector | null | undefined): Selector {
  const parsed = parseSelector(given);
  if (!('selector' in parsed)) throw new Error(JSON.stringify(parsed.problems));
  return parsed.selector;
}

function query(text: string): Selector {
  const parsed = parseLabelQuery(text);
  if (!('selector' in parsed)) throw new Error(parsed.problem);
  return parsed.selector;
}

describe('label selectors', () => {
  it('select nothing when absent and everything when empty', () => {
    expect(selector(undefined)).toEqual(NOTHING);
    expect(selector(null)).toEqual(NOTHING);
    expect(selector({})).toEqual(EVERYTHING);
    expect(selector({ matchLabels: {}, matchExpressions: [] })).toEqual(EVERYTHING);
    expect(matchesLabels(EVERYTHING, undefined)).toBe(true);
    expect(matchesLabels(NOTHING, {})).toBe(false);
  });

  it('of a Service select nothing when empty', () => expect(parseLabelMap({})).toEqual(NOTHING));

  it.each<[LabelSelector, Record<string, string>, boolean]>([
    [{ matchLabels: { a: '1' } }, { a: '1', b: '2' }, true],
    [{ matchLabels: { a: '1', b: '3' } }, { a: '1', b: '2' }, false],
    [{ matchLabels: { a: '' } }, {}, false],
    [{ matchLabels: { a: '' } }, { a: '' }, true],
    [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['1', '2'] }] }, { a: '2' }, true],
    [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['1', '2'] }] }, {}, false],
    [{ matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['1'] }] }, {}, true],
    [{ matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['1'] }] }, { a: '1' }, false],
    [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }, { a: '' }, true],
    [{ matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] }, { a: '' }, false],
    [{ matchExpressions: [{ key: 'toString', operator: 'Exists' }] }, {}, false],
    [{ matchLabels: { a: '1' }, matchExpressions: [{ key: 'b', operator: 'Exists' }] }, { a: '1' }, false],
  ])('%j against %j: %s', (given, labels, expected) => expect(matchesLabels(selector(given), labels)).toBe(expected));

  it('have one key when they mean the same, however they are written', () => {
    const forms: LabelSelector[] = [
      { matchLabels: { a: '1', b: '2' } },
      { matchLabels: { b: '2', a: '1' } },
      { matchLabels: { b: '2' }, matchExpressions: [{ key: 'a', operator: 'In', values: ['1', '1'] }] },
    ];
    expect(new Set(forms.map((each) => selectorKey(selector(each)))).size).toBe(1);
  });

  it('have different keys when their clauses differ, punctuation in labels or not', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '&', '=', '(', ',', ')', '%', ' '), maxLength: 3 });
    const clause = fc.tuple(
      fc.constantFrom('In', 'NotIn'),
      text.filter(Boolean),
      fc.array(text, { minLength: 1, maxLength: 2 }),
    );
    const any = fc
      .array(clause, { maxLength: 2 })
      .map((clauses) =>
        selector({ matchExpressions: clauses.map(([operator, key, values]) => ({ key, operator, values })) }),
      );
    fc.assert(
      fc.property(any, any, (a, b) => {
        expect(selectorKey(a) === selectorKey(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
      { numRuns: 2000 },
    );
  });

  it('report every clause that cannot be understood, with its path', () => {
    const broken = {
      matchLabels: { a: 1 },
      matchExpressions: [{ key: 'a', operator: 'Is' }, { key: 'b', operator: 'In' }, {}],
    };
    const parsed = parseSelector(broken as unknown as LabelSelector);
    expect('problems' in parsed && parsed.problems.map((each) => each.path)).toEqual([
      'matchLabels[a]',
      'matchExpressions[0]',
      'matchExpressions[1]',
      'matchExpressions[2]',
    ]);
  });

  it('give equal keys to equal label sets, whatever the order', () => {
    expect(labelsKey({ a: '1', b: '2' })).toBe(labelsKey({ b: '2', a: '1' }));
    expect(labelsKey({ a: '1&b=2' })).not.toBe(labelsKey({ a: '1', b: '2' }));
  });
});

describe('label queries', () => {
  it.each([
    ['', '<all>'],
    ['a=b', 'a=b'],
    [' a == b , c!=d', 'a=b,c!=d'],
    ['tier in (x, y),env notin (p)', 'env!=p,tier in (x,y)'],
    ['!a,b', '!a,b'],
    ['a=', 'a='],
    ['k8s-app=sluice-node', 'k8s-app=sluice-node'],
    ['example.com/role in (x)', 'example.com/role=x'],
  ])('%j reads as %s', (text, expected) => {
    const [got, wanted] = [formatSelector(query(text)), expected];
    expect(got.split(',').sort()).toEqual(wanted.split(',').sort());
  });

  it.each(['a=b,', '=b', 'a in b', 'a in (b', 'a b', ',a', 'a=b c=d'])('%j is refused', (text) => {
    expect(parseLabelQuery(text)).toHaveProperty('problem');
  });
});
