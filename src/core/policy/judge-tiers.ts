import type { TierPlan } from './compile.ts';
import { ruleMatches } from './compile.ts';
import type { DirectionVerdict, PassStep } from './flow.ts';
import type { JudgedFlow } from './match.ts';

/** What a side says that no policy applies to. */
export const UNSELECTED: DirectionVerdict = { kind: 'unselected', allowed: true, passes: [] };

/**
 * Walks the tiers in order until one decides; `unselected` when none does. With `ends: 'open'` a tier without a matching
 * rule is passed whatever it says about that.
 */
export function judgeTiers(
  tiers: readonly TierPlan[],
  judged: JudgedFlow,
  ends: 'as-declared' | 'open' = 'as-declared',
): DirectionVerdict {
  let passes: PassStep[] | undefined;
  for (const plan of tiers) {
    const outcome = judgeTier(plan, judged, ends);
    if ('kind' in outcome) return passes === undefined ? outcome : { ...outcome, passes };
    (passes ??= []).push(outcome);
  }
  return passes === undefined ? UNSELECTED : { ...UNSELECTED, passes };
}

function judgeTier(plan: TierPlan, judged: JudgedFlow, ends: 'as-declared' | 'open'): DirectionVerdict | PassStep {
  for (const { rules } of plan.policies)
    for (const rule of rules) if (ruleMatches(rule, judged)) return rule.action === 'pass' ? rule.pass : rule.verdict;
  return plan.tier.noMatch === 'pass' || ends === 'open' ? plan.pass : plan.verdict;
}
