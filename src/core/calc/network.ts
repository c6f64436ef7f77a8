import { intervalSet, rangeOf } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import { baseChains, baseSets } from '../nft/base-chains.ts';
import { intervalKeys } from '../nft/compile-policy.ts';
import { SETS } from '../nft/names.ts';
import type { TrackedRuleset } from '../nft/tracked-ruleset.ts';
import type { NodeEndpoint } from '../policy/cluster.ts';
import type { PoolSpec } from './model.ts';

/** Fixed facts of the node that the base chains need. */
export interface NetworkOptions {
  readonly families: readonly Family[];
  readonly tunnelInterface: string;
}

/** The part of the ruleset that does not depend on pods: base chains, pools and the node's own tunnel addresses. */
export class Network {
  readonly #ruleset: TrackedRuleset;
  readonly #options: NetworkOptions;
  readonly #pools = new Map<string, PoolSpec>();

  constructor(ruleset: TrackedRuleset, options: NetworkOptions) {
    this.#ruleset = ruleset;
    this.#options = options;
    for (const spec of baseSets(options.families)) ruleset.addSet(spec);
    this.setOwnNode(undefined);
  }

  /** The node that this ruleset is for, as far as it is known. */
  setOwnNode(node: NodeEndpoint | undefined): void {
    const { families, tunnelInterface } = this.#options;
    const chains = baseChains({ families, tunnelInterface, tunnelAddresses: node?.tunnelAddresses ?? [] });
    for (const chain of chains) this.#ruleset.setChain(chain);
  }

  setPool(name: string, pool: PoolSpec | undefined): void {
    if (pool === undefined) this.#pools.delete(name);
    else this.#pools.set(name, pool);
    for (const family of this.#options.families) {
      const pools = [...this.#pools.values()].filter((each) => each.cidr.ip.family === family);
      this.#fill(SETS.pools(family), family, pools);
      this.#fill(
        SETS.natPools(family),
        family,
        pools.filter((each) => each.natOutgoing),
      );
    }
  }

  #fill(name: string, family: Family, pools: readonly PoolSpec[]): void {
    const ranges = intervalSet(pools.map((pool) => rangeOf(pool.cidr)));
    this.#ruleset.replaceElements(name, new Map(intervalKeys(family, ranges).map((key) => [key, ''])));
  }
}
