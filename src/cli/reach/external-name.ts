import { bitsOf, cidrsOf, formatCidr, rangeOf, subtract } from '../../base/ip/index.ts';
import type { Cidr, Family, IntervalSet } from '../../base/ip/index.ts';

/** A set of addresses with more parts than this is called by a number instead. */
const PARTS_LIMIT = 6;

/** Addresses of one family. */
export interface AddressSet {
  readonly family: Family;
  readonly ranges: IntervalSet;
}

/**
 * Names for sets of addresses: their blocks (`10.0.0.0/8,192.0.2.0/24`), or, when that is shorter, one block and what is missing
 * of it (`0.0.0.0/0 except 10.0.0.0/8`). Of those that would take too many words, the largest of a family is `IPv4 elsewhere`,
 * and the others are numbered.
 */
export function externalNames(sets: readonly AddressSet[]): (set: AddressSet) => string {
  const names = new Map<string, string>();
  const long = new Map<string, AddressSet>();
  for (const set of sets) {
    const name = externalName(set);
    if (name === undefined) long.set(keyOf(set), set);
    else names.set(keyOf(set), name);
  }
  for (const family of [4, 6] as const) {
    const own = [...long].filter(([, set]) => set.family === family);
    own.sort(([, a], [, b]) => Number(sizeOf(b) - sizeOf(a)));
    for (const [index, [key]] of own.entries())
      names.set(key, index === 0 ? `IPv${family} elsewhere` : `external/ipv${family}/${index}`);
  }
  return (set) => names.get(keyOf(set)) ?? 'outside';
}

function keyOf({ family, ranges }: AddressSet): string {
  return `${family} ${ranges.map(({ first, last }) => `${first}-${last}`).join()}`;
}

function sizeOf({ ranges }: AddressSet): bigint {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
}

function externalName({ ranges, family }: AddressSet): string | undefined {
  const blocks = cidrsOf(ranges, family);
  const cover = smallestCover(ranges, family);
  const holes = cover === undefined ? [] : cidrsOf(subtract([rangeOf(cover)], ranges), family);
  const list = (cidrs: readonly Cidr[]) => cidrs.map(formatCidr).join(',');
  if (cover !== undefined && holes.length < blocks.length - 1)
    return holes.length > PARTS_LIMIT ? undefined : `${formatCidr(cover)} except ${list(holes)}`;
  return blocks.length > PARTS_LIMIT ? undefined : list(blocks);
}

/** The longest prefix that first and last address share. */
function smallestCover(ranges: IntervalSet, family: Family): Cidr | undefined {
  const [first, last] = [ranges[0]?.first, ranges.at(-1)?.last];
  if (first === undefined || last === undefined) return undefined;
  let size = 0n;
  while (first >> size !== last >> size) size++;
  return { ip: { family, value: (first >> size) << size }, prefix: bitsOf(family) - Number(size) };
}
