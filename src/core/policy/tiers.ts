import type { Policy, Tier } from './model.ts';

/**
 * The tiers of `policies`, in order of evaluation. NetworkPolicies are additive, so they form one tier, `default`, in
 * which a pod that any of them selects is denied what none allows; their order does not matter and is that of their keys.
 */
export function tiersOf(policies: Iterable<Policy>): readonly Tier[] {
  const sorted = [...policies].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return sorted.length === 0 ? [] : [{ name: 'default', policies: sorted, noMatch: 'deny' }];
}
