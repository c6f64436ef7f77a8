/**
 * A set of small integers as a flat list of inclusive runs, `[first, last, first, last, …]`: sorted, disjoint and never
 * adjacent, so that equal sets have equal lists. Groups and ports are kept so: most of their sets are few runs.
 */
export type IntSet = readonly number[];

/** The set without members. */
export const EMPTY: IntSet = [];

/** The integers from `first` to `last`, both included; empty when `last` is the smaller. */
export function range(first: number, last: number): IntSet {
  return first > last ? EMPTY : [first, last];
}

/** The canonical set of `members`, in any order and repeated at will. */
export function setOf(members: Iterable<number>): IntSet {
  const sorted = [...members].sort((a, b) => a - b);
  const runs: number[] = [];
  for (const member of sorted) append(runs, member, member);
  return runs;
}

/** Adds a run that begins no earlier than the last one of `runs` did; for building a set in order. */
export function append(runs: number[], first: number, last: number): void {
  const end = runs.length - 1;
  if (end > 0 && first <= runs[end]! + 1) {
    if (last > runs[end]!) runs[end] = last;
  } else runs.push(first, last);
}

/** Integers in `a` or `b`. */
export function union(a: IntSet, b: IntSet): IntSet {
  if (a.length === 0 || a === b) return b;
  if (b.length === 0) return a;
  const runs: number[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (j >= b.length || (i < a.length && a[i]! <= b[j]!)) {
      append(runs, a[i]!, a[i + 1]!);
      i += 2;
    } else {
      append(runs, b[j]!, b[j + 1]!);
      j += 2;
    }
  }
  return runs;
}

/** Integers in any of `sets`: pairwise in rounds, so that the work grows with the logarithm of their number. */
export function unionAll(sets: readonly IntSet[]): IntSet {
  let round = sets;
  while (round.length > 1) {
    const next: IntSet[] = [];
    for (let i = 0; i < round.length; i += 2)
      next.push(i + 1 < round.length ? union(round[i]!, round[i + 1]!) : round[i]!);
    round = next;
  }
  return round[0] ?? EMPTY;
}

/** Integers in `a` and `b`; quick when one of them has few runs. */
export function intersect(a: IntSet, b: IntSet): IntSet {
  if (a === b) return a;
  if (a.length > b.length) return intersect(b, a);
  const runs: number[] = [];
  const skipping = b.length > 8 * a.length;
  let j = 0;
  for (let i = 0; i < a.length; i += 2) {
    const first = a[i]!;
    const last = a[i + 1]!;
    if (skipping) j = runEndingAt(b, first, j);
    else while (j < b.length && b[j + 1]! < first) j += 2;
    for (let k = j; k < b.length && b[k]! <= last; k += 2) runs.push(Math.max(first, b[k]!), Math.min(last, b[k + 1]!));
  }
  return runs;
}

/** Integers in `a` and not in `b`. */
export function subtract(a: IntSet, b: IntSet): IntSet {
  if (a.length === 0 || b.length === 0) return a;
  const runs: number[] = [];
  let j = 0;
  for (let i = 0; i < a.length; i += 2) {
    let next = a[i]!;
    const last = a[i + 1]!;
    if (b.length > 16) j = runEndingAt(b, next, j);
    else while (j < b.length && b[j + 1]! < next) j += 2;
    for (let k = j; k < b.length && b[k]! <= last && next <= last; k += 2) {
      if (b[k]! > next) runs.push(next, b[k]! - 1);
      next = b[k + 1]! + 1;
    }
    if (next <= last) runs.push(next, last);
  }
  return runs;
}

/** Whether `value` is a member. */
export function has(set: IntSet, value: number): boolean {
  const at = runEndingAt(set, value, 0);
  return at < set.length && set[at]! <= value;
}

/** Whether the two have no member in common. */
export function disjoint(a: IntSet, b: IntSet): boolean {
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i + 1]! < b[j]!) i += 2;
    else if (b[j + 1]! < a[i]!) j += 2;
    else return false;
  }
  return true;
}

/** Whether every member of `inner` is one of `outer`. */
export function covers(outer: IntSet, inner: IntSet): boolean {
  return subtract(inner, outer).length === 0;
}

/** Whether the two have the same members. */
export function equal(a: IntSet, b: IntSet): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Number of members. */
export function size(set: IntSet): number {
  let sum = 0;
  for (let i = 0; i < set.length; i += 2) sum += set[i + 1]! - set[i]! + 1;
  return sum;
}

/** The members in ascending order. */
export function* members(set: IntSet): Generator<number> {
  for (let i = 0; i < set.length; i += 2) for (let n = set[i]!; n <= set[i + 1]!; n++) yield n;
}

/** Index of the first run, at `from` or later, that does not end before `value`. */
function runEndingAt(set: IntSet, value: number, from: number): number {
  let low = from >> 1;
  let high = set.length >> 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (set[2 * middle + 1]! < value) low = middle + 1;
    else high = middle;
  }
  return 2 * low;
}
