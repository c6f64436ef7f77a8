import { expect, it } from 'vitest';
import { expand } from './expand.ts';

it.each([
  ['$(A)-$(B)', '1-2'],
  ['$(NOPE)', '$(NOPE)'],
  ['$$(A)', '$(A)'],
  ['$$$(A)', '$1'],
  ['$A ${A} $', '$A ${A} $'],
  ['$(A', '$(A'],
])('expands %s to %s', (text, expected) => {
  expect(expand(text, { A: '1', B: '2' })).toBe(expected);
});
