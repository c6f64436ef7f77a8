import { DEFAULT_ALLOW, withProfileLabels } from '../policy/cluster-state.ts';
import type { HostEndpointInfo, ProfileInfo } from '../policy/cluster.ts';
import { put } from './address-sets.ts';
import type { HostFilter } from './host-filter.ts';
import type { RangeSets } from './range-sets.ts';

/** Host endpoints and profiles: all of them are peers, this node's are filtered. */
export class HostEndpoints {
  readonly #node: string;
  readonly #ranges: RangeSets;
  readonly #filter: HostFilter;
  readonly #hosts = new Map<string, HostEndpointInfo>();
  readonly #profiles = new Map([[DEFAULT_ALLOW.name, DEFAULT_ALLOW]]);
  readonly #changed = new Set<string>();
  #dirty = false;

  constructor(node: string, ranges: RangeSets, filter: HostFilter) {
    this.#node = node;
    this.#ranges = ranges;
    this.#filter = filter;
  }

  setHost(key: string, host: HostEndpointInfo | undefined): void {
    put(this.#hosts, key, host);
    this.#changed.add(key);
    this.#dirty = true;
  }

  setProfile(name: string, profile: ProfileInfo | undefined): void {
    put(this.#profiles, name, profile ?? (name === DEFAULT_ALLOW.name ? DEFAULT_ALLOW : undefined));
    for (const [key, { profiles }] of this.#hosts) if (profiles.includes(name)) this.#changed.add(key);
    this.#dirty = true;
  }

  /** Hands on what has changed, with the labels that profiles give. */
  settle(): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    const labelled = withProfileLabels(this.#hosts, this.#profiles);
    for (const key of this.#changed) this.#ranges.setHostEndpoint(key, labelled.get(key));
    this.#changed.clear();
    const own = [...labelled.values()].filter((host) => host.node === this.#node);
    this.#filter.setHosts(
      own.sort((a, b) => (a.name < b.name ? -1 : 1)),
      this.#profiles,
    );
  }
}
