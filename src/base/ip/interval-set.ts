/** Inclusive range of non-negative integers: addresses of one family, or ports. */
export interface Interval {
  readonly first: bigint;
  readonly last: bigint;
}

/**
 * A set of integers in canonical form: intervals sorted, disjoint and never adjacent, so that equal sets have equal
 * representations. Build one with {@link intervalSet}; every function here keeps the form.
 */
export type IntervalSet = readonly Interval[];

/** The canonical set of the union of `intervals`, given in any order and overlapping at will. */
export function intervalSet(intervals: Iterable<Interval>): IntervalSet {
  const sorted = [...intervals].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const result: { first: bigint; last: bigint }[] = [];
  for (const { first, last } of sorted) {
    const previous = result.at(-1);
    if (previous === undefined || first > previous.last + 1n) result.push({ first, last });
    else if (last > previous.last) previous.last = last;
  }
  return result;
}

/** Integers in `a` or `b`. */
export function union(a: IntervalSet, b: IntervalSet): IntervalSet {
  return intervalSet([...a, ...b]);
}

/** Integers in `a` and `b`. */
export function intersect(a: IntervalSet, b: IntervalSet): IntervalSet {
  const result: Interval[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const x = a[i]!;
    const y = b[j]!;
    const first = x.first > y.first ? x.first : y.first;
    const last = x.last < y.last ? x.last : y.last;
    if (first <= last) result.push({ first, last });
    if (x.last < y.last) i++;
    else j++;
  }
  return result;
}

/** Integers in `a` and not in `b`. */
export function subtract(a: IntervalSet, b: IntervalSet): IntervalSet {
  const result: Interval[] = [];
  let j = 0;
  for (const { first, last } of a) {
    let next = first;
    while (j < b.length && b[j]!.last < first) j++;
    for (let k = j; k < b.length && b[k]!.first <= last; k++) {
      if (b[k]!.first > next) result.push({ first: next, last: b[k]!.first - 1n });
      if (b[k]!.last + 1n > next) next = b[k]!.last + 1n;
    }
    if (next <= last) result.push({ first: next, last });
  }
  return result;
}

/** Whether `value` is a member; binary search. */
export function contains(set: IntervalSet, value: bigint): boolean {
  let low = 0;
  let high = set.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const { first, last } = set[middle]!;
    if (value < first) high = middle - 1;
    else if (value > last) low = middle + 1;
    else return true;
  }
  return false;
}
