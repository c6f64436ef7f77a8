import type { Family, IntervalSet } from '../../base/ip/index.ts';
import { effectiveRanges } from './blocks.ts';
import type { TunnelAlias } from './blocks.ts';
import { selects } from './endpoint-class.ts';
import type { EndpointClass } from './endpoint-class.ts';
import type { Action, BlockPeer, Direction, NodePeer, PodPeer, Policy, PortMatch, Rule, Tier } from './model.ts';

/** A set of pods; equal sets, wherever they are written, have one `id`, so that membership is computed once. */
export interface CompiledPodPeer {
  readonly id: number;
  readonly peer: PodPeer;
}

/** A block of addresses with tunnel addresses already judged as their node's. */
export interface CompiledBlock {
  readonly family: Family;
  readonly ranges: IntervalSet;
}

/** A rule sorted by kind of peer, ready to be matched. */
export interface CompiledRule {
  readonly rule: Rule;
  readonly action: Action;
  readonly anyPeer: boolean;
  readonly pods: readonly CompiledPodPeer[];
  readonly blocks: readonly CompiledBlock[];
  readonly nodes: readonly NodePeer[];
  readonly ports: 'any' | readonly PortMatch[];
}

/** A policy's rules of one direction. */
export interface PolicyPlan {
  readonly policy: Policy;
  readonly rules: readonly CompiledRule[];
}

/** The policies of one tier that apply to an endpoint in one direction; never empty. */
export interface TierPlan {
  readonly tier: Tier;
  readonly policies: readonly PolicyPlan[];
}

/** Compiles policies on first use and shares equal sets of pods and equal blocks between them. */
export class PolicyCompiler {
  readonly #tiers: readonly TierIndex[];
  readonly #aliases: readonly TunnelAlias[];
  readonly #podPeers = new Map<string, CompiledPodPeer>();
  readonly #blocks = new Map<string, CompiledBlock>();
  readonly #rules = new Map<readonly Rule[], readonly CompiledRule[]>();

  constructor(tiers: readonly Tier[], aliases: readonly TunnelAlias[]) {
    this.#tiers = tiers.map(indexTier);
    this.#aliases = aliases;
  }

  /** What applies to pods of the class in the direction, in order of evaluation; kept in the class. */
  planOf(endpoints: EndpointClass, direction: Direction): readonly TierPlan[] {
    return (endpoints.plans[direction] ??= this.#tiers.flatMap((index) => this.#planTier(index, endpoints, direction)));
  }

  #planTier(index: TierIndex, endpoints: EndpointClass, direction: Direction): TierPlan[] {
    const { namespace, labels } = endpoints;
    const candidates = [...(index.byNamespace.get(namespace.name) ?? []), ...index.anywhere];
    const policies = candidates
      .filter(({ policy }) => policy.applies[direction] && selects(policy.subject, namespace, labels))
      .sort((a, b) => a.position - b.position)
      .map(({ policy }) => ({ policy, rules: this.#rulesOf(policy[direction]) }));
    return policies.length === 0 ? [] : [{ tier: index.tier, policies }];
  }

  #rulesOf(rules: readonly Rule[]): readonly CompiledRule[] {
    const known = this.#rules.get(rules);
    if (known !== undefined) return known;
    const compiled = rules.map((rule) => this.#compileRule(rule));
    this.#rules.set(rules, compiled);
    return compiled;
  }

  #compileRule(rule: Rule): CompiledRule {
    const pods: CompiledPodPeer[] = [];
    const blocks: CompiledBlock[] = [];
    const nodes: NodePeer[] = [];
    for (const peer of rule.peers === 'any' ? [] : rule.peers) {
      if (peer.kind === 'pods') pods.push(this.#podPeer(peer));
      else if (peer.kind === 'block') blocks.push(this.#block(peer));
      else if (peer.kind === 'nodes') nodes.push(peer);
    }
    return { rule, action: rule.action, anyPeer: rule.peers === 'any', pods, blocks, nodes, ports: rule.ports };
  }

  #podPeer(peer: PodPeer): CompiledPodPeer {
    const known = this.#podPeers.get(peer.key);
    if (known !== undefined) return known;
    const compiled = { id: this.#podPeers.size, peer };
    this.#podPeers.set(peer.key, compiled);
    return compiled;
  }

  #block(peer: BlockPeer): CompiledBlock {
    const known = this.#blocks.get(peer.key);
    if (known !== undefined) return known;
    const compiled = { family: peer.family, ranges: effectiveRanges(peer, this.#aliases) };
    this.#blocks.set(peer.key, compiled);
    return compiled;
  }
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
