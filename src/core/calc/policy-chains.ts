import type { Family } from '../../base/ip/index.ts';
import { compilePolicy } from '../nft/compile-policy.ts';
import type { Phase } from '../nft/compile-policy.ts';
import type { Rule } from '../nft/model.ts';
import { policyChainName } from '../nft/names.ts';
import { stageChain, stageChainName } from '../nft/stages.ts';
import type { Course, Stage } from '../nft/stages.ts';
import type { TrackedRuleset } from '../nft/tracked-ruleset.ts';
import type { Direction, Policy, Rule as PolicyRule } from '../policy/model.ts';
import type { Holding, PeerSets } from './peer-sets.ts';

const PHASES: readonly Phase[] = ['raw', 'pre-dnat', 'filter'];

interface PolicyChain {
  readonly direction: Direction;
  readonly phase: Phase;
  policy: Policy;
  holding: Holding;
  reads: ReadonlySet<string>;
  /** Whether a packet that gains a match is never worse off for it. */
  onlyAllows: boolean;
  /** Stage chains that jump here. */
  readonly stages: Set<string>;
}

interface StageChain {
  readonly policies: readonly string[];
  /** The stage chain that judges what this one passes on. */
  readonly next: string | undefined;
  /** Endpoints whose packets begin here, with how often each has joined. */
  readonly endpoints: Map<string, number>;
  /** Stage chains that pass on to this one. */
  readonly previous: Set<string>;
}

/**
 * The chains of policies and of stages: one chain per policy and direction, and one chain per list of policies and
 * stages after them that judges some local endpoint, shared by all endpoints that it judges. Chains that no local
 * endpoint uses do not exist.
 */
export class PolicyChains {
  readonly #ruleset: TrackedRuleset;
  readonly #sets: PeerSets;
  readonly #families: readonly Family[];
  readonly #policies = new Map<string, PolicyChain>();
  readonly #stages = new Map<string, StageChain>();
  readonly #readers = new Map<string, Set<string>>();

  constructor(ruleset: TrackedRuleset, sets: PeerSets, families: readonly Family[]) {
    this.#ruleset = ruleset;
    this.#sets = sets;
    this.#families = families;
  }

  /** Has the endpoint judged by these stages, of which there is at least one, and returns the first one's chain. */
  join(endpoint: string, stages: readonly Stage[], course: Course): string {
    const name = this.#acquireStage(stages, course);
    const { endpoints } = this.#stages.get(name)!;
    endpoints.set(endpoint, (endpoints.get(endpoint) ?? 0) + 1);
    return name;
  }

  /** Undoes one {@link PolicyChains.join}. */
  leave(endpoint: string, name: string): void {
    const stage = this.#stages.get(name);
    const times = stage?.endpoints.get(endpoint);
    if (stage === undefined || times === undefined) return;
    if (times > 1) stage.endpoints.set(endpoint, times - 1);
    else stage.endpoints.delete(endpoint);
    this.#dropUnused(name, stage);
  }

  /** Takes over a new version of a policy whose chains may be in use. */
  update(policy: Policy): void {
    for (const direction of ['ingress', 'egress'] as const)
      for (const phase of PHASES) {
        const name = policyChainName(direction, policy.key, phase);
        const chain = this.#policies.get(name);
        if (chain === undefined || chain.policy === policy) continue;
        chain.policy = policy;
        this.#recompile(name, chain);
      }
  }

  /** Compiles anew what holds any of the sets, because a peer is now found in others. */
  reshape(sets: Holding): void {
    if (sets.size === 0) return;
    for (const [name, chain] of this.#policies) if (!chain.holding.isDisjointFrom(sets)) this.#recompile(name, chain);
  }

  /** Local endpoints whose verdicts the chain can decide: none for chains that are no policy's or stage's. */
  endpointsOf(chain: string): ReadonlySet<string> {
    const found = new Set<string>();
    const visit = (name: string): void => {
      const stage = this.#stages.get(name);
      for (const endpoint of stage?.endpoints.keys() ?? []) found.add(endpoint);
      stage?.previous.forEach(visit);
    };
    visit(chain);
    this.#policies.get(chain)?.stages.forEach(visit);
    return found;
  }

  /** Chains of policies that look into the set. */
  readersOf(set: string): Iterable<string> {
    return this.#readers.get(set) ?? [];
  }

  /** Whether more matches of the policy's rules never take a permission away. */
  onlyAllows(chain: string): boolean {
    return this.#policies.get(chain)?.onlyAllows === true;
  }

  #acquireStage(stages: readonly Stage[], course: Course): string {
    const name = stageChainName(stages, course);
    if (this.#stages.has(name)) return name;
    const [{ policies }, ...rest] = stages as readonly [Stage, ...Stage[]];
    const next = rest.length === 0 ? undefined : this.#acquireStage(rest, course);
    const names = policies.map((policy) => this.#acquirePolicy(policy, course, name));
    this.#ruleset.setChain(stageChain(stages, course));
    this.#stages.set(name, { policies: names, next, endpoints: new Map(), previous: new Set() });
    if (next !== undefined) this.#stages.get(next)!.previous.add(name);
    return name;
  }

  #dropUnused(name: string, stage: StageChain): void {
    if (stage.endpoints.size > 0 || stage.previous.size > 0) return;
    this.#stages.delete(name);
    this.#ruleset.deleteChain(name);
    for (const policy of stage.policies) this.#releasePolicy(policy, name);
    const next = stage.next === undefined ? undefined : this.#stages.get(stage.next);
    if (next === undefined) return;
    next.previous.delete(name);
    this.#dropUnused(stage.next!, next);
  }

  #acquirePolicy(policy: Policy, { direction, phase }: Course, stage: string): string {
    const name = policyChainName(direction, policy.key, phase);
    let chain = this.#policies.get(name);
    if (chain === undefined) {
      chain = { direction, phase, policy, holding: new Set(), reads: new Set(), onlyAllows: true, stages: new Set() };
      this.#policies.set(name, chain);
      this.#compile(name, chain);
    }
    chain.stages.add(stage);
    return name;
  }

  #releasePolicy(name: string, stage: string): void {
    const chain = this.#policies.get(name);
    chain?.stages.delete(stage);
    if (chain === undefined || chain.stages.size > 0) return;
    this.#policies.delete(name);
    this.#ruleset.deleteChain(name);
    this.#setReads(name, chain, new Set());
    this.#sets.release(chain.holding);
  }

  #recompile(name: string, chain: PolicyChain): void {
    const before = chain.holding;
    this.#compile(name, chain);
    this.#sets.release(before);
  }

  #compile(name: string, chain: PolicyChain): void {
    const held = new Set<string>();
    const { policy, direction, phase } = chain;
    const rules = compilePolicy(policy, direction, this.#families, this.#sets.names(held), phase);
    chain.holding = held;
    chain.onlyAllows = policy[direction].every(onlyAllows);
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

/** Whether the rule permits more, never less, when its sets gain an element. */
function onlyAllows({ action, conditions = [] }: PolicyRule): boolean {
  const isNegated = conditions.some((each) => (each.kind === 'peer' || each.kind === 'port') && each.negate);
  return action === 'log' || (action === 'allow' && !isNegated);
}

function setsReadBy(rules: readonly Rule[]): Set<string> {
  const names = new Set<string>();
  for (const rule of rules) for (const statement of rule) if (statement.kind === 'lookup') names.add(statement.set);
  return names;
}
