import type { Family } from '../../base/ip/index.ts';
import type { Direction, Peer, Policy, Rule } from '../policy/index.ts';
import type { Catalogue } from './catalogue.ts';
import type { Groups } from './groups.ts';
import { HostSides } from './host-sides.ts';
import { EMPTY, has } from './int-set.ts';
import type { IntSet } from './int-set.ts';
import type { LabelSetId } from './label-sets.ts';
import type { GroupId } from './model.ts';
import { ALL, NONE } from './port-table.ts';
import type { PortsId } from './port-table.ts';
import { intersectRegions, NOWHERE, regionOf } from './region.ts';
import type { Region } from './region.ts';
import type { Reading, RuleRegions } from './rule-regions.ts';
import { tiersOfPlaced } from './tier-regions.ts';
import type { AppliedTier, Placed, TierRegions } from './tier-regions.ts';

/** What one side of a connection allows of the other; undefined when it restricts nothing. */
export type SideRegion = Region | undefined;

/**
 * What each group's own policies allow, by direction and family: read once for all groups with the same policies that
 * look the same to them.
 */
export class Sides {
  readonly #catalogue: Catalogue;
  readonly #groups: Groups;
  readonly #rules: RuleRegions;
  readonly #tiers: TierRegions;
  readonly #hosts: HostSides;
  /** Whether only the pods' own policies say what they let in and out. */
  readonly #isPlain: boolean;
  readonly #placed: readonly Placed[];
  /** By label set: the policies that have it as subject, as indices into `placed`. */
  readonly #bySubject: ReadonlyMap<number, readonly number[]>;
  readonly #applied = new Map<readonly number[], Readonly<Record<Direction, Applied>>>();
  readonly #plans = new Map<string, Applied>();
  readonly #byGroup: Readonly<Record<Direction, Readonly<Record<Family, SideRegion[]>>>> = {
    ingress: { 4: [], 6: [] },
    egress: { 4: [], 6: [] },
  };

  constructor(catalogue: Catalogue, groups: Groups, rules: RuleRegions, tiers: TierRegions) {
    this.#catalogue = catalogue;
    this.#groups = groups;
    this.#rules = rules;
    this.#tiers = tiers;
    this.#hosts = new HostSides(catalogue, groups, tiers);
    this.#isPlain = catalogue.state.hostEndpoints.size === 0 && !groups.hasDisguises;
    this.#placed = catalogue.state.tiers.flatMap((tier) => tier.policies.map((policy) => ({ tier, policy })));
    this.#bySubject = this.#indexSubjects();
  }

  /** What the group's policies, and the host endpoint of its node, let it send (`egress`) or receive. */
  read(group: GroupId, direction: Direction, family: Family): SideRegion {
    if (group >= this.#groups.firstOutside) return undefined;
    const known = this.#byGroup[direction][family];
    if (group in known) return known[group];
    const own = this.#read(group, direction, family);
    const region = own !== undefined && direction === 'ingress' ? this.#groups.arriving(own, group, family) : own;
    return (known[group] = region);
  }

  #read(group: GroupId, direction: Direction, family: Family): SideRegion {
    if (group >= this.#groups.firstNode) return this.#hosts.ofNode(group, direction, family);
    const own = this.#readPods(group, direction, family, this.#appliedTo(group)[direction]);
    const forwarded = this.#hosts.forwarded(group, direction, family);
    if (own === undefined || forwarded === undefined) return own ?? forwarded;
    return intersectRegions(own, forwarded, this.#tiers.ports);
  }

  /**
   * What the group's policies let it send to, or receive from, an end that no rule of theirs is about; undefined when one
   * may be. Spares reading policies that only one end is asked of.
   */
  unless(group: GroupId, direction: Direction, family: Family, other: GroupId): PortsId | undefined {
    if (group >= this.#groups.firstNode || group in this.#byGroup[direction][family] || !this.#isPlain)
      return undefined;
    const applied = this.#appliedTo(group)[direction];
    const { labelSets, peers } = (applied.readings[direction].mentioned ??= this.#mentioned(applied, direction));
    for (const id of labelSets) if (has(this.#groups.inLabelSet(id), other)) return undefined;
    for (const each of peers)
      if (each === 'any' || this.#rules.isPeer(each, direction, family, other)) return undefined;
    return applied.tiers.some(({ tier }) => tier.noMatch === 'deny') ? NONE : ALL;
  }

  /** The groups of pods that the policy applies to in the direction. */
  subjectsOf({ subject, applies }: Policy, direction: Direction): IntSet {
    return applies[direction] ? this.#groups.inLabelSet(this.#catalogue.labelSets.ofPods(subject)) : EMPTY;
  }

  /** What the pods' policies let them send to their own node: those that do not spare it. */
  readOwnNode(group: GroupId, family: Family): SideRegion {
    const { policies } = this.#appliedTo(group).egress;
    const asked = this.#plan(policies.filter((at) => !this.#placed[at]!.policy.sparesOwnNode));
    const own = this.#readPods(group, 'egress', family, asked);
    return this.#catalogue.state.settings.endpointToHost === 'drop' ? NOWHERE : own;
  }

  /** Whether no policy is asked when the pods reach their own node. */
  sparesOwnNode(group: GroupId): boolean {
    const { policies } = this.#appliedTo(group).egress;
    const { settings } = this.#catalogue.state;
    return settings.endpointToHost !== 'drop' && policies.every((at) => this.#placed[at]!.policy.sparesOwnNode);
  }

  #readPods(group: GroupId, direction: Direction, family: Family, applied: Applied): SideRegion {
    if (applied.policies.length === 0) return undefined;
    const reading: Reading = { direction, family, subject: group };
    const readings = applied.readings[direction];
    const { families, subjectRules } = (readings.dependence ??= this.#dependence(applied, direction));
    const seen = subjectRules.map((rule) => this.#rules.subjectKey(rule, reading)).join(';');
    const key = families ? `${family} ${seen}` : seen;
    if (readings.known.has(key)) return readings.known.get(key);
    const { allowed, undecided } = this.#tiers.read(applied.tiers, reading);
    const region = undecided.length === 0 ? allowed : regionOf([...allowed, ...undecided], this.#tiers.ports);
    readings.known.set(key, region);
    return region;
  }

  #dependence({ tiers }: Applied, direction: Direction): NonNullable<Readings['dependence']> {
    const rules = tiers.flatMap(({ policies }) => policies.flatMap((policy) => policy[direction]));
    const of = (rule: Rule) => this.#rules.dependence(rule, direction);
    return {
      families: rules.some((rule) => of(rule).families),
      subjectRules: rules.filter((rule) => of(rule).subject),
    };
  }

  #mentioned({ tiers }: Applied, direction: Direction): Mentioned {
    const labelSets = new Set<LabelSetId>();
    const peers: (Peer | 'any')[] = [];
    for (const { policies } of tiers)
      for (const policy of policies)
        for (const rule of policy[direction])
          if (rule.peers === 'any') peers.push('any');
          else
            for (const peer of rule.peers) {
              const labelSet = peer.kind === 'pods' ? this.#catalogue.membersOf(peer).labelSet : undefined;
              if (labelSet === undefined) peers.push(peer);
              else labelSets.add(labelSet);
            }
    return { labelSets: [...labelSets], peers };
  }

  #appliedTo(group: GroupId): Readonly<Record<Direction, Applied>> {
    const { labelSets } = this.#groups.traits[group]!;
    let applied = this.#applied.get(labelSets);
    if (applied === undefined) {
      const policies = labelSets.flatMap((id) => this.#bySubject.get(id) ?? []).sort((a, b) => a - b);
      const of = (direction: Direction): Applied =>
        this.#plan(policies.filter((at) => this.#placed[at]!.policy.applies[direction]));
      applied = { ingress: of('ingress'), egress: of('egress') };
      this.#applied.set(labelSets, applied);
    }
    return applied;
  }

  #plan(policies: readonly number[]): Applied {
    const key = policies.join();
    let plan = this.#plans.get(key);
    if (plan === undefined) {
      const tiers = tiersOfPlaced(policies.map((at) => this.#placed[at]!));
      plan = { policies, tiers, readings: { ingress: { known: new Map() }, egress: { known: new Map() } } };
      this.#plans.set(key, plan);
    }
    return plan;
  }

  #indexSubjects(): Map<number, number[]> {
    const index = new Map<number, number[]>();
    for (const [at, { policy }] of this.#placed.entries()) {
      const id = this.#catalogue.labelSets.ofPods(policy.subject);
      const known = index.get(id);
      if (known === undefined) index.set(id, [at]);
      else known.push(at);
    }
    return index;
  }
}

/** The policies that apply to some pods in a direction, with everything read of them. */
interface Applied {
  readonly policies: readonly number[];
  readonly tiers: readonly AppliedTier[];
  readonly readings: Readonly<Record<Direction, Readings>>;
}

interface Readings {
  /** Found on first use. */
  dependence?: { readonly families: boolean; readonly subjectRules: readonly Rule[] };
  /** Found on first use. */
  mentioned?: Mentioned;
  readonly known: Map<string, SideRegion>;
}

/** Whom rules can be about. */
interface Mentioned {
  readonly labelSets: readonly LabelSetId[];
  /** Those that are not told by a set of labels alone. */
  readonly peers: readonly (Peer | 'any')[];
}
