import type { Labels } from '../kube/labels.ts';
import { addressKey } from '../nft/key.ts';
import type { ElementKey } from '../nft/model.ts';
import type { NamedPort, NamespaceInfo, PodEndpoint } from '../policy/cluster.ts';
import { LabelIndex } from './label-index.ts';
import type { LocalEndpoint } from './model.ts';

/** A pod on the pod network that may send and receive now. */
export interface PodEntry {
  readonly key: string;
  /** Of both families; 8 or 32 hex digits tell which. */
  readonly addresses: readonly ElementKey[];
  readonly ports: readonly NamedPort[];
}

/** Hears of pods with their named ports. */
export interface PodListener {
  enter(pod: PodEntry): void;
  leave(pod: PodEntry): void;
}

/**
 * The pods that packets can come from or go to: neither completed nor hostNetwork. A pod's addresses are those of its
 * status and those that CNI has given it here, which are known earlier.
 */
export class PodTable {
  /** Pods by labels: peers of policies are watched here. */
  readonly index = new LabelIndex<PodEntry>();
  readonly #pods = new Map<string, PodEndpoint>();
  readonly #entries = new Map<string, PodEntry>();
  readonly #local = new Map<string, Map<string, LocalEndpoint>>();
  readonly #listeners = new Set<PodListener>();

  get(key: string): PodEndpoint | undefined {
    return this.#pods.get(key);
  }

  setPod(key: string, pod: PodEndpoint | undefined): void {
    if (pod === undefined) this.#pods.delete(key);
    else this.#pods.set(key, pod);
    this.#update(key);
  }

  setNamespace(name: string, info: NamespaceInfo | undefined): void {
    this.index.setNamespace(name, info?.labels);
  }

  setServiceAccount(namespace: string, name: string, labels: Labels | undefined): void {
    this.index.setServiceAccount(namespace, name, labels);
  }

  setLocal(before: LocalEndpoint | undefined, after: LocalEndpoint | undefined): void {
    if (before !== undefined) this.#local.get(before.pod)?.delete(before.id);
    if (after !== undefined) {
      const endpoints = this.#local.get(after.pod) ?? new Map<string, LocalEndpoint>();
      this.#local.set(after.pod, endpoints.set(after.id, after));
    }
    if (before !== undefined && this.#local.get(before.pod)?.size === 0) this.#local.delete(before.pod);
    if (before !== undefined) this.#update(before.pod);
    if (after !== undefined && after.pod !== before?.pod) this.#update(after.pod);
  }

  /** Begins to listen; the present pods enter before this returns. */
  listen(listener: PodListener): void {
    this.#listeners.add(listener);
    for (const entry of this.#entries.values()) listener.enter(entry);
  }

  unlisten(listener: PodListener): void {
    this.#listeners.delete(listener);
  }

  #update(key: string): void {
    const pod = this.#pods.get(key);
    const before = this.#entries.get(key);
    if (pod === undefined || pod.completed || pod.hostNetwork) {
      if (before !== undefined) this.#remove(before);
      return;
    }
    const addresses = this.#addressesOf(pod);
    if (before !== undefined && sameList(before.addresses, addresses) && samePorts(before.ports, pod.ports)) {
      this.index.assign(before, pod);
      return;
    }
    if (before !== undefined) this.#remove(before);
    const entry: PodEntry = { key, addresses, ports: pod.ports };
    this.#entries.set(key, entry);
    this.index.assign(entry, pod);
    for (const listener of this.#listeners) listener.enter(entry);
  }

  #remove(entry: PodEntry): void {
    this.#entries.delete(entry.key);
    this.index.unassign(entry);
    for (const listener of this.#listeners) listener.leave(entry);
  }

  #addressesOf(pod: PodEndpoint): ElementKey[] {
    const keys = new Set(pod.addresses.map(addressKey));
    for (const endpoint of this.#local.get(pod.key)?.values() ?? [])
      for (const ip of endpoint.addresses) keys.add(addressKey(ip));
    return [...keys];
  }
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, i) => each === b[i]);
}

function samePorts(a: readonly NamedPort[], b: readonly NamedPort[]): boolean {
  if (a === b) return true;
  return (
    a.length === b.length &&
    a.every((x, i) => x.name === b[i]!.name && x.port === b[i]!.port && x.protocol === b[i]!.protocol)
  );
}
