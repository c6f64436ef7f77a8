const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** Milliseconds of a duration of the Gateway API (GEP-2257), such as `1h30m` or `500ms`; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  if (!/^([0-9]{1,5}(h|m|s|ms)){1,4}$/.test(text)) return undefined;
  let sum = 0;
  for (const [, amount, unit = ''] of text.matchAll(/([0-9]+)(ms|h|m|s)/g)) sum += Number(amount) * UNITS[unit]!;
  return sum;
}
