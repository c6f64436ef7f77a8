import { CHAINS } from '../nft/names.ts';
import { endpointToHostChain, ownNodeChain } from '../nft/own-node.ts';
import type { Family } from '../../base/ip/index.ts';
import type { Chain } from '../nft/model.ts';
import type { PodInterfaces } from '../nft/statements.ts';
import type { TrackedRuleset } from '../nft/tracked-ruleset.ts';
import { DEFAULT_SETTINGS } from '../policy/calico/settings.ts';
import type { PolicySettings } from '../policy/cluster.ts';

/** The base chains for what local pods send to this node itself; clusters that do not judge it have none. */
export class OwnNode {
  readonly #ruleset: TrackedRuleset;
  readonly #pods: PodInterfaces;
  readonly #shared: readonly Family[];
  readonly #balanced: boolean;
  #settings: PolicySettings = DEFAULT_SETTINGS;

  /** `shared`: the families in which several pods may send through one interface; `balanced`: IPVS is on this node. */
  constructor(ruleset: TrackedRuleset, pods: PodInterfaces, shared: readonly Family[], balanced: boolean) {
    this.#ruleset = ruleset;
    this.#pods = pods;
    this.#shared = shared;
    this.#balanced = balanced;
  }

  setSettings(settings: PolicySettings | undefined): void {
    this.#settings = settings ?? DEFAULT_SETTINGS;
  }

  /** `judged`: whether some local pod has policies that are asked about this node. */
  settle(judged: boolean): void {
    this.#want(CHAINS.ownNode, judged, () => ownNodeChain(this.#pods, this.#shared, this.#balanced));
    this.#want(CHAINS.endpointToHost, this.#settings.endpointToHost === 'drop', () =>
      endpointToHostChain(this.#pods, this.#balanced),
    );
  }

  #want(name: string, wanted: boolean, make: () => Chain): void {
    if (this.#ruleset.chains.has(name) === wanted) return;
    if (wanted) this.#ruleset.setChain(make());
    else this.#ruleset.deleteChain(name);
  }
}
