import type { ClusterState, Peer, Policy, Tier } from '../../policy/index.ts';

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

/** The policies of two states that do not mean the same in both, each state's own. */
export interface ChangedPolicies {
  readonly before: readonly Policy[];
  readonly after: readonly Policy[];
}

/** Undefined when policies that mean the same come in another order, or in tiers that end otherwise. */
export function changedPolicies(before: ClusterState, after: ClusterState): ChangedPolicies | undefined {
  const old = new Map<string, { readonly tier: Tier; readonly policy: Policy }>();
  for (const tier of before.tiers) for (const policy of tier.policies) old.set(policy.key, { tier, policy });
  const order = [...old.keys()];
  let at = 0;
  const changed: Policy[] = [];
  for (const tier of after.tiers)
    for (const policy of tier.policies) {
      const known = old.get(policy.key);
      if (known === undefined || !isSame(known.policy, policy)) {
        changed.push(policy);
        continue;
      }
      if (known.tier.name !== tier.name || known.tier.noMatch !== tier.noMatch) return undefined;
      while (at < order.length && order[at] !== policy.key) at++;
      if (at === order.length) return undefined;
      old.delete(policy.key);
    }
  return { before: Array.from(old.values(), ({ policy }) => policy), after: changed };
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
    if (!(key === 'peers' ? isSamePeers(a[key], b[key]) : isSame(a[key], b[key]))) return false;
  }
  for (const key in b) if (key !== 'source') count--;
  return count === 0;
}

/** Peers with equal keys mean the same: what else they hold need not be gone through. */
function isSamePeers(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return isSame(a, b);
  const [one, other] = [a, b] as [readonly Peer[], readonly Peer[]];
  return (
    one.length === other.length && one.every(({ kind, key }, i) => other[i]!.kind === kind && other[i]!.key === key)
  );
}
