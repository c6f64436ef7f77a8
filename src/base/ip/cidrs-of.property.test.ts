import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cidrsOf, formatCidr, intervalSet, parseCidr, parseIp, rangeOf } from './index.ts';

const set = fc
  .array(fc.tuple(fc.nat(5000), fc.nat(600)))
  .map((pairs) => intervalSet(pairs.map(([at, length]) => ({ first: BigInt(at), last: BigInt(at + length) }))));

it('gives blocks that hold exactly the addresses of the set', () => {
  fc.assert(
    fc.property(set, (addresses) => {
      const blocks = cidrsOf(addresses, 4);
      expect(intervalSet(blocks.map(rangeOf))).toEqual(addresses);
      const sizes = blocks.map(rangeOf).map(({ first, last }) => last - first + 1n);
      expect(sizes.reduce((sum, each) => sum + each, 0n)).toBe(
        addresses.reduce((sum, { first, last }) => sum + last - first + 1n, 0n),
      );
    }),
  );
});

it('takes the fewest blocks: no two neighbours are halves of one', () => {
  fc.assert(
    fc.property(set, (addresses) => {
      const blocks = cidrsOf(addresses, 4);
      for (const [index, block] of blocks.entries()) {
        const next = blocks[index + 1];
        if (next === undefined || next.prefix !== block.prefix) continue;
        const size = 1n << BigInt(32 - block.prefix);
        expect(next.ip.value === block.ip.value + size && block.ip.value % (2n * size) === 0n).toBe(false);
      }
    }),
  );
});

it.each([
  ['0.0.0.0/0', ['0.0.0.0/0']],
  ['::/0', ['::/0']],
  ['10.0.0.0/8', ['10.0.0.0/8']],
])('gives %s back', (text, wanted) => {
  const cidr = parseCidr(text)!;
  expect(cidrsOf([rangeOf(cidr)], cidr.ip.family).map(formatCidr)).toEqual(wanted);
});

it('splits a range that is no block', () => {
  const range = { first: parseIp('10.0.0.1')!.value, last: parseIp('10.0.0.6')!.value };
  expect(cidrsOf([range], 4).map(formatCidr)).toEqual(['10.0.0.1/32', '10.0.0.2/31', '10.0.0.4/31', '10.0.0.6/32']);
});
