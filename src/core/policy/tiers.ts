import type { Policy, Tier, TierSpec } from './model.ts';

/** Tier of AdminNetworkPolicies and of ClusterNetworkPolicies of tier Admin. */
export const ADMIN_TIER = 'kube-admin';
/** Tier of NetworkPolicies, and of Calico policies that name none. */
export const DEFAULT_TIER = 'default';
/** Tier of BaselineAdminNetworkPolicies and of ClusterNetworkPolicies of tier Baseline. */
export const BASELINE_TIER = 'kube-baseline';
/** Tier of policies whose own tier cannot be read: before all others, so that none of them can allow what it denies. */
export const UNREADABLE_TIER = '(unreadable)';
/** Where NetworkPolicies stand among the Calico policies of their tier, as in Calico. */
export const NETWORK_POLICY_ORDER = 1000;

/** The tiers that always exist, with Calico's orders. A Tier resource of the same name may change what no match means. */
export const BUILT_IN_TIERS: readonly TierSpec[] = [
  { name: UNREADABLE_TIER, order: -Infinity, noMatch: 'deny' },
  { name: ADMIN_TIER, order: 1_000, noMatch: 'pass' },
  { name: DEFAULT_TIER, order: 1_000_000, noMatch: 'deny' },
  { name: BASELINE_TIER, order: 10_000_000, noMatch: 'pass' },
];

/**
 * The tiers of `policies`, in order of evaluation, those without a policy left out. Staged policies are left out too,
 * and so are those of tiers that neither are built in nor stand in `specs`.
 */
export function tiersOf(policies: Iterable<Policy>, specs: Iterable<TierSpec> = []): readonly Tier[] {
  const tiers = new Map<string, TierSpec>();
  for (const spec of [...BUILT_IN_TIERS, ...specs]) tiers.set(spec.name, spec);
  const members = new Map<string, Policy[]>();
  for (const policy of policies) {
    if (policy.staged || !tiers.has(policy.tier)) continue;
    const list = members.get(policy.tier);
    if (list === undefined) members.set(policy.tier, [policy]);
    else list.push(policy);
  }
  return [...tiers.values()]
    .sort((a, b) => compare(a.order, b.order) || compare(a.name, b.name))
    .flatMap((spec) => {
      const own = members.get(spec.name);
      return own === undefined ? [] : [{ ...spec, policies: own.sort(comparePolicies) }];
    });
}

/**
 * Order of evaluation inside one tier. Policies of equal order go by name, namespace and kind, as in Calico, which does not
 * count the `default.` that its names begin with.
 */
export function comparePolicies(a: Policy, b: Policy): number {
  return (
    compare(a.order, b.order) ||
    compare(nameOf(a), nameOf(b)) ||
    compare(a.source.namespace ?? '', b.source.namespace ?? '') ||
    compare(a.source.kind, b.source.kind) ||
    compare(a.key, b.key)
  );
}

function nameOf({ source }: Policy): string {
  return source.name.startsWith('default.') ? source.name.slice('default.'.length) : source.name;
}

function compare<T extends number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
