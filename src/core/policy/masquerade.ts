import { cidrContains, contains, equalIp, intervalSet, rangeOf } from '../../base/ip/index.ts';
import type { Family, IntervalSet, Ip } from '../../base/ip/index.ts';
import { primaryAddress } from './blocks.ts';
import type { ClusterState, PodEndpoint, PoolInfo } from './cluster.ts';
import type { Party } from './flow.ts';

/**
 * Source address translation on the way out: what a pod of a pool with `natOutgoing` sends to an address of no pool takes
 * the address of the pod's node when it leaves that node, after the pod's own policies were asked. Whoever is asked at the
 * destination sees the node. The same becomes of what a node sends from an address in such a pool, its tunnel's. A pod
 * whose address or node is not known is taken to keep its address.
 */
export class Masquerade {
  readonly #state: ClusterState;
  readonly #pools: Readonly<Record<Family, IntervalSet>>;
  readonly #masqueraded: Readonly<Record<Family, IntervalSet>>;
  /** Whether some pod has an address outside of all pools, so that other pods reach it masqueraded. */
  readonly #hasStrays: boolean;

  private constructor(state: ClusterState, pools: readonly PoolInfo[]) {
    this.#state = state;
    this.#pools = rangesOf(pools);
    this.#masqueraded = rangesOf(pools.filter(({ natOutgoing }) => natOutgoing));
    this.#hasStrays = [...state.pods.values()].some((pod) => this.#isStray(pod));
  }

  /** Undefined where nobody who is asked would see the difference. */
  static of(state: ClusterState): Masquerade | undefined {
    const pools = [...state.pools.values()];
    if (!pools.some(({ natOutgoing }) => natOutgoing)) return undefined;
    const masquerade = new Masquerade(state, pools);
    return masquerade.#hasStrays || state.hostEndpoints.size > 0 ? masquerade : undefined;
  }

  /** The source's node, by its first address of the family, when the destination sees that instead of the source. */
  arrivesAs(source: Party, destination: Party): Extract<Party, { kind: 'node' }> | undefined {
    if (source.kind === 'outside' || destination.kind === 'outside') return undefined;
    if (destination.kind === 'pod' ? !this.#hasStrays : this.#state.settings.plainToNodes === true) return undefined;
    const { ip } = source;
    const name = nodeOf(source);
    if (ip === undefined || destination.ip === undefined || name === undefined || name === nodeOf(destination))
      return undefined;
    if (!isIn(this.#masqueraded, ip) || isIn(this.#pools, destination.ip)) return undefined;
    const node = this.#state.nodes.get(name);
    if (node === undefined) return undefined;
    const own = primaryAddress(node, ip.family);
    const isOwn = own !== undefined && equalIp(own, ip);
    return isOwn ? undefined : { kind: 'node', node, ip: own };
  }

  #isStray({ hostNetwork, addresses }: PodEndpoint): boolean {
    return !hostNetwork && addresses.some((ip) => !isIn(this.#pools, ip));
  }
}

/** Whether the address is of none of the pools, if these are known: a node leads connections there as its own only. */
export function isForeign({ pools }: ClusterState, ip: Ip | undefined): boolean {
  return ip !== undefined && pools.size > 0 && ![...pools.values()].some(({ cidr }) => cidrContains(cidr, ip));
}

function nodeOf(party: Exclude<Party, { kind: 'outside' }>): string | undefined {
  return party.kind === 'pod' ? party.pod.node : party.node.name;
}

function isIn(ranges: Readonly<Record<Family, IntervalSet>>, ip: Ip): boolean {
  return contains(ranges[ip.family], ip.value);
}

function rangesOf(pools: readonly PoolInfo[]): Readonly<Record<Family, IntervalSet>> {
  const of = (family: Family) =>
    intervalSet(pools.filter(({ cidr }) => cidr.ip.family === family).map(({ cidr }) => rangeOf(cidr)));
  return { 4: of(4), 6: of(6) };
}
