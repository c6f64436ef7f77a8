/** Which side of the bar is good. */
export type Bar = { readonly atMost: number } | { readonly atLeast: number };

/** One measured figure. `value` is in `unit`; a figure without a bar is shown for information. */
export interface Figure {
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  readonly bar?: Bar;
}

/** What a `<name>.bench.ts` file exports under the name `bench`. */
export interface Bench {
  readonly name: string;
  /** One sentence: what is measured, against what. */
  readonly about: string;
  /** Measures; `note` prints progress. Throws when the measurement itself fails. */
  run(note: (text: string) => void): Promise<readonly Figure[]>;
}

/** The median of `values`; NaN when there are none. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The `q` quantile (0 to 1) of `values` by linear interpolation; NaN when there are none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * q;
  const low = sorted[Math.floor(position)];
  const high = sorted[Math.ceil(position)];
  if (low === undefined || high === undefined) return Number.NaN;
  return low + (high - low) * (position - Math.floor(position));
}

/** Whether the figure meets its bar; a figure without one always does, NaN never does. */
export function meetsBar({ value, bar }: Figure): boolean {
  if (bar === undefined) return true;
  return 'atMost' in bar ? value <= bar.atMost : value >= bar.atLeast;
}
