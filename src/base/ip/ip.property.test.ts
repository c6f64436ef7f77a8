import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareIp, formatIp, ipFromBytes, ipToBytes, parseIp } from './address.ts';
import type { Ip } from './address.ts';
import { cidrContains, cidrCovers, cidrSize, formatCidr, networkOf, parseCidr, rangeOf } from './cidr.ts';
import { contains, intersect, intervalSet, subtract, union } from './interval-set.ts';
import type { IntervalSet } from './interval-set.ts';

const ip: fc.Arbitrary<Ip> = fc.oneof(
  fc.bigInt(0n, 2n ** 32n - 1n).map((value): Ip => ({ family: 4, value })),
  fc.bigInt(0n, 2n ** 128n - 1n).map((value): Ip => ({ family: 6, value })),
  // Addresses with runs of zero groups, where compression has its corner cases.
  fc
    .array(fc.constantFrom(0n, 0n, 1n, 0xffffn), { minLength: 8, maxLength: 8 })
    .map((groups): Ip => ({ family: 6, value: groups.reduce<bigint>((value, group) => (value << 16n) | group, 0n) })),
);

/** Text that is often nearly an address. */
const nearlyIp = fc.oneof(
  fc
    .array(fc.constantFrom('0', '1', '255', '256', '01', '.', ':', '::', 'f', 'ffff', '12345', 'g', '%1', ' '), {
      maxLength: 17,
    })
    .map((parts) => parts.join('')),
  fc
    .array(fc.constantFrom('0', '1', '255', '256', '01', ''), { minLength: 3, maxLength: 5 })
    .map((parts) => parts.join('.')),
  fc
    .array(fc.constantFrom('0', '1', 'ffff', '', '1.2.3.4'), { minLength: 2, maxLength: 9 })
    .map((parts) => parts.join(':')),
  fc.ipV4(),
  fc.ipV6(),
);

describe('addresses', () => {
  it('survive a round trip through text and bytes', () => {
    fc.assert(
      fc.property(ip, (each) => {
        expect(parseIp(formatIp(each))).toEqual(each);
        expect(ipFromBytes(ipToBytes(each))).toEqual(each);
      }),
    );
  });

  it('are formatted as the WHATWG URL parser formats them, embedded IPv4 apart', () => {
    fc.assert(
      fc.property(ip, (each) => {
        if (each.family === 4) expect(new URL(`http://${formatIp(each)}`).hostname).toBe(formatIp(each));
        else if (each.value >> 32n !== 0xffffn)
          expect(new URL(`http://[${formatIp(each)}]`).hostname).toBe(`[${formatIp(each)}]`);
      }),
    );
  });

  it('are recognised exactly when node:net recognises them, zones apart', () => {
    fc.assert(
      fc.property(nearlyIp, (text) => {
        fc.pre(!text.includes('%'));
        expect(parseIp(text)?.family ?? 0).toBe(isIP(text));
      }),
      { numRuns: 5000 },
    );
  });

  it('are ordered by family, then by value', () => {
    fc.assert(fc.property(ip, ip, (a, b) => Math.sign(compareIp(a, b)) === -Math.sign(compareIp(b, a))));
  });
});

describe('blocks', () => {
  const cidr = fc
    .tuple(ip, fc.nat(128))
    .map(([each, length]) => ({ ip: each, prefix: each.family === 4 ? length % 33 : length }));

  it('survive a round trip through text', () => {
    fc.assert(
      fc.property(cidr, (each) => {
        expect(parseCidr(formatCidr(each))).toEqual(each);
      }),
    );
  });

  it('contain exactly the addresses of their range', () => {
    fc.assert(
      fc.property(cidr, ip, fc.bigInt(-2n, 2n), (block, other, offset) => {
        const { family, first, last } = rangeOf(block);
        expect(last - first + 1n).toBe(cidrSize(block));
        for (const value of [other.value, first + offset, last + offset]) {
          if (value < 0n || value >= 2n ** BigInt(family === 4 ? 32 : 128)) continue;
          expect(cidrContains(block, { family, value })).toBe(value >= first && value <= last);
        }
        expect(cidrContains(block, other)).toBe(other.family === family && other.value >= first && other.value <= last);
      }),
    );
  });

  it('cover another exactly when its whole range is inside', () => {
    fc.assert(
      fc.property(cidr, fc.nat(128), cidr, (outer, prefix, other) => {
        const sibling = { ip: outer.ip, prefix: outer.ip.family === 4 ? prefix % 33 : prefix };
        for (const inner of [sibling, other]) {
          const [a, b] = [rangeOf(outer), rangeOf(inner)];
          expect(cidrCovers(outer, inner)).toBe(a.family === b.family && b.first >= a.first && b.last <= a.last);
        }
        expect(networkOf(outer).ip.value).toBe(rangeOf(outer).first);
      }),
    );
  });

  it.each([
    '10.0.0.0',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '::/129',
    '1.2.3/24',
    '/8',
    '',
  ])('are not read from %j', (text) => expect(parseCidr(text)).toBeUndefined());
});

describe('interval sets, against sets of single numbers,', () => {
  const LIMIT = 24;
  const interval = fc
    .tuple(fc.nat(LIMIT), fc.nat(6))
    .map(([first, length]) => ({ first: BigInt(first), last: BigInt(Math.min(first + length, LIMIT)) }));
  const set = fc.array(interval, { maxLength: 6 }).map(intervalSet);
  const members = (each: IntervalSet): number[] =>
    Array.from({ length: LIMIT + 2 }, (_, i) => i).filter((i) =>
      each.some(({ first, last }) => first <= i && i <= last),
    );
  const isCanonical = (each: IntervalSet): boolean =>
    each.every(({ first, last }, i) => first <= last && (i === 0 || first > each[i - 1]!.last + 1n));

  it('agree on union, intersection, difference and membership, and stay canonical', () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const [inA, inB] = [new Set(members(a)), new Set(members(b))];
        expect(members(union(a, b))).toEqual([...inA.union(inB)].sort((x, y) => x - y));
        expect(members(intersect(a, b))).toEqual([...inA].filter((each) => inB.has(each)));
        expect(members(subtract(a, b))).toEqual([...inA].filter((each) => !inB.has(each)));
        for (const each of [a, union(a, b), intersect(a, b), subtract(a, b)]) expect(isCanonical(each)).toBe(true);
        for (let i = 0; i <= LIMIT + 1; i++) expect(contains(a, BigInt(i))).toBe(inA.has(i));
      }),
      { numRuns: 3000 },
    );
  });
});
