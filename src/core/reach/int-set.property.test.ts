import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  covers,
  disjoint,
  equal,
  has,
  intersect,
  members,
  range,
  setOf,
  size,
  subtract,
  union,
  unionAll,
} from './int-set.ts';
import type { IntSet } from './int-set.ts';

const LIMIT = 60;
const numbers = fc.oneof(
  fc.array(fc.nat(LIMIT), { maxLength: 12 }),
  // Many short runs, which take the quick ways through long sets.
  fc.array(fc.nat(LIMIT), { minLength: 30, maxLength: 60 }),
);

describe('sets of runs, against sets of single numbers,', () => {
  it('have the same members, in canonical form, after every operation', () => {
    fc.assert(
      fc.property(numbers, numbers, numbers, (x, y, z) => {
        const [a, b] = [setOf(x), setOf(y)];
        const [naiveA, naiveB] = [new Set(x), new Set(y)];
        expectSame(a, naiveA);
        expectSame(union(a, b), naiveA.union(naiveB));
        expectSame(intersect(a, b), naiveA.intersection(naiveB));
        expectSame(subtract(a, b), naiveA.difference(naiveB));
        expectSame(unionAll([a, b, setOf(z)]), naiveA.union(naiveB).union(new Set(z)));
      }),
      { numRuns: 2000 },
    );
  });

  it('answer every question as these do', () => {
    fc.assert(
      fc.property(numbers, numbers, fc.nat(LIMIT), (x, y, n) => {
        const [a, b] = [setOf(x), setOf(y)];
        const [naiveA, naiveB] = [new Set(x), new Set(y)];
        expect(has(a, n)).toBe(naiveA.has(n));
        expect(size(a)).toBe(naiveA.size);
        expect(disjoint(a, b)).toBe(naiveA.isDisjointFrom(naiveB));
        expect(covers(a, b)).toBe(naiveB.isSubsetOf(naiveA));
        expect(equal(a, b)).toBe(naiveA.size === naiveB.size && naiveA.isSubsetOf(naiveB));
      }),
      { numRuns: 2000 },
    );
  });

  it('obey the laws of sets', () => {
    fc.assert(
      fc.property(numbers, numbers, numbers, (x, y, z) => {
        const [a, b, c, all] = [setOf(x), setOf(y), setOf(z), range(0, LIMIT)];
        const complement = (set: IntSet) => subtract(all, set);
        expect(complement(union(a, b))).toEqual(intersect(complement(a), complement(b)));
        expect(intersect(a, union(b, c))).toEqual(union(intersect(a, b), intersect(a, c)));
        expect(complement(complement(a))).toEqual(a);
        expect(union(subtract(a, b), intersect(a, b))).toEqual(a);
      }),
      { numRuns: 1000 },
    );
  });
});

function expectSame(set: IntSet, naive: ReadonlySet<number>): void {
  expect([...members(set)]).toEqual([...naive].sort((a, b) => a - b));
  for (let i = 0; i < set.length; i += 2) {
    expect(set[i]!).toBeLessThanOrEqual(set[i + 1]!);
    if (i > 0) expect(set[i]!).toBeGreaterThan(set[i - 1]! + 1);
  }
}
