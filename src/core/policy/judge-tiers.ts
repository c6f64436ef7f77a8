import type { PlannedRule, TierPlan } from './compile.ts';
import { ruleMatches } from './compile.ts';
import type { DirectionVerdict, PassStep } from './flow.ts';
import { classOf } from './match.ts';
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
    const rule = firstMatch(plan, judged);
    const passed = rule === undefined ? ends === 'open' || plan.passesWithoutMatch : rule.action === 'pass';
    const decided = rule ?? plan;
    if (passed) (passes ??= []).push(decided.pass);
    else return passes === undefined ? decided.verdict : { ...decided.verdict, passes };
  }
  return passes === undefined ? UNSELECTED : { ...UNSELECTED, passes };
}

function firstMatch(plan: TierPlan, judged: JudgedFlow): PlannedRule | undefined {
  const rules = classOf(judged, plan.side)?.namespace === plan.home ? plan.rules : plan.foreignRules;
  for (const rule of rules) if (ruleMatches(rule, judged)) return rule;
  return undefined;
}
