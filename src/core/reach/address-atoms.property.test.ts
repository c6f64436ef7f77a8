import fc from 'fast-check';
import { expect, it } from 'vitest';
import { contains, intervalSet } from '../../base/ip/index.ts';
import { addressAtoms } from './address-atoms.ts';

const END = 2n ** 32n - 1n;
const address = fc.oneof(fc.constantFrom(0n, 1n, END - 1n, END), fc.bigInt(0n, 20n), fc.bigInt(0n, END));
const set = fc
  .array(
    fc.tuple(address, address).map(([a, b]) => ({ first: a < b ? a : b, last: a < b ? b : a })),
    { maxLength: 4 },
  )
  .map(intervalSet);

it('puts two addresses into one atom exactly when they are in the same sets', () => {
  fc.assert(
    fc.property(
      fc.array(set, { maxLength: 6 }),
      fc.array(address, { minLength: 2, maxLength: 8 }),
      (sets, addresses) => {
        const { atoms, atomOf } = addressAtoms(4, sets);
        const setsOf = (value: bigint) => sets.flatMap((each, id) => (contains(each, value) ? [id] : []));
        for (const value of addresses) {
          expect(atoms[atomOf(value)]!.sets).toEqual(setsOf(value));
          expect(contains(atoms[atomOf(value)]!.ranges, value)).toBe(true);
          for (const other of addresses)
            expect(atomOf(value) === atomOf(other)).toBe(setsOf(value).join() === setsOf(other).join());
        }
      },
    ),
    { numRuns: 1000 },
  );
});

it('covers every address once, with ranges in canonical form', () => {
  fc.assert(
    fc.property(fc.array(set, { maxLength: 6 }), (sets) => {
      const { atoms, atomsIn } = addressAtoms(4, sets);
      const ranges = atoms.flatMap((each) => each.ranges);
      expect(intervalSet(ranges)).toEqual([{ first: 0n, last: END }]);
      expect(ranges.reduce((sum, { first, last }) => sum + last - first + 1n, 0n)).toBe(END + 1n);
      for (const each of atoms) expect(each.ranges).toEqual(intervalSet(each.ranges));
      for (const [id, own] of sets.entries())
        expect(intervalSet(atomsIn[id]!.flatMap((atom) => atoms[atom]!.ranges))).toEqual(own);
    }),
    { numRuns: 500 },
  );
});
