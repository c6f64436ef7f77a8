import type { ClusterState, Policy } from '../../policy/index.ts';

/** Whether two values of plain data are equal, but for where they were written (`source`). */
export function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Map || b instanceof Map) return a instanceof Map && b instanceof Map && isSameMap(a, b);
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!isSame(a[i], b[i])) return false;
    return true;
  }
  return isSameRecord(a as Readonly<Record<string, unknown>>, b as Readonly<Record<string, unknown>>);
}

/** Whether both states have the same of everything but tiers: the same things for policies to be about. */
export function haveSameEndpoints(a: ClusterState, b: ClusterState): boolean {
  const { tiers: _a, issues: _b, ...one } = a;
  const { tiers: _c, issues: _d, ...other } = b;
  return isSame(one, other);
}

/** The policies of `after` that mean the same as those of the same key in `before`. */
export function unchangedPolicies(before: ClusterState, after: ClusterState): Set<Policy> {
  const old = new Map<string, Policy>();
  for (const tier of before.tiers) for (const policy of tier.policies) old.set(policy.key, policy);
  const same = new Set<Policy>();
  for (const tier of after.tiers)
    for (const policy of tier.policies) {
      const known = old.get(policy.key);
      if (known !== undefined && isSame(known, policy)) same.add(policy);
    }
  return same;
}

function isSameMap(a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (!b.has(key) || !isSame(value, b.get(key))) return false;
  return true;
}

function isSameRecord(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  let count = 0;
  for (const key in a) {
    if (key === 'source') continue;
    count++;
    if (!isSame(a[key], b[key])) return false;
  }
  for (const key in b) if (key !== 'source') count--;
  return count === 0;
}
