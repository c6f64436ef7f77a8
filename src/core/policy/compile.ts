import { compileCondition } from './compile-condition.ts';
import type { FlowTest } from './compile-condition.ts';
import type { NamespaceInfo } from './cluster.ts';
import type { CompiledPeers, PeerCompiler } from './compile-peers.ts';
import { selects } from './endpoint-class.ts';
import type { EndpointClass, PlanKind } from './endpoint-class.ts';
import type { DirectionVerdict, PassStep } from './flow.ts';
import { peersMatch, portsMatch } from './match.ts';
import type { JudgedFlow } from './match.ts';
import type { Action, Direction, Policy, PortMatch, Rule, Side, Tier } from './model.ts';

/** A rule ready to be matched. */
export interface CompiledRule {
  readonly rule: Rule;
  readonly action: Action;
  /** The side that `peers` are about: the one that is not the rule's subject. */
  readonly side: Side;
  /** Undefined for any. */
  readonly peers: CompiledPeers | undefined;
  readonly ports: 'any' | readonly PortMatch[];
  /** Ports by number cost less to look at than peers, ports by name more. */
  readonly portsFirst: boolean;
  readonly tests: readonly FlowTest[];
}

/** A policy's rules of one direction. */
export interface PolicyPlan {
  readonly policy: Policy;
  readonly rules: readonly PlannedRule[];
}

/** A rule with what follows when it decides and no tier has passed before; made once, since most verdicts are of these. */
export interface PlannedRule extends CompiledRule {
  readonly verdict: DirectionVerdict;
  readonly pass: PassStep;
}

/** The policies of one tier that apply to an endpoint in one direction; never empty. */
export interface TierPlan {
  readonly tier: Tier;
  readonly policies: readonly PolicyPlan[];
  /** The side that the rules' peers are about. */
  readonly side: Side;
  /** Of all the policies, in order. */
  readonly rules: readonly PlannedRule[];
  /** A namespace that some rules choose pods of and nothing else: nearly always the policies' own. */
  readonly home: NamespaceInfo | undefined;
  /** The rules that can match what is no pod of `home`. */
  readonly foreignRules: readonly PlannedRule[];
  readonly passesWithoutMatch: boolean;
  /** When no rule matches. */
  readonly verdict: DirectionVerdict;
  readonly pass: PassStep;
}

/** Whether the rule matches the flow. */
export function ruleMatches(rule: CompiledRule, judged: JudgedFlow): boolean {
  const { peers, ports, portsFirst } = rule;
  if (portsFirst && !portsMatch(ports, judged.flow, judged.hostPorts)) return false;
  if (peers !== undefined && !peersMatch(peers, rule.side, judged)) return false;
  if (!portsFirst && ports !== 'any' && !portsMatch(ports, judged.flow, judged.hostPorts)) return false;
  for (const test of rule.tests) if (!test(judged)) return false;
  return true;
}

/** The rule of `direction`, compiled. */
export function compileRule(rule: Rule, direction: Direction, peers: PeerCompiler): CompiledRule {
  const side = otherSide(direction);
  return {
    rule,
    action: rule.action,
    side,
    peers: rule.peers === 'any' ? undefined : peers.compile(rule.peers, side),
    ports: rule.ports,
    portsFirst: rule.ports !== 'any' && rule.ports.every(({ kind }) => kind !== 'named'),
    tests: (rule.conditions ?? []).map((condition) => compileCondition(condition, peers)),
  };
}

/** The side of the flow that is not the subject of rules of `direction`. */
function otherSide(direction: Direction): Side {
  return direction === 'ingress' ? 'source' : 'destination';
}

/** Finds the policies that apply, and compiles them on first use. */
export class PolicyCompiler {
  readonly #tiers: readonly TierIndex[];
  readonly #peers: PeerCompiler;
  readonly #plans: Readonly<Record<Direction, Map<Policy, PolicyPlan>>> = { ingress: new Map(), egress: new Map() };

  constructor(tiers: readonly Tier[], peers: PeerCompiler) {
    this.#tiers = tiers.map(indexTier);
    this.#peers = peers;
  }

  /** What applies to pods of the class, in order of evaluation; kept in the class. */
  planOf(endpoints: EndpointClass, kind: PlanKind): readonly TierPlan[] {
    const { plans } = endpoints;
    const known = kind === 'ingress' ? plans.ingress : kind === 'egress' ? plans.egress : plans['own-node'];
    return known ?? (plans[kind] = this.#tiers.flatMap((index) => this.#planTier(index, endpoints, kind)));
  }

  /** The tiers of the policies that `applies` holds for, in order of evaluation. */
  plan(direction: Direction, applies: (policy: Policy) => boolean): readonly TierPlan[] {
    return this.#tiers.flatMap(({ tier }) => this.#tierPlan(tier, tier.policies.filter(applies), direction));
  }

  #planTier(index: TierIndex, endpoints: EndpointClass, kind: PlanKind): TierPlan[] {
    const { namespace, labels } = endpoints;
    const direction = kind === 'own-node' ? 'egress' : kind;
    const candidates = [...(index.byNamespace.get(namespace.name) ?? []), ...index.anywhere];
    const policies = candidates
      .filter(({ policy }) => policy.applies[direction] && !(kind === 'own-node' && policy.sparesOwnNode))
      .filter(({ policy }) => selects(policy.subject, namespace, labels))
      .sort((a, b) => a.position - b.position)
      .map(({ policy }) => policy);
    return this.#tierPlan(index.tier, policies, direction);
  }

  #tierPlan(tier: Tier, policies: readonly Policy[], direction: Direction): TierPlan[] {
    if (policies.length === 0) return [];
    const plans = policies.map((policy) => this.#policyPlan(tier, policy, direction));
    const rules = plans.flatMap((plan) => plan.rules);
    return [
      {
        tier,
        policies: plans,
        side: otherSide(direction),
        rules,
        ...byHome(rules),
        passesWithoutMatch: tier.noMatch === 'pass',
        verdict: { kind: 'default', allowed: false, tier, policies, passes: [] },
        pass: { tier },
      },
    ];
  }

  #policyPlan(tier: Tier, policy: Policy, direction: Direction): PolicyPlan {
    const known = this.#plans[direction].get(policy);
    if (known !== undefined) return known;
    const rules = policy[direction]
      .filter((rule) => rule.action !== 'log')
      .map((rule): PlannedRule => {
        const allowed = rule.action === 'allow';
        return {
          ...compileRule(rule, direction, this.#peers),
          verdict: { kind: 'rule', allowed, tier, policy, rule, passes: [] },
          pass: { tier, policy, rule },
        };
      });
    const plan = { policy, rules };
    this.#plans[direction].set(policy, plan);
    return plan;
  }
}

/** Most pairs of pods are of different namespaces, and most rules for pods of their own. */
function byHome(rules: readonly PlannedRule[]): Pick<TierPlan, 'home' | 'foreignRules'> {
  const homes = rules.map(({ peers }) => (peers?.onlyMembers === true ? peers.members.home : undefined));
  const home = homes.find((each) => each !== undefined);
  return { home, foreignRules: home === undefined ? rules : rules.filter((_, index) => homes[index] !== home) };
}

interface Placed {
  readonly policy: Policy;
  /** In the tier's order. */
  readonly position: number;
}

interface TierIndex {
  readonly tier: Tier;
  /** Policies whose subject is one namespace by name: all of them, in a cluster with v1 policies only. */
  readonly byNamespace: ReadonlyMap<string, readonly Placed[]>;
  readonly anywhere: readonly Placed[];
}

function indexTier(tier: Tier): TierIndex {
  const byNamespace = new Map<string, Placed[]>();
  const anywhere: Placed[] = [];
  for (const [position, policy] of tier.policies.entries()) {
    const { namespaces } = policy.subject;
    if (namespaces.kind !== 'name') anywhere.push({ policy, position });
    else {
      const list = byNamespace.get(namespaces.name) ?? [];
      list.push({ policy, position });
      byNamespace.set(namespaces.name, list);
    }
  }
  return { tier, byNamespace, anywhere };
}
