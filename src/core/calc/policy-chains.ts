import type { Family } from '../../base/ip/index.ts';
import { compilePolicy } from '../nft/compile-policy.ts';
import type { Rule } from '../nft/model.ts';
import { digest, policyChainName } from '../nft/names.ts';
import { verdict } from '../nft/statements.ts';
import type { TrackedRuleset } from '../nft/tracked-ruleset.ts';
import type { Direction, Policy } from '../policy/model.ts';
import type { Holding, PeerSets } from './peer-sets.ts';

interface PolicyChain {
  readonly direction: Direction;
  policy: Policy;
  holding: Holding;
  reads: ReadonlySet<string>;
  /** Group chains that jump here. */
  readonly groups: Set<string>;
}

interface GroupChain {
  readonly policies: readonly string[];
  readonly endpoints: Set<string>;
}

/**
 * The chains of policies and of groups: one chain per policy and direction, and one chain per set of policies that
 * selects some local pod, which all pods of the group share. Chains that no local pod uses do not exist.
 */
export class PolicyChains {
  readonly #ruleset: TrackedRuleset;
  readonly #sets: PeerSets;
  readonly #families: readonly Family[];
  readonly #policies = new Map<string, PolicyChain>();
  readonly #groups = new Map<string, GroupChain>();
  readonly #readers = new Map<string, Set<string>>();

  constructor(ruleset: TrackedRuleset, sets: PeerSets, families: readonly Family[]) {
    this.#ruleset = ruleset;
    this.#sets = sets;
    this.#families = families;
  }

  /** Puts the endpoint in the group of these policies, in this order, and returns the group's chain. */
  join(endpoint: string, direction: Direction, policies: readonly Policy[]): string {
    const name = groupChainName(direction, policies);
    const group = this.#groups.get(name) ?? this.#makeGroup(name, direction, policies);
    group.endpoints.add(endpoint);
    return name;
  }

  /** Takes the endpoint out of the group. */
  leave(endpoint: string, name: string): void {
    const group = this.#groups.get(name);
    if (group === undefined) return;
    group.endpoints.delete(endpoint);
    if (group.endpoints.size > 0) return;
    this.#groups.delete(name);
    this.#ruleset.deleteChain(name);
    for (const policy of group.policies) this.#releasePolicy(policy, name);
  }

  /** Takes over a new version of a policy whose chains may be in use. */
  update(policy: Policy): void {
    for (const direction of ['ingress', 'egress'] as const) {
      const name = policyChainName(direction, policy.key);
      const chain = this.#policies.get(name);
      if (chain === undefined || chain.policy === policy) continue;
      const old = chain.holding;
      chain.policy = policy;
      this.#compile(name, chain);
      this.#sets.release(old);
    }
  }

  /** Local endpoints whose verdicts the chain can decide: none for chains that are no policy's or group's. */
  *endpointsOf(chain: string): Iterable<string> {
    yield* this.#groups.get(chain)?.endpoints ?? [];
    for (const group of this.#policies.get(chain)?.groups ?? []) yield* this.#groups.get(group)?.endpoints ?? [];
  }

  /** Chains of policies that look into the set. */
  readersOf(set: string): Iterable<string> {
    return this.#readers.get(set) ?? [];
  }

  #makeGroup(name: string, direction: Direction, policies: readonly Policy[]): GroupChain {
    const chains = policies.map((policy) => this.#acquirePolicy(policy, direction, name));
    const rules = [...chains.map((chain) => [verdict(`jump ${chain}`)]), [verdict('drop')]];
    this.#ruleset.setChain({ name, rules });
    const group: GroupChain = { policies: chains, endpoints: new Set() };
    this.#groups.set(name, group);
    return group;
  }

  #acquirePolicy(policy: Policy, direction: Direction, group: string): string {
    const name = policyChainName(direction, policy.key);
    let chain = this.#policies.get(name);
    if (chain === undefined) {
      chain = { direction, policy, holding: new Set(), reads: new Set(), groups: new Set() };
      this.#policies.set(name, chain);
      this.#compile(name, chain);
    }
    chain.groups.add(group);
    return name;
  }

  #releasePolicy(name: string, group: string): void {
    const chain = this.#policies.get(name);
    chain?.groups.delete(group);
    if (chain === undefined || chain.groups.size > 0) return;
    this.#policies.delete(name);
    this.#ruleset.deleteChain(name);
    this.#setReads(name, chain, new Set());
    this.#sets.release(chain.holding);
  }

  #compile(name: string, chain: PolicyChain): void {
    const held = new Set<string>();
    const rules = compilePolicy(chain.policy, chain.direction, this.#families, this.#sets.names(held));
    chain.holding = held;
    this.#ruleset.setChain({ name, rules });
    this.#setReads(name, chain, setsReadBy(rules));
  }

  #setReads(name: string, chain: PolicyChain, reads: ReadonlySet<string>): void {
    for (const set of chain.reads) {
      if (reads.has(set)) continue;
      const readers = this.#readers.get(set);
      readers?.delete(name);
      if (readers?.size === 0) this.#readers.delete(set);
    }
    for (const set of reads) {
      const readers = this.#readers.get(set);
      if (readers === undefined) this.#readers.set(set, new Set([name]));
      else readers.add(name);
    }
    chain.reads = reads;
  }
}

function groupChainName(direction: Direction, policies: readonly Policy[]): string {
  return `${direction}-${digest(policies.map((policy) => policy.key).join('\n'))}`;
}

function setsReadBy(rules: readonly Rule[]): Set<string> {
  const names = new Set<string>();
  for (const rule of rules) for (const statement of rule) if (statement.kind === 'lookup') names.add(statement.set);
  return names;
}
