import { bitsOf, intervalSet, parseCidr, rangeOf } from '../../base/ip/index.ts';
import type { Family, Interval, IntervalSet, Ip } from '../../base/ip/index.ts';
import type { PolicyEngine } from '../../core/policy/evaluate.ts';
import type { Party } from '../../core/policy/flow.ts';
import type { Direction, Peer, Rule } from '../../core/policy/model.ts';
import { OUTSIDE } from '../place.ts';
import { split } from './boundaries.ts';

/** Addresses that one end's policies treat alike, as far as they are nobody's in the cluster, and one that is. */
export interface OutsidePart {
  readonly party: Party;
  /** Beside what is meant, addresses that all belong to pods or nodes: they go with any part. */
  readonly ranges: IntervalSet;
}

/** Everything outside of the cluster, cut where the policies of the other end can make a difference. */
export class OutsideParts {
  readonly #engine: PolicyEngine;
  readonly #ofHosts: readonly Rule[];
  /** By the policies that apply to an end, of which there are few different ones. */
  readonly #known = new Map<unknown, readonly OutsidePart[]>();

  constructor(engine: PolicyEngine) {
    this.#engine = engine;
    this.#ofHosts = engine.state.hostEndpoints.size === 0 ? [] : [...hostRules(engine)];
  }

  /** The parts for an end that is asked as `direction`: `ingress` when connections come from outside. */
  of(other: Party, direction: Direction, family: Family): readonly OutsidePart[] {
    const plan = other.kind === 'pod' ? this.#engine.plan(other.pod, direction) : undefined;
    const policies = plan?.flatMap((tier) => tier.policies.map(({ policy }) => policy)) ?? [];
    const key = `${family} ${direction} ${other.kind} ${policies.map((each) => each.key).join(' ')}`;
    let parts = this.#known.get(key);
    if (parts === undefined) {
      const rules = policies.flatMap((policy) => policy[direction]);
      parts = this.#cut([...rules, ...(other.kind === 'outside' ? [] : this.#ofHosts)], family);
      this.#known.set(key, parts);
    }
    return parts;
  }

  #cut(rules: readonly Rule[], family: Family): OutsidePart[] {
    const edges = new Set<bigint>();
    for (const { first, last } of this.#ranges(rules, family)) edges.add(first).add(last + 1n);
    const whole = { first: 0n, last: (1n << BigInt(bitsOf(family))) - 1n };
    const sorted = [...edges].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    const parts: OutsidePart[] = [];
    let owned: Interval[] = [];
    for (const range of split(whole, sorted)) {
      const party = this.#someone(range, family);
      owned.push(range);
      if (party === undefined) continue;
      parts.push({ party, ranges: intervalSet(owned) });
      owned = [];
    }
    const last = parts.pop();
    return last === undefined ? [] : [...parts, { ...last, ranges: intervalSet([...last.ranges, ...owned]) }];
  }

  #someone({ first, last }: Interval, family: Family): Party | undefined {
    const usual = OUTSIDE[family].value;
    if (usual >= first && usual <= last) {
      const party = this.#engine.address(OUTSIDE[family]);
      if (party.kind === 'outside') return party;
    }
    // The first address of a block reads like the block itself.
    for (let value = first < last ? first + 1n : first; value <= last; value++) {
      const party = this.#engine.address({ family, value });
      if (party.kind === 'outside') return party;
    }
    return undefined;
  }

  *#ranges(rules: readonly Rule[], family: Family): Iterable<Interval> {
    const { networkSets, hostEndpoints, slices, domains, settings } = this.#engine.state;
    const single = (ips: Iterable<Ip>): Interval[] =>
      [...ips].filter((ip) => ip.family === family).map(({ value }) => ({ first: value, last: value }));
    const peers = rules.flatMap(peersOf);
    const names = new Set(peers.map(({ kind }) => kind));
    for (const peer of peers) if (peer.kind === 'block' && peer.family === family) yield* peer.ranges;
    if (names.has('endpoints')) {
      for (const set of networkSets.values()) yield* set.ranges[family];
      for (const { expectedIps } of hostEndpoints.values()) yield* single(expectedIps);
    }
    if (names.has('service')) for (const backends of slices.values()) yield* single(backends.map(({ ip }) => ip));
    if (names.has('domain')) for (const answers of domains.values()) yield* single(answers);
    if (hostEndpoints.size === 0) return;
    for (const { net } of [...settings.failsafeInbound, ...settings.failsafeOutbound]) {
      const block = net === undefined ? undefined : parseCidr(net);
      if (block?.ip.family === family) yield rangeOf(block);
    }
  }
}

/** What host endpoints are judged by, and what nodes forward is. */
function* hostRules({ state }: PolicyEngine): Iterable<Rule> {
  for (const { policies } of state.tiers)
    for (const { hosts, ingress, egress } of policies) if (hosts !== undefined) yield* [...ingress, ...egress];
  for (const { ingress, egress } of state.profiles.values()) yield* [...ingress, ...egress];
}

function peersOf({ peers, conditions = [] }: Rule): Peer[] {
  const inConditions = conditions.flatMap((each) => (each.kind === 'peer' ? each.peers : []));
  return peers === 'any' ? inConditions : [...peers, ...inConditions];
}
