import type { Family, Ip } from '../../base/ip/index.ts';
import { matchesLabels } from '../kube/labels.ts';
import { compileRules, logStatements } from '../nft/compile-policy.ts';
import { DEFAULT_OVERLAY } from '../nft/overlay.ts';
import type { OuterPacket } from '../nft/overlay.ts';
import { hostChains } from '../nft/host-chains.ts';
import type { HostRoutes } from '../nft/host-chains.ts';
import type { Chain, Rule } from '../nft/model.ts';
import { profilesChainName } from '../nft/names.ts';
import type { Course, Stage } from '../nft/stages.ts';
import { verdict } from '../nft/statements.ts';
import type { PodInterfaces } from '../nft/statements.ts';
import type { TrackedRuleset } from '../nft/tracked-ruleset.ts';
import { DEFAULT_SETTINGS } from '../policy/calico/settings.ts';
import type { HostEndpointInfo, NodeEndpoint, PolicySettings, ProfileInfo } from '../policy/cluster.ts';
import type { Direction, HostSubject, Policy, TierSpec } from '../policy/model.ts';
import { tiersOf } from '../policy/tiers.ts';
import { put } from './address-sets.ts';
import { hostAt, judgedAddresses } from './host-choice.ts';
import type { Holding, PeerSets } from './peer-sets.ts';
import type { PolicyChains } from './policy-chains.ts';

/** The name under which host endpoints join chains; no local endpoint has it. */
export const HOSTS = ' hosts';

type ChainOf = (host: HostEndpointInfo) => string | undefined;

/**
 * The filter of this node's own traffic, as its host endpoints and their policies want it. All of it is made anew when
 * something that it depends on changes: there are few host endpoints on one node and they change seldom.
 */
export class HostFilter {
  readonly #ruleset: TrackedRuleset;
  readonly #sets: PeerSets;
  readonly #policyChains: PolicyChains;
  readonly #families: readonly Family[];
  readonly #pods: PodInterfaces;
  readonly #balanced: boolean;
  readonly #tiers = new Map<string, TierSpec>();
  readonly #policies = new Map<string, Policy>();
  #hosts: readonly HostEndpointInfo[] = [];
  #profiles: ReadonlyMap<string, ProfileInfo> = new Map();
  #settings: PolicySettings = DEFAULT_SETTINGS;
  #overlay: readonly OuterPacket[] = [DEFAULT_OVERLAY];
  #node: NodeEndpoint | undefined;
  #joined: string[] = [];
  #made = new Set<string>();
  #holding: Set<string> = new Set();
  #dirty = false;

  constructor(
    ruleset: TrackedRuleset,
    sets: PeerSets,
    chains: PolicyChains,
    families: readonly Family[],
    pods: PodInterfaces,
    balanced: boolean,
  ) {
    this.#ruleset = ruleset;
    this.#sets = sets;
    this.#policyChains = chains;
    this.#families = families;
    this.#pods = pods;
    this.#balanced = balanced;
  }

  setPolicy(key: string, policy: Policy | undefined): void {
    const relevant = policy?.hosts === undefined || policy.staged ? undefined : policy;
    if (this.#policies.get(key) === relevant) return;
    put(this.#policies, key, relevant);
    this.#dirty = true;
  }

  setTier(name: string, tier: TierSpec | undefined): void {
    put(this.#tiers, name, tier);
    this.#dirty = true;
  }

  setSettings(settings: PolicySettings | undefined): void {
    this.#settings = settings ?? DEFAULT_SETTINGS;
    this.#dirty = true;
  }

  setOverlay(overlay: readonly OuterPacket[] | undefined): void {
    this.#overlay = overlay ?? [DEFAULT_OVERLAY];
    this.#dirty = true;
  }

  /** The node that this filter is for. */
  setNode(node: NodeEndpoint | undefined): void {
    this.#node = node;
    this.#dirty = true;
  }

  /** The host endpoints of this node, in order of their names, with the labels that their profiles give them. */
  setHosts(hosts: readonly HostEndpointInfo[], profiles: ReadonlyMap<string, ProfileInfo>): void {
    if (hosts.length === 0 && this.#hosts.length === 0) return;
    this.#hosts = hosts;
    this.#profiles = profiles;
    this.#dirty = true;
  }

  /** Profiles that hold any of the sets must be compiled anew. */
  reshape(sets: Holding): void {
    if (!this.#holding.isDisjointFrom(sets)) this.#dirty = true;
  }

  settle(): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    const before = { joined: this.#joined, made: this.#made, holding: this.#holding };
    this.#joined = [];
    this.#made = new Set();
    this.#holding = new Set();
    if (this.#hosts.length > 0) this.#make();
    for (const chain of before.joined) this.#policyChains.leave(HOSTS, chain);
    for (const name of before.made) if (!this.#made.has(name)) this.#ruleset.deleteChain(name);
    this.#sets.release(before.holding);
  }

  #make(): void {
    const tracked = ({ preDnat, doNotTrack }: HostSubject): boolean => !preDnat && !doNotTrack;
    const local =
      (direction: Direction): ChainOf =>
      (host) => {
        const stages = this.#stages(host, direction, tracked);
        return this.#join(stages, { direction, phase: 'filter', end: `goto ${this.#profilesChain(host, direction)}` });
      };
    const forwarded =
      (direction: Direction): ChainOf =>
      (host) => {
        const stages = this.#stages(host, direction, (each) => tracked(each) && each.applyOnForward);
        return this.#join(stages, { direction, phase: 'filter', end: 'accept' });
      };
    const untracked = (host: HostEndpointInfo, direction: Direction): Stage[] =>
      // As in Calico, where only an interface by name can go without connection tracking.
      host.interface === '*' ? [] : open(this.#stages(host, direction, (each) => each.doNotTrack));
    const raw =
      (direction: Direction): ChainOf =>
      (host) =>
        this.#join(untracked(host, direction), { direction, phase: 'raw', end: 'accept' });
    const preDnat: ChainOf = (host) => {
      const stages = open(this.#stages(host, 'ingress', (each) => each.preDnat && !each.doNotTrack));
      return this.#join(stages, { direction: 'ingress', phase: 'pre-dnat', end: 'accept' });
    };
    /** What a pod sends away is tracked in any case, so policies without tracking are the first of the others there. */
    const leaving: ChainOf = (host) => {
      const next = forwarded('egress')(host);
      const end = next === undefined ? 'accept' : (`goto ${next}` as const);
      return this.#join(untracked(host, 'egress'), { direction: 'egress', phase: 'filter', end }) ?? next;
    };
    const output = this.#routes(local('egress'), leaving);
    const chains = hostChains({
      families: this.#families,
      pods: this.#pods,
      balanced: this.#balanced,
      failsafeInbound: this.#settings.failsafeInbound,
      failsafeOutbound: this.#settings.failsafeOutbound,
      overlay: this.#overlay,
      rawIn: asked(this.#routes(raw('ingress'), raw('ingress'))),
      rawOut: asked(this.#routes(raw('egress'), () => undefined)),
      preDnat: asked(this.#routes(preDnat, preDnat)),
      input: this.#routes(local('ingress'), forwarded('ingress')),
      output,
      afterRawOut: this.#forwardedBy(forwarded('egress')),
    });
    for (const chain of chains) this.#setChain(chain);
  }

  #routes(chainOf: ChainOf, forwarded: ChainOf): HostRoutes {
    const at = (family: Family, address?: Ip): string | undefined => {
      const host = hostAt(this.#hosts, this.#node, family, address);
      return host === undefined ? undefined : chainOf(host);
    };
    const everywhere = this.#hosts.find((host) => host.interface === '*');
    return {
      routes: this.#families.flatMap((family) =>
        judgedAddresses(this.#hosts, this.#node, family).map((address) => ({ address, chain: at(family, address) })),
      ),
      others: everywhere === undefined ? undefined : chainOf(everywhere),
      forwarded: this.#forwardedBy(forwarded),
    };
  }

  #forwardedBy(chainOf: ChainOf): HostRoutes['forwarded'] {
    const of = (family: Family): string | undefined => {
      // A node that is not known forwards for no pod.
      const host = this.#node === undefined ? undefined : hostAt(this.#hosts, this.#node, family);
      return host === undefined ? undefined : chainOf(host);
    };
    return { 4: of(4), 6: of(6) };
  }

  #stages(host: HostEndpointInfo, direction: Direction, phase: (subject: HostSubject) => boolean): readonly Stage[] {
    const applying = [...this.#policies.values()].filter(
      ({ hosts, applies }) =>
        hosts !== undefined && applies[direction] && phase(hosts) && matchesLabels(hosts.selector, host.labels),
    );
    return applying.length === 0 ? [] : tiersOf(applying, this.#tiers.values());
  }

  /** The first stage's chain, or where the course ends when there is none; undefined when that is an accept. */
  #join(stages: readonly Stage[], course: Course): string | undefined {
    if (stages.length === 0) return course.end === 'accept' ? undefined : course.end.slice('goto '.length);
    const chain = this.#policyChains.join(HOSTS, stages, course);
    this.#joined.push(chain);
    return chain;
  }

  /** The rules of the endpoint's profiles, and then the end of what none of them allows. */
  #profilesChain(host: HostEndpointInfo, direction: Direction): string {
    const name = profilesChainName(direction, host.name);
    if (this.#made.has(name)) return name;
    const rules = host.profiles.flatMap((profile): readonly Rule[] => {
      const own = this.#profiles.get(profile)?.[direction] ?? [];
      return compileRules(own, direction, this.#families, this.#sets.names(this.#holding), (action) =>
        action === 'log'
          ? logStatements(`sluice ${direction} profile ${profile}`)
          : [verdict(action === 'allow' ? 'accept' : 'drop')],
      );
    });
    this.#setChain({ name, rules: [...rules, [verdict('drop')]] });
    return name;
  }

  #setChain(chain: Chain): void {
    this.#made.add(chain.name);
    this.#ruleset.setChain(chain);
  }
}

/** Before the last phase, what no rule of a tier matches is left to the later ones. */
function open(stages: readonly Stage[]): Stage[] {
  return stages.map(({ policies }) => ({ policies, noMatch: 'pass' }));
}

/** Undefined when no packet is judged. */
function asked(routes: HostRoutes): HostRoutes | undefined {
  const chains = [routes.others, routes.forwarded[4], routes.forwarded[6], ...routes.routes.map(({ chain }) => chain)];
  return chains.every((chain) => chain === undefined) ? undefined : routes;
}
