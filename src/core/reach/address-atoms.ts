import { bitsOf } from '../../base/ip/index.ts';
import type { Family, Interval, IntervalSet } from '../../base/ip/index.ts';

/** Index of one set of addresses in {@link AddressAtoms}. */
export type AddressSetId = number;
/** Index of one class of addresses that are in the same sets. */
export type AtomId = number;

/** Addresses of one family that lie in exactly the same sets. */
export interface Atom {
  /** Ascending. */
  readonly sets: readonly AddressSetId[];
  readonly ranges: IntervalSet;
}

/** The whole address space of a family, split exactly where one of the sets begins or ends. */
export interface AddressAtoms {
  readonly atoms: readonly Atom[];
  /** By set: the atoms that it consists of. */
  readonly atomsIn: readonly (readonly AtomId[])[];
  /** The atom that the address lies in. */
  readonly atomOf: (value: bigint) => AtomId;
}

/** Splits the addresses of `family` by `sets`: one sweep over all their ends. */
export function addressAtoms(family: Family, sets: readonly IntervalSet[]): AddressAtoms {
  const edges = edgesOf(sets);
  const atoms: { sets: readonly AddressSetId[]; ranges: Interval[] }[] = [];
  const known = new Map<string, AtomId>();
  const starts: bigint[] = [];
  const owners: AtomId[] = [];
  const active: AddressSetId[] = [];
  const end = (1n << BigInt(bitsOf(family))) - 1n;
  for (let i = 0, start = 0n; start <= end;) {
    while (i < edges.length && edges[i]!.at === start) toggle(active, edges[i++]!.set);
    const next = i < edges.length ? edges[i]!.at : end + 1n;
    const key = active.join();
    let atom = known.get(key);
    if (atom === undefined) {
      atom = atoms.length;
      known.set(key, atom);
      atoms.push({ sets: [...active], ranges: [] });
    }
    extend(atoms[atom]!.ranges, start, next - 1n);
    starts.push(start);
    owners.push(atom);
    start = next;
  }
  const atomsIn: AtomId[][] = sets.map(() => []);
  for (const [atom, { sets: own }] of atoms.entries()) for (const set of own) atomsIn[set]!.push(atom);
  return { atoms, atomsIn, atomOf: (value) => owners[lastAtMost(starts, value)]! };
}

/** Where sets begin and where they have ended, in ascending order; in one place each set at most twice. */
function edgesOf(sets: readonly IntervalSet[]): { readonly at: bigint; readonly set: AddressSetId }[] {
  const edges = sets.flatMap((ranges, set) =>
    ranges.flatMap(({ first, last }) => [
      { at: first, set },
      { at: last + 1n, set },
    ]),
  );
  return edges.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

/** Adds the set to the sorted list, or takes it away. */
function toggle(active: AddressSetId[], set: AddressSetId): void {
  let at = active.length;
  while (at > 0 && active[at - 1]! >= set) at--;
  if (active[at] === set) active.splice(at, 1);
  else active.splice(at, 0, set);
}

function extend(ranges: Interval[], first: bigint, last: bigint): void {
  const previous = ranges.at(-1);
  if (previous !== undefined && previous.last + 1n === first)
    ranges[ranges.length - 1] = { first: previous.first, last };
  else ranges.push({ first, last });
}

function lastAtMost(starts: readonly bigint[], value: bigint): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
