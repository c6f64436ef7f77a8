import { CHAINS } from '../nft/names.ts';
import { endpointToHostChain, ownNodeChain } from '../nft/own-node.ts';
import type { TrackedRuleset } from '../nft/tracked-ruleset.ts';
import { DEFAULT_SETTINGS } from '../policy/calico/settings.ts';
import type { PolicySettings } from '../policy/cluster.ts';

/** The base chains for what local pods send to this node itself; clusters that do not judge it have none. */
export class OwnNode {
  readonly #ruleset: TrackedRuleset;
  #settings: PolicySettings = DEFAULT_SETTINGS;

  constructor(ruleset: TrackedRuleset) {
    this.#ruleset = ruleset;
  }

  setSettings(settings: PolicySettings | undefined): void {
    this.#settings = settings ?? DEFAULT_SETTINGS;
  }

  /** `judged`: whether some local pod has policies that are asked about this node. */
  settle(judged: boolean): void {
    this.#want(CHAINS.ownNode, judged, ownNodeChain);
    this.#want(CHAINS.endpointToHost, this.#settings.endpointToHost === 'drop', endpointToHostChain);
  }

  #want(name: string, wanted: boolean, make: typeof ownNodeChain): void {
    if (this.#ruleset.chains.has(name) === wanted) return;
    if (wanted) this.#ruleset.setChain(make());
    else this.#ruleset.deleteChain(name);
  }
}
