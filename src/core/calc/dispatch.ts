import type { Family } from '../../base/ip/index.ts';
import { addressKey, ifnameKey } from '../nft/key.ts';
import type { ElementKey } from '../nft/model.ts';
import { SETS } from '../nft/names.ts';
import type { TrackedRuleset } from '../nft/tracked-ruleset.ts';
import type { NamespaceInfo } from '../policy/cluster.ts';
import { podSetKey } from '../policy/model.ts';
import type { Direction, Policy } from '../policy/model.ts';
import { CountedSet } from './counted-set.ts';
import { LabelIndex } from './label-index.ts';
import type { LocalEndpoint } from './model.ts';
import type { PodTable } from './pod-table.ts';
import type { PolicyChains } from './policy-chains.ts';

/** A wired pod interface and the policies that select its pod. */
interface Wired {
  readonly endpoint: LocalEndpoint;
  readonly subjects: Set<Subject>;
  /** The group chain per direction; absent when no policy applies. */
  readonly groups: Map<Direction, string>;
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
  readonly #index = new LabelIndex<Wired>();
  readonly #policies = new Map<string, Policy>();
  readonly #subjects = new Map<string, Subject>();
  readonly #wired = new Map<string, Wired>();
  readonly #wiredByPod = new Map<string, Set<Wired>>();
  readonly #idByInterface = new Map<ElementKey, string>();
  readonly #dirty = new Set<Wired>();

  constructor(ruleset: TrackedRuleset, pods: PodTable, chains: PolicyChains, families: readonly Family[]) {
    this.#ruleset = ruleset;
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

  setPolicy(key: string, policy: Policy | undefined): void {
    const before = this.#policies.get(key);
    if (policy === undefined) this.#policies.delete(key);
    else this.#policies.set(key, policy);
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

  /** The local endpoint behind an interface key. */
  endpointAt(interfaceKey: ElementKey): string | undefined {
    return this.#idByInterface.get(interfaceKey);
  }

  /** Brings the verdict maps up to date with everything heard since the last call. */
  settle(): void {
    for (const wired of this.#dirty) {
      this.#settleDirection(wired, 'ingress');
      this.#settleDirection(wired, 'egress');
    }
    this.#dirty.clear();
  }

  #settleDirection(wired: Wired, direction: Direction): void {
    const { endpoint, groups } = wired;
    const interfaceKey = ifnameKey(endpoint.interface);
    const before = groups.get(direction);
    const policies = this.#isOpenable(wired) ? this.#policiesOf(wired, direction) : undefined;
    const after =
      policies === undefined || policies.length === 0 ? undefined : this.#chains.join(endpoint.id, direction, policies);
    if (after !== undefined) groups.set(direction, after);
    else groups.delete(direction);
    const verdict = policies === undefined ? 'drop' : after === undefined ? 'accept' : `goto ${after}`;
    this.#ruleset.put(SETS[direction], interfaceKey, verdict);
    if (before !== undefined && before !== after) this.#chains.leave(endpoint.id, before);
  }

  /** An interface whose pod is not known, or has ended, stays closed. */
  #isOpenable({ endpoint }: Wired): boolean {
    const pod = this.#pods.get(endpoint.pod);
    return pod !== undefined && !pod.completed && !pod.hostNetwork;
  }

  #policiesOf(wired: Wired, direction: Direction): Policy[] {
    const policies: Policy[] = [];
    for (const subject of wired.subjects)
      for (const policy of subject.policies.values()) if (policy.applies[direction]) policies.push(policy);
    return policies.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  #wire(endpoint: LocalEndpoint): void {
    const wired: Wired = { endpoint, subjects: new Set(), groups: new Map() };
    this.#wired.set(endpoint.id, wired);
    this.#idByInterface.set(ifnameKey(endpoint.interface), endpoint.id);
    const siblings = this.#wiredByPod.get(endpoint.pod) ?? new Set<Wired>();
    this.#wiredByPod.set(endpoint.pod, siblings.add(wired));
    this.#eachAddress(endpoint, (set, key) => set.claim(key));
    this.#classify(wired);
  }

  #unwire(wired: Wired): void {
    const { endpoint } = wired;
    this.#wired.delete(endpoint.id);
    this.#idByInterface.delete(ifnameKey(endpoint.interface));
    const siblings = this.#wiredByPod.get(endpoint.pod);
    siblings?.delete(wired);
    if (siblings?.size === 0) this.#wiredByPod.delete(endpoint.pod);
    this.#eachAddress(endpoint, (set, key) => set.release(key));
    this.#index.unassign(wired);
    this.#dirty.delete(wired);
    for (const group of wired.groups.values()) this.#chains.leave(endpoint.id, group);
    for (const map of [SETS.ingress, SETS.egress]) this.#ruleset.remove(map, ifnameKey(endpoint.interface));
  }

  #classify(wired: Wired): void {
    const pod = this.#pods.get(wired.endpoint.pod);
    if (pod === undefined || pod.completed || pod.hostNetwork) this.#index.unassign(wired);
    else this.#index.assign(wired, pod.namespace, pod.labels);
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
    if (before?.applies.ingress === policy.applies.ingress && before.applies.egress === policy.applies.egress) return;
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
