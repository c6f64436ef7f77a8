import type { Policy, Rule, Tier } from '../policy/index.ts';
import type { IntSet } from './int-set.ts';
import { ALL } from './port-table.ts';
import type { PortTable } from './port-table.ts';
import { intersectRegions, NOWHERE, regionOf, subtractRegions } from './region.ts';
import type { Region } from './region.ts';
import type { Reading, RuleRegions } from './rule-regions.ts';

/** The policies of one tier that apply to a subject in a direction, in order of evaluation; never empty. */
export interface AppliedTier {
  readonly tier: Tier;
  readonly policies: readonly Policy[];
}

/** What was decided, and what was left to whoever comes next. */
export interface Outcome {
  readonly allowed: Region;
  readonly undecided: Region;
}

/** Reads tiers of policies as regions: of all traffic, what they allow and what they pass on. */
export class TierRegions {
  readonly ports: PortTable;
  readonly #rules: RuleRegions;
  readonly #everyone: IntSet;

  constructor(rules: RuleRegions, everyone: IntSet) {
    this.#rules = rules;
    this.#everyone = everyone;
    this.ports = rules.ports;
  }

  /** Everyone on the other side, with all traffic. */
  everything(): Region {
    return [{ others: this.#everyone, ports: ALL }];
  }

  /** All tiers in order. With `open` ends a tier without a matching rule passes on whatever it says about that. */
  read(tiers: readonly AppliedTier[], reading: Reading, ends: 'as-declared' | 'open' = 'as-declared'): Outcome {
    let outcome: Outcome = { allowed: NOWHERE, undecided: this.everything() };
    for (const { tier, policies } of tiers) {
      const rules = policies.flatMap((policy) => policy[reading.direction]);
      const passes = ends === 'open' || tier.noMatch === 'pass';
      outcome = this.followedBy(outcome, this.readRules(rules, reading, passes));
    }
    return outcome;
  }

  /** What comes after `first` decides what it left undecided. */
  followedBy(first: Outcome, next: Outcome): Outcome {
    if (isEverything(first.undecided, this.#everyone)) return { ...next, allowed: this.#both(first, next) };
    return {
      allowed: this.#both(first, {
        ...next,
        allowed: intersectRegions(first.undecided, next.allowed, this.ports),
      }),
      undecided: intersectRegions(first.undecided, next.undecided, this.ports),
    };
  }

  /**
   * Rules in order, the first that matches deciding; `passes`: what none matches is left undecided, else denied. Rules in
   * a row that do the same are taken together, since among them order is nothing.
   */
  readRules(rules: readonly Rule[], reading: Reading, passes: boolean): Outcome {
    const { ports } = this;
    const steps = stepsOf(rules.filter((rule) => rule.action !== 'log'));
    // When allowing is all that is done, what is left matters only to those who come after.
    let rest = this.everything();
    let allowed: Region = NOWHERE;
    let passed: Region = NOWHERE;
    for (const [index, step] of steps.entries()) {
      const matched = regionOf(
        step.flatMap((rule) => this.#rules.regionOf(rule, reading)),
        ports,
      );
      const { action } = step[0]!;
      if (action !== 'deny') {
        const hit = index === 0 ? matched : intersectRegions(rest, matched, ports);
        if (action === 'allow') allowed = regionOf([...allowed, ...hit], ports);
        else passed = regionOf([...passed, ...hit], ports);
      }
      if (index < steps.length - 1 || passes) rest = subtractRegions(rest, matched, ports);
    }
    return { allowed, undecided: passes ? regionOf([...passed, ...rest], ports) : passed };
  }

  #both(first: Outcome, next: Outcome): Region {
    if (first.allowed.length === 0) return next.allowed;
    return regionOf([...first.allowed, ...next.allowed], this.ports);
  }
}

function stepsOf(rules: readonly Rule[]): Rule[][] {
  const steps: Rule[][] = [];
  for (const rule of rules) {
    const last = steps.at(-1);
    if (last?.[0]?.action === rule.action) last.push(rule);
    else steps.push([rule]);
  }
  return steps;
}

function isEverything(region: Region, everyone: IntSet): boolean {
  return region.length === 1 && region[0]!.ports === ALL && region[0]!.others === everyone;
}

/** A policy with its tier. */
export interface Placed {
  readonly tier: Tier;
  readonly policy: Policy;
}

/** The tiers of policies that come in order of evaluation. */
export function tiersOfPlaced(placed: readonly Placed[]): AppliedTier[] {
  const tiers: { tier: Tier; policies: Policy[] }[] = [];
  for (const { tier, policy } of placed) {
    const last = tiers.at(-1);
    if (last?.tier === tier) last.policies.push(policy);
    else tiers.push({ tier, policies: [policy] });
  }
  return tiers;
}
