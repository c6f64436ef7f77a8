import { comparePolicies } from '../../policy/index.ts';
import type { Direction, Policy, Rule } from '../../policy/index.ts';
import { ruleCovers, subjectCovers } from '../containment.ts';
import type { PolicyEntry } from '../lint-cluster.ts';
import type { LintRule, Phrase } from '../model.ts';
import { titleOf } from '../policy-parts.ts';
import { allowsOnly } from './redundant-rule.ts';

/** Of APIs whose rules have an order. Needs nothing but the policies; staged ones neither hide nor are hidden. */
export const shadowedRule: LintRule = {
  id: 'shadowed-rule',
  severity: 'warning',
  summary: 'a rule that is never reached, because an earlier one decides about all it matches',
  *check(cluster) {
    for (const [, entries] of Map.groupBy(cluster.policies, ({ policy }) => policy.tier)) {
      const ordered = entries
        .filter(({ policy }) => !policy.staged)
        .sort((a, b) => comparePolicies(a.policy, b.policy));
      // Where everything allows, what repeats is redundant, not out of reach.
      if (ordered.every(({ policy }) => allowsOnly(policy))) continue;
      for (const [position, entry] of ordered.entries()) {
        for (const direction of ['ingress', 'egress'] as const) {
          for (const rule of entry.policy[direction]) {
            const cover = coverOf(ordered.slice(0, position + 1), entry, direction, rule);
            if (cover === undefined) continue;
            const { path } = cover.rule.source;
            const where: Phrase = (m) => (cover.entry === entry ? path : m.ruleOf(path, titleOf(cover.entry)));
            const same = cover.rule.action === rule.action;
            yield {
              manifest: entry.manifest,
              path: rule.source.path,
              message: (m) => m.shadowed(where(m), same, cover.rule.action),
            };
          }
        }
      }
    }
  },
};

function coverOf(
  earlier: readonly PolicyEntry[],
  { policy }: PolicyEntry,
  direction: Direction,
  rule: Rule,
): { readonly entry: PolicyEntry; readonly rule: Rule } | undefined {
  for (const entry of earlier) {
    const found = entry.policy[direction].find(
      (each) => precedes(entry.policy, each, policy, rule) && each.action !== 'log' && ruleCovers(each, rule),
    );
    if (found !== undefined && subjectCovers(entry.policy, policy)) return { entry, rule: found };
  }
  return undefined;
}

/** Between policies of equal order it is for `order-tie` to say something. */
function precedes(earlier: Policy, each: Rule, policy: Policy, rule: Rule): boolean {
  return earlier === policy ? each.index < rule.index : earlier.order < policy.order;
}
