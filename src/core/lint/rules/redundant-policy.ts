import { comparePolicies } from '../../policy/index.ts';
import type { Policy } from '../../policy/index.ts';
import { ruleCovers, subjectCovers } from '../containment.ts';
import type { LintCluster, PolicyEntry } from '../lint-cluster.ts';
import type { LintRule } from '../model.ts';
import { titleOf } from '../policy-parts.ts';
import { allowsOnly } from './redundant-rule.ts';

/**
 * Each rule of it stands in a policy that applies to all its pods. A policy without rules is silent here: a default deny
 * beside policies that allow is good style. Needs nothing but the policies.
 */
export const redundantPolicy: LintRule = {
  id: 'redundant-policy',
  severity: 'note',
  summary: 'a policy that could go without any change, since one other policy says all of it',
  *check(cluster) {
    const place = ({ tier, order }: Policy): string => `${tier}/${order}`;
    // Between policies that allow, one that denies makes their order matter.
    const ordered = new Set(
      cluster.policies.filter(({ policy }) => !allowsOnly(policy)).map(({ policy }) => place(policy)),
    );
    for (const entry of cluster.policies) {
      const { policy } = entry;
      if (policy.staged || policy.ingress.length + policy.egress.length === 0 || ordered.has(place(policy))) continue;
      const cover = coverOf(cluster, entry);
      if (cover === undefined) continue;
      yield {
        manifest: entry.manifest,
        path: '',
        message: (m) => m.redundantPolicy(titleOf(cover)),
      };
    }
  },
};

function coverOf(cluster: LintCluster, { policy }: PolicyEntry): PolicyEntry | undefined {
  const { subject } = policy;
  const candidates =
    subject.namespaces.kind === 'name' ? cluster.policiesFor(subject.namespaces.name) : cluster.policiesFor('');
  return candidates.find(
    (each) =>
      each.policy !== policy &&
      each.policy.tier === policy.tier &&
      each.policy.order === policy.order &&
      saysAll(each.policy, policy) &&
      (comparePolicies(each.policy, policy) < 0 || !saysAll(policy, each.policy)),
  );
}

function saysAll(outer: Policy, inner: Policy): boolean {
  return (
    (['ingress', 'egress'] as const).every(
      (direction) =>
        (!inner.applies[direction] || outer.applies[direction]) &&
        inner[direction].every((rule) => outer[direction].some((each) => ruleCovers(each, rule))),
    ) && subjectCovers(outer, inner)
  );
}
