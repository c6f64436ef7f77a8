/**
 * The candidate that `word` was probably meant to be: equal but for case, or the nearest by Damerau-Levenshtein distance
 * (a swap counts one) when it is near enough that a slip of the fingers explains it; of several as near the one that begins
 * like it, since few slips are at the first letters. Undefined when nothing is.
 */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  const lower = word.toLowerCase();
  // Half of a short word is no slip: ICMP is not SCTP.
  const limit = lower.length <= 4 ? 1 : lower.length <= 7 ? 2 : 3;
  let best: string | undefined;
  let bestDistance = limit + 1;
  let bestStart = -1;
  for (const candidate of [...candidates].sort()) {
    const distance = candidate.toLowerCase() === lower ? 0 : editDistance(lower, candidate.toLowerCase());
    if (distance > limit || distance > bestDistance || distance >= candidate.length) continue;
    const start = commonStart(lower, candidate.toLowerCase());
    if (distance < bestDistance || start > bestStart) [best, bestDistance, bestStart] = [candidate, distance, start];
  }
  return best;
}

function commonStart(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

/** Optimal-string-alignment distance: insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let distance = Math.min(last[j]! + 1, row[j - 1]! + 1, substitution);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, beforeLast[j - 2]! + 1);
      }
      row.push(distance);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}
