import type { Ip } from '../../base/ip/index.ts';
import type { Delta } from '../../core/calc/model.ts';
import type { PodEndpoint } from '../../core/policy/cluster.ts';
import type { PodInterface } from './pod-interface.ts';

export interface DiscoveredPodsDependencies {
  readonly node: string;
  readonly pods: () => ReadonlyMap<string, PodEndpoint>;
  /** Whether a plugin of ours has told of the pod, `namespace/name`. */
  readonly isAttached: (pod: string) => boolean;
  readonly locate: (addresses: readonly Ip[]) => PodInterface | string;
  readonly apply: (delta: Delta) => void;
  /** A pod, `namespace/name`, is not under its policies, or not wholly. */
  readonly onProblem: (pod: string, problem: string) => void;
}

interface Discovered extends PodInterface {
  readonly addresses: readonly Ip[];
}

/**
 * Pods of this node of which no CNI request tells: they were there before Sluice, or its plugin is not in their chain.
 * They come under policy as soon as their object shows an address, and only as far as the node can tell where they are.
 */
export class DiscoveredPods {
  readonly #dependencies: DiscoveredPodsDependencies;
  readonly #found = new Map<string, Discovered>();
  readonly #problems = new Map<string, string>();

  constructor(dependencies: DiscoveredPodsDependencies) {
    this.#dependencies = dependencies;
  }

  /** By `namespace/name`. */
  get found(): ReadonlyMap<string, Discovered> {
    return this.#found;
  }

  /** Pods whose policy is not enforced, and why. */
  get problems(): ReadonlyMap<string, string> {
    return this.#problems;
  }

  /** Addresses of a pod by the id of its endpoint; none when it is no endpoint of these. */
  addressesOf(id: string): readonly Ip[] {
    return this.#found.get(id.slice(PREFIX.length))?.addresses ?? [];
  }

  /** Looks at every pod anew: interfaces may have come or gone. */
  update(): void {
    const { pods } = this.#dependencies;
    for (const key of this.#found.keys()) if (!pods().has(key)) this.podChanged(key);
    for (const key of pods().keys()) this.podChanged(key);
  }

  podChanged(key: string, pod = this.#dependencies.pods().get(key)): void {
    const { node, isAttached, locate } = this.#dependencies;
    if (pod === undefined || pod.node !== node || pod.hostNetwork || pod.completed || isAttached(key)) {
      this.#problems.delete(key);
      return this.#set(key, undefined);
    }
    if (pod.addresses.length === 0) return;
    const place = locate(pod.addresses);
    if (typeof place === 'string') return this.#report(key, place);
    if (place.problem === undefined) this.#problems.delete(key);
    else this.#report(key, place.problem);
    this.#set(key, { ...place, addresses: pod.addresses });
  }

  /** For a new calculation. */
  *snapshot(): Generator<Delta> {
    for (const [key, value] of this.#found) yield deltaOf(key, value);
  }

  /** What is known of it stays in force: an interface that cannot be found for a moment is no reason to open it. */
  #report(key: string, problem: string): void {
    if (this.#problems.get(key) === problem) return;
    this.#problems.set(key, problem);
    this.#dependencies.onProblem(key, problem);
  }

  #set(key: string, now: Discovered | undefined): void {
    const before = this.#found.get(key);
    if (textOf(before) === textOf(now)) return;
    if (now === undefined) this.#found.delete(key);
    else this.#found.set(key, now);
    this.#dependencies.apply(deltaOf(key, now));
  }
}

/** No handle of an attachment begins so. */
const PREFIX = 'pod ';

function deltaOf(key: string, found: Discovered | undefined): Delta {
  const id = `${PREFIX}${key}`;
  if (found === undefined) return { kind: 'local-endpoint', key: id };
  const { name, shared, addresses } = found;
  return { kind: 'local-endpoint', key: id, value: { id, interface: name, shared, pod: key, addresses } };
}

function textOf(found: Discovered | undefined): string {
  return found === undefined
    ? ''
    : `${found.name} ${found.shared} ${found.addresses.map(({ value }) => String(value)).join()}`;
}
