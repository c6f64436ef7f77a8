import type { ClusterState } from '../cluster.ts';
import type { Language } from '../messages/catalogue.ts';
import type { Direction, Policy, TierSpec } from '../model.ts';
import { BUILT_IN_TIERS, DEFAULT_TIER, NETWORK_POLICY_ORDER } from '../tiers.ts';
import { Census } from './census.ts';
import { labelsText, podsText } from './describe-peer.ts';
import { describeRule } from './describe-rule.ts';
import type { Chosen, DirectionDescription, PolicyDescription } from './description.ts';
import { isEarly, limitsOf } from './limits.ts';
import type { DescribePhrases } from './messages/catalogue.ts';
import { en } from './messages/en.ts';
import { zhCn } from './messages/zh-cn.ts';
import { zhTw } from './messages/zh-tw.ts';

/** The phrases of each language. */
export const DESCRIBE_PHRASES: Readonly<Record<Language, DescribePhrases>> = { en, 'zh-CN': zhCn, 'zh-TW': zhTw };

/** In what language, and in what cluster. */
export interface DescribeOptions {
  readonly language?: Language;
  /** The policy's cluster: then the description tells whom it chooses now. */
  readonly state?: ClusterState;
}

/**
 * What a policy of whatever API does, in words, and what it does not do. Describing many policies of one cluster, call
 * {@link describer} once.
 */
export function describePolicy(policy: Policy, options: DescribeOptions = {}): PolicyDescription {
  return describer(options)(policy);
}

/** The function that describes policies of one cluster. */
export function describer({ language = 'en', state }: DescribeOptions): (policy: Policy) => PolicyDescription {
  const say = DESCRIBE_PHRASES[language];
  // Files that hold policies alone are no cluster: there, "no pod now" would be said of everything.
  const census = state === undefined || state.pods.size === 0 ? undefined : new Census(state);
  const tiers = new Map<string, TierSpec>(
    [...BUILT_IN_TIERS, ...(state?.tiers ?? [])].map((tier) => [tier.name, tier]),
  );
  return (policy) => {
    const tier = tiers.get(policy.tier);
    // What no early policy decides is left to the others, whatever the tier.
    const otherwise = isEarly(policy) ? 'pass' : (tier?.noMatch ?? 'deny');
    const tierExists = tier !== undefined || policy.staged || state === undefined;
    return {
      policy: policy.key,
      source: policy.source,
      tier: policy.tier,
      order: orderOf(policy),
      ...(policy.sparesOwnNode ? {} : { place: say.finish(placeText(policy, tier, tiers, say)) }),
      subject: describeSubject(policy, say, census),
      directions: (['ingress', 'egress'] as const).map((each) =>
        describeDirection(policy, each, { say, census, otherwise }),
      ),
      limits: limitsOf(policy, { say, otherwise, tierExists, census }),
    };
  };
}

function orderOf({ order }: Policy): number | null {
  return Number.isFinite(order) ? order : null;
}

function placeText(
  policy: Policy,
  tier: TierSpec | undefined,
  tiers: ReadonlyMap<string, TierSpec>,
  say: DescribePhrases,
): string {
  if (isEarly(policy)) return say.placeEarly(policy.tier, orderOf(policy), policy.hosts?.doNotTrack === true);
  const middle = tiers.get(DEFAULT_TIER)!.order;
  if (policy.tier === DEFAULT_TIER) return say.placeAmong(policy.tier, orderOf(policy), NETWORK_POLICY_ORDER);
  // A tier that is not known counts as Calico's do when they give no order: last.
  const before = (tier?.order ?? Infinity) < middle;
  return before ? say.placeBefore(policy.tier, orderOf(policy)) : say.placeAfter(policy.tier, orderOf(policy));
}

function describeSubject(policy: Policy, say: DescribePhrases, census: Census | undefined): Chosen {
  const hosts = policy.hosts === undefined ? [] : [say.hostEndpoints(labelsText(policy.hosts.selector))];
  const text = say.and([...(isEarly(policy) ? [] : [podsText(policy.subject, say)]), ...hosts]);
  const now = census?.podsIn(policy.subject);
  return { text: say.finish(text), ...(now === undefined ? {} : { now }) };
}

function describeDirection(
  policy: Policy,
  direction: Direction,
  { say, census, otherwise }: { say: DescribePhrases; census: Census | undefined; otherwise: 'deny' | 'pass' },
): DirectionDescription {
  const applies = policy.applies[direction];
  const rules = applies ? policy[direction].map((rule) => describeRule(rule, direction, say, census)) : [];
  return { direction, applies, text: say.finish(directionText()), rules };

  function directionText(): string {
    if (!applies) return say.notLimited(direction);
    if (rules.length === 0 && otherwise === 'deny') return say.nothingAllowed(direction);
    return policy.sparesOwnNode ? say.onlyAllowed(direction) : say.firstMatch(direction, otherwise);
  }
}
