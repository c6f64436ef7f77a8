import { bitsOf, formatCidr, rangeOf } from '../../base/ip/index.ts';
import type { Cidr, Family, IntervalSet } from '../../base/ip/index.ts';

/** A set of addresses that takes more blocks to name has a name of another kind. */
const BLOCKS_LIMIT = 8;

/** Addresses of one family. */
export interface AddressSet {
  readonly family: Family;
  readonly ranges: IntervalSet;
}

/**
 * Names for sets of addresses: their blocks (`10.0.0.0/8,192.0.2.0/24`), or, where that is shorter, blocks and what is missing
 * of them (`0.0.0.0/0 except (10.0.0.0/8 except 10.1.0.0/16)`). Of those that would take too many words, the largest of a family is `IPv4 elsewhere`,
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
  const { inside } = describe(ranges, { ip: { family, value: 0n }, prefix: 0 });
  return inside.cost > BLOCKS_LIMIT ? undefined : textOf(inside.terms);
}

/** A block, without some others in it. */
interface Term {
  readonly block: Cidr;
  readonly except: readonly Term[];
}

/** Terms that make up a set, and how many blocks they name. */
interface Terms {
  readonly terms: readonly Term[];
  readonly cost: number;
}

const NOTHING: Terms = { terms: [], cost: 0 };

/** The shortest ways to name what of `block` is in the set, and what is not. */
function describe(ranges: IntervalSet, block: Cidr): { readonly inside: Terms; readonly outside: Terms } {
  const { first, last } = rangeOf(block);
  const own = ranges.filter((each) => each.last >= first && each.first <= last);
  const whole: Terms = { terms: [{ block, except: [] }], cost: 1 };
  if (own.length === 0) return { inside: NOTHING, outside: whole };
  if (own[0]!.first <= first && own[0]!.last >= last) return { inside: whole, outside: NOTHING };
  const [low, high] = halves(block).map((half) => describe(own, half));
  const inside = both(low!.inside, high!.inside);
  const outside = both(low!.outside, high!.outside);
  return { inside: shorter(inside, without(block, outside)), outside: shorter(outside, without(block, inside)) };
}

function halves({ ip: { family, value }, prefix }: Cidr): readonly [Cidr, Cidr] {
  const half = 1n << BigInt(bitsOf(family) - prefix - 1);
  const at = (start: bigint): Cidr => ({ ip: { family, value: start }, prefix: prefix + 1 });
  return [at(value), at(value + half)];
}

function both(a: Terms, b: Terms): Terms {
  return { terms: [...a.terms, ...b.terms], cost: a.cost + b.cost };
}

function without(block: Cidr, { terms, cost }: Terms): Terms {
  return { terms: [{ block, except: terms }], cost: cost + 1 };
}

function shorter(a: Terms, b: Terms): Terms {
  return b.cost < a.cost ? b : a;
}

function textOf(terms: readonly Term[]): string {
  const texts = terms.map(({ block, except }) => {
    if (except.length === 0) return formatCidr(block);
    const nested = except.length === 1 && except[0]!.except.length > 0;
    const text = `${formatCidr(block)} except ${nested ? `(${textOf(except)})` : textOf(except)}`;
    return terms.length === 1 ? text : `(${text})`;
  });
  return texts.join(',');
}
