/** What is given out by number, from 0, and how much at its start is left for those who name what they want. */
export interface Range {
  readonly count: number;
  readonly reserved: number;
}

/** A band is not worth having in less than this (Kubernetes' `calculateRangeOffset`, for addresses and for ports). */
const SMALLEST_BAND = 16;

/**
 * How much of a range Kubernetes gives out only when the rest is used up: `1 / share` of it, within bounds. Whoever names
 * an address or port in that band hardly ever meets one that was chosen for somebody else.
 */
export function bandOf(count: number, share: number, largest: number): number {
  if (count < SMALLEST_BAND) return 0;
  return Math.min(Math.max(SMALLEST_BAND, Math.floor(count / share)), largest, count);
}

/** A random number that `isFree`, of the upper part first; undefined when there is none. `random`: from 0 up to 1. */
export function chooseFree(
  { count, reserved }: Range,
  random: () => number,
  isFree: (number: number) => boolean,
): number | undefined {
  for (const [from, size] of [
    [reserved, count - reserved],
    [0, reserved],
  ] as const) {
    const start = Math.floor(random() * size);
    for (let step = 0; step < size; step += 1) {
      const number = from + ((start + step) % size);
      if (isFree(number)) return number;
    }
  }
  return undefined;
}
