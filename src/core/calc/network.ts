import { intervalSet, rangeOf } from '../../base/ip/index.ts';
import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import { baseChains, policyOnlyChains } from '../nft/base-chains.ts';
import type { BaseOptions } from '../nft/base-options.ts';
import { balancedSets, baseSets, policyOnlySets } from '../nft/base-sets.ts';
import { intervalKeys } from '../nft/condition-matches.ts';
import { addressKey } from '../nft/key.ts';
import { CHAINS, SETS } from '../nft/names.ts';
import { DEFAULT_OVERLAY } from '../nft/overlay.ts';
import type { TunnelSpec } from '../nft/overlay.ts';
import type { TrackedRuleset } from '../nft/tracked-ruleset.ts';
import type { NodeEndpoint, PolicySettings } from '../policy/cluster.ts';
import type { PeerSpec, PoolSpec, TunnelsSpec } from './model.ts';
import { Peers } from './peers.ts';

/** Fixed facts of the node that the base chains need. */
export interface NetworkOptions {
  readonly families: readonly Family[];
  readonly tunnelInterface: string;
  /** Another network does all but policy. */
  readonly policyOnly: boolean;
  /** IPVS spreads connections of Services. */
  readonly balanced: boolean;
}

/** Base chains that exist while something needs them. */
const OCCASIONAL = [CHAINS.rawElsewhere, CHAINS.rawOutput];

/** The part of the ruleset that does not depend on pods: base chains, pools and the node's own tunnel addresses. */
export class Network {
  readonly #ruleset: TrackedRuleset;
  readonly #options: NetworkOptions;
  readonly #pools = new Map<string, PoolSpec>();
  readonly #peers: Peers;
  #tunnels: TunnelsSpec | undefined;
  #settings: Pick<BaseOptions, 'plainToNodes' | 'strayServicePackets'> = settingsOf(undefined);
  /** Of the own node, by its object: enough where nobody tells of tunnels. */
  #tunnelAddresses: readonly Ip[] = [];

  constructor(ruleset: TrackedRuleset, options: NetworkOptions) {
    this.#ruleset = ruleset;
    this.#options = options;
    this.#peers = new Peers(ruleset, options.families);
    for (const spec of baseSets(options.families)) ruleset.addSet(spec);
    if (options.balanced) for (const spec of balancedSets(options.families)) ruleset.addSet(spec);
    if (options.policyOnly) for (const spec of policyOnlySets(options.families)) ruleset.addSet(spec);
    this.#setChains();
  }

  /** All nodes, this one among them. */
  setNodes(nodes: Iterable<NodeEndpoint>): void {
    const addresses = [...nodes].flatMap((node) => [...node.addresses, ...node.tunnelAddresses]);
    for (const family of this.#options.families) {
      const keys = addresses.filter((ip) => ip.family === family).map(addressKey);
      this.#ruleset.replaceElements(SETS.nodes(family), new Map(keys.map((key) => [key, ''])));
    }
  }

  /** The node that this ruleset is for, as far as it is known. */
  setOwnNode(node: NodeEndpoint | undefined): void {
    this.#tunnelAddresses = node?.tunnelAddresses ?? [];
    this.#setChains();
  }

  /** Undefined: VXLAN, as the own node has it. */
  setTunnels(tunnels: TunnelsSpec | undefined): void {
    this.#tunnels = tunnels;
    this.#setChains();
  }

  setSettings(settings: PolicySettings | undefined): void {
    const { plainToNodes, strayServicePackets } = settingsOf(settings);
    const before = this.#settings;
    if (plainToNodes === before.plainToNodes && strayServicePackets === before.strayServicePackets) return;
    this.#settings = { plainToNodes, strayServicePackets };
    this.#setChains();
  }

  /** Addresses of Services that the world outside brings to this node. */
  setAdvertised(cidrs: readonly Cidr[]): void {
    for (const family of this.#options.families) this.#fill(SETS.advertised(family), family, cidrs);
  }

  setPeer(node: string, peer: PeerSpec | undefined): void {
    const hadPeers = this.#peers.size > 0;
    this.#peers.set(node, peer);
    if (hadPeers !== this.#peers.size > 0) this.#setChains();
  }

  #setChains(): void {
    const { families, balanced } = this.#options;
    const { devices, barred } = this.#tunnels ?? { devices: [this.#usualTunnel()], barred: [] };
    const returnPaths = this.#peers.size > 0;
    const options = { families, tunnels: devices, barred, returnPaths, balanced, ...this.#settings };
    const chains = this.#options.policyOnly ? policyOnlyChains(options) : baseChains(options);
    for (const chain of chains) this.#ruleset.setChain(chain);
    const names = new Set(chains.map(({ name }) => name));
    for (const name of OCCASIONAL) if (!names.has(name)) this.#ruleset.deleteChain(name);
  }

  #usualTunnel(): TunnelSpec {
    const addresses = this.#tunnelAddresses;
    return { interface: this.#options.tunnelInterface, addresses, outer: DEFAULT_OVERLAY, oneWay: true };
  }

  setPool(name: string, pool: PoolSpec | undefined): void {
    if (pool === undefined) this.#pools.delete(name);
    else this.#pools.set(name, pool);
    for (const family of this.#options.families) {
      const pools = [...this.#pools.values()];
      const masqueraded = pools.filter((each) => each.natOutgoing);
      this.#fill(SETS.pools(family), family, cidrsOf(pools));
      this.#fill(SETS.natPools(family), family, cidrsOf(masqueraded));
    }
  }

  #fill(name: string, family: Family, cidrs: readonly Cidr[]): void {
    const ranges = intervalSet(cidrs.filter(({ ip }) => ip.family === family).map(rangeOf));
    this.#ruleset.replaceElements(name, new Map(intervalKeys(family, ranges).map((key) => [key, ''])));
  }
}

function settingsOf(settings: PolicySettings | undefined) {
  const { plainToNodes = false, strayServicePackets = 'drop' } = settings ?? {};
  return { plainToNodes, strayServicePackets } as const;
}

function cidrsOf(pools: readonly PoolSpec[]): readonly Cidr[] {
  return pools.map(({ cidr }) => cidr);
}
