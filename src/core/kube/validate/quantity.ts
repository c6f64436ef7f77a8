import { child, entry, keys, reject } from './field.ts';
import type { Field } from './field.ts';

/** Syntax of a quantity: k8s.io/apimachinery/pkg/api/resource. */
const QUANTITY = /^([+-]?(?:\d+\.?\d*|\.\d+))(m|u|n|[kMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/;

const FACTORS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The number that a quantity such as `500m` or `1Gi` stands for; undefined when it is not one. */
function parseQuantity(value: unknown): number | undefined {
  const match = typeof value === 'number' ? [String(value), String(value), undefined] : QUANTITY.exec(String(value));
  if (match === null || (typeof value !== 'number' && typeof value !== 'string')) return undefined;
  const suffix = match[2] ?? '';
  const factor = FACTORS[suffix] ?? (suffix === '' ? 1 : Number(`1${suffix}`));
  return Number(match[1]) * factor;
}

/** Checks `resources`: every amount is a quantity that is not negative, no request exceeds its limit. */
export function validateQuantities(resources: Field): void {
  const limits = child(resources, 'limits');
  const requests = child(resources, 'requests');
  for (const map of [limits, requests])
    for (const key of keys(map)) {
      const amount = parseQuantity(entry(map, key).value);
      if (amount === undefined)
        reject(
          entry(map, key),
          "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        );
      else if (amount < 0) reject(entry(map, key), 'must be greater than or equal to 0');
    }
  for (const key of keys(requests)) {
    const request = parseQuantity(entry(requests, key).value);
    const limit = parseQuantity(entry(limits, key).value);
    if (request !== undefined && limit !== undefined && request > limit)
      reject(
        { ...requests, value: entry(requests, key).value },
        `must be less than or equal to ${key} limit of ${String(entry(limits, key).value)}`,
      );
  }
}
