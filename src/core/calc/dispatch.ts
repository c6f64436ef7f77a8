import type { Family } from '../../base/ip/index.ts';
import type { Labels } from '../kube/labels.ts';
import { addressKey, ifnameKey } from '../nft/key.ts';
import type { ElementKey } from '../nft/model.ts';
import { SETS } from '../nft/names.ts';
import { passes } from '../nft/stages.ts';
import type { TrackedRuleset } from '../nft/tracked-ruleset.ts';
import type { NamespaceInfo } from '../policy/cluster.ts';
import { podSetKey } from '../policy/model.ts';
import type { Direction, Policy, TierSpec } from '../policy/model.ts';
import { tiersOf } from '../policy/tiers.ts';
import { put } from './address-sets.ts';
import { CountedSet } from './counted-set.ts';
import { LabelIndex } from './label-index.ts';
import type { LocalEndpoint } from './model.ts';
import { PodInterfaces } from './pod-interfaces.ts';
import type { PodTable } from './pod-table.ts';
import type { PolicyChains } from './policy-chains.ts';

/** The verdict maps by interface, for those that a pod has for itself: of what crosses the node, per direction, and of what a pod sends to its own node. */
const MAPS = { ingress: SETS.ingress, egress: SETS.egress, ownNode: SETS.ownNode } as const;
type Way = keyof typeof MAPS;

/** A wired pod interface and the policies that select its pod. */
interface Wired {
  readonly endpoint: LocalEndpoint;
  readonly subjects: Set<Subject>;
  /** The chain that judges each way; absent when no policy applies. */
  readonly chains: Map<Way, string>;
}

/** Policies that select the same pods. */
interface Subject {
  readonly key: string;
  readonly policies: Map<string, Policy>;
  readonly members: Set<Wired>;
}

/** Which chain judges each local pod: keeps the verdict maps by interface, and what only pods here may send. */
export class Dispatch {
  readonly #ruleset: TrackedRuleset;
  readonly #pods: PodTable;
  readonly #chains: PolicyChains;
  readonly #sources: ReadonlyMap<Family, CountedSet>;
  readonly #selves: ReadonlyMap<Family, CountedSet>;
  /** Only where another network wires the pods. */
  readonly #interfaces: PodInterfaces | undefined;
  readonly #families: readonly Family[];
  readonly #index = new LabelIndex<Wired>();
  readonly #policies = new Map<string, Policy>();
  readonly #tiers = new Map<string, TierSpec>();
  readonly #subjects = new Map<string, Subject>();
  readonly #wired = new Map<string, Wired>();
  readonly #wiredByPod = new Map<string, Set<Wired>>();
  readonly #idByKey = new Map<ElementKey, string>();
  readonly #dirty = new Set<Wired>();
  /** Number of policies that are asked about a pod's own node. */
  #ownNodePolicies = 0;

  /** `prefixes` of pods' interfaces, besides our own, where another network wires them. */
  constructor(
    ruleset: TrackedRuleset,
    pods: PodTable,
    chains: PolicyChains,
    families: readonly Family[],
    prefixes?: readonly string[],
  ) {
    this.#ruleset = ruleset;
    this.#families = families;
    this.#interfaces = prefixes === undefined ? undefined : new PodInterfaces(ruleset, prefixes);
    this.#pods = pods;
    this.#chains = chains;
    const sets = (name: (family: Family) => string) =>
      new Map(families.map((family) => [family, new CountedSet(ruleset, ruleset.sets.get(name(family))!.spec)]));
    this.#sources = sets(SETS.source);
    this.#selves = sets(SETS.self);
  }

  setNamespace(name: string, info: NamespaceInfo | undefined): void {
    this.#index.setNamespace(name, info?.labels);
  }

  setServiceAccount(namespace: string, name: string, labels: Labels | undefined): void {
    this.#index.setServiceAccount(namespace, name, labels);
  }

  setTier(name: string, tier: TierSpec | undefined): void {
    put(this.#tiers, name, tier);
    for (const wired of this.#wired.values()) this.#dirty.add(wired);
  }

  setPolicy(key: string, given: Policy | undefined): void {
    const policy = given?.staged === true ? undefined : given;
    const before = this.#policies.get(key);
    put(this.#policies, key, policy);
    this.#countOwnNode(before, policy);
    const from = before === undefined ? undefined : podSetKey(before.subject);
    const to = policy === undefined ? undefined : podSetKey(policy.subject);
    if (to !== undefined) this.#addToSubject(to, policy!);
    if (from !== undefined && from !== to) this.#removeFromSubject(from, key);
    if (policy !== undefined) this.#chains.update(policy);
  }

  /** Call after the pod table has taken over the pod. */
  podChanged(key: string): void {
    for (const wired of this.#wiredByPod.get(key) ?? []) this.#classify(wired);
  }

  setLocal(id: string, endpoint: LocalEndpoint | undefined): void {
    const before = this.#wired.get(id);
    if (before !== undefined) this.#unwire(before);
    if (endpoint !== undefined) this.#wire(endpoint);
  }

  /** The local endpoint behind a key of a verdict map. */
  endpointAt(key: ElementKey): string | undefined {
    return this.#idByKey.get(key);
  }

  /** All local endpoints. */
  endpoints(): Iterable<string> {
    return this.#wired.keys();
  }

  /** Brings the verdict maps up to date with everything heard since the last call. */
  settle(): void {
    for (const wired of this.#dirty) {
      const policies = this.#isOpenable(wired) ? policiesOf(wired) : undefined;
      this.#settleWay(wired, 'ingress', 'ingress', policies);
      this.#settleWay(wired, 'egress', 'egress', policies);
      this.#settleWay(
        wired,
        'ownNode',
        'egress',
        policies?.filter((each) => !each.sparesOwnNode),
      );
    }
    this.#dirty.clear();
  }

  /** Whether some local pod's connections to this node are judged. */
  get judgesOwnNode(): boolean {
    const names = [SETS.ownNode, ...this.#families.map((family) => SETS.shared('ownNode', family))];
    return names.some((name) => (this.#ruleset.sets.get(name)?.elements.size ?? 0) > 0);
  }

  /** `policies` select the pod; without them the interface is closed. */
  #settleWay(wired: Wired, way: Way, direction: Direction, policies: readonly Policy[] | undefined): void {
    const { endpoint, chains } = wired;
    const applying = policies?.filter((each) => each.applies[direction]) ?? [];
    const stages = applying.length === 0 ? [] : tiersOf(applying, this.#tiers.values());
    const before = chains.get(way);
    const after =
      stages.length === 0
        ? undefined
        : this.#chains.join(endpoint.id, stages, { direction, phase: 'filter', end: 'accept' });
    put(chains, way, after);
    const verdict = policies === undefined ? 'drop' : after === undefined ? 'accept' : `goto ${after}`;
    // Most clusters have no policy that minds a pod's own node, and then nothing is looked up.
    const isNeeded = way !== 'ownNode' || after !== undefined || (policies === undefined && this.#ownNodePolicies > 0);
    this.#eachKey(endpoint, way, (map, key) => {
      // A newer endpoint may have come to its address on a shared interface, and it is that one's.
      if (this.#idByKey.get(key) !== endpoint.id) return;
      if (isNeeded) this.#ruleset.put(map, key, verdict);
      else this.#ruleset.remove(map, key);
    });
    if (before !== undefined) this.#chains.leave(endpoint.id, before);
  }

  #countOwnNode(before: Policy | undefined, after: Policy | undefined): void {
    const was = this.#ownNodePolicies > 0;
    if (before !== undefined && mindsOwnNode(before)) this.#ownNodePolicies--;
    if (after !== undefined && mindsOwnNode(after)) this.#ownNodePolicies++;
    if (was !== this.#ownNodePolicies > 0) for (const wired of this.#wired.values()) this.#dirty.add(wired);
  }

  /** An interface whose pod is not known, or has ended, stays closed. */
  #isOpenable({ endpoint }: Wired): boolean {
    const pod = this.#pods.get(endpoint.pod);
    return pod !== undefined && !pod.completed && !pod.hostNetwork;
  }

  #wire(endpoint: LocalEndpoint): void {
    const wired: Wired = { endpoint, subjects: new Set(), chains: new Map() };
    this.#wired.set(endpoint.id, wired);
    this.#eachKey(endpoint, 'ingress', (_, key) => this.#idByKey.set(key, endpoint.id));
    this.#interfaces?.claim(endpoint.interface);
    const siblings = this.#wiredByPod.get(endpoint.pod) ?? new Set<Wired>();
    this.#wiredByPod.set(endpoint.pod, siblings.add(wired));
    this.#eachAddress(endpoint, (set, key) => set.claim(key));
    this.#classify(wired);
  }

  #unwire(wired: Wired): void {
    const { endpoint } = wired;
    this.#wired.delete(endpoint.id);
    this.#interfaces?.release(endpoint.interface);
    const siblings = this.#wiredByPod.get(endpoint.pod);
    siblings?.delete(wired);
    if (siblings?.size === 0) this.#wiredByPod.delete(endpoint.pod);
    this.#eachAddress(endpoint, (set, key) => set.release(key));
    this.#index.unassign(wired);
    this.#dirty.delete(wired);
    for (const chain of wired.chains.values()) this.#chains.leave(endpoint.id, chain);
    for (const way of Object.keys(MAPS) as Way[])
      this.#eachKey(endpoint, way, (map, key) => {
        if (this.#idByKey.get(key) === endpoint.id) this.#ruleset.remove(map, key);
      });
    this.#eachKey(endpoint, 'ingress', (_, key) => {
      if (this.#idByKey.get(key) === endpoint.id) this.#idByKey.delete(key);
    });
  }

  #classify(wired: Wired): void {
    const pod = this.#pods.get(wired.endpoint.pod);
    if (pod === undefined || pod.completed || pod.hostNetwork) this.#index.unassign(wired);
    else this.#index.assign(wired, pod);
    this.#dirty.add(wired);
  }

  #eachAddress(endpoint: LocalEndpoint, act: (set: CountedSet, key: string) => void): void {
    for (const ip of endpoint.addresses) {
      const address = addressKey(ip);
      const source = this.#sources.get(ip.family);
      const self = this.#selves.get(ip.family);
      if (source !== undefined) act(source, ifnameKey(endpoint.interface) + address);
      if (self !== undefined) act(self, address + address);
    }
  }

  /** The elements of the verdict maps of one way that stand for the endpoint. */
  #eachKey(
    { interface: name, shared, addresses }: LocalEndpoint,
    way: Way,
    act: (map: string, key: ElementKey) => void,
  ) {
    if (shared !== true) return act(MAPS[way], ifnameKey(name));
    for (const ip of addresses)
      if (this.#families.includes(ip.family)) act(SETS.shared(way, ip.family), ifnameKey(name) + addressKey(ip));
  }

  #addToSubject(key: string, policy: Policy): void {
    let subject = this.#subjects.get(key);
    if (subject === undefined) {
      const created: Subject = { key, policies: new Map(), members: new Set() };
      subject = created;
      this.#subjects.set(key, created);
      this.#index.watch(key, policy.subject, {
        enter: (wired) => {
          created.members.add(wired);
          wired.subjects.add(created);
          this.#dirty.add(wired);
        },
        leave: (wired) => {
          created.members.delete(wired);
          wired.subjects.delete(created);
          this.#dirty.add(wired);
        },
      });
    }
    const before = subject.policies.get(policy.key);
    subject.policies.set(policy.key, policy);
    if (before !== undefined && placeOf(before) === placeOf(policy)) return;
    for (const wired of subject.members) this.#dirty.add(wired);
  }

  #removeFromSubject(key: string, policyKey: string): void {
    const subject = this.#subjects.get(key);
    if (subject === undefined) return;
    subject.policies.delete(policyKey);
    for (const wired of subject.members) {
      this.#dirty.add(wired);
      if (subject.policies.size === 0) wired.subjects.delete(subject);
    }
    if (subject.policies.size > 0) return;
    this.#subjects.delete(key);
    this.#index.unwatch(key);
  }
}

function policiesOf(wired: Wired): Policy[] {
  return [...wired.subjects].flatMap((subject) => [...subject.policies.values()]);
}

function mindsOwnNode(policy: Policy): boolean {
  return !policy.sparesOwnNode && policy.applies.egress;
}

/** All of a policy that the chains which jump to it depend on. */
function placeOf(policy: Policy): string {
  const ways = (['ingress', 'egress'] as const).map((each) => `${policy.applies[each]} ${passes(policy, each)}`);
  return `${policy.tier} ${policy.order} ${policy.sparesOwnNode} ${ways.join(' ')}`;
}
