import { contains, intervalSet, rangeOf } from '../../base/ip/index.ts';
import type { Family, IntervalSet, Ip } from '../../base/ip/index.ts';
import { primaryAddress } from './blocks.ts';
import type { ClusterState, PodEndpoint, PoolInfo } from './cluster.ts';
import type { Party } from './flow.ts';

/**
 * Source address translation on the way out: what a pod of a pool with `natOutgoing` sends to an address of no pool takes
 * the address of the pod's node when it leaves that node, after the pod's own policies were asked. Whoever is asked at the
 * destination sees the node. A pod whose address or node is not known is taken to keep its address.
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

  /** The pod's node, by its first address of the family, when the destination sees that instead of the source. */
  arrivesAs(source: Party, destination: Party): Extract<Party, { kind: 'node' }> | undefined {
    if (source.kind !== 'pod' || destination.kind === 'outside') return undefined;
    if (destination.kind === 'pod' && !this.#hasStrays) return undefined;
    const { pod, ip } = source;
    const other = destination.kind === 'pod' ? destination.pod.node : destination.node.name;
    if (ip === undefined || destination.ip === undefined || pod.node === undefined || other === pod.node)
      return undefined;
    if (!isIn(this.#masqueraded, ip) || isIn(this.#pools, destination.ip)) return undefined;
    const node = this.#state.nodes.get(pod.node);
    return node === undefined ? undefined : { kind: 'node', node, ip: primaryAddress(node, ip.family) };
  }

  #isStray({ hostNetwork, addresses }: PodEndpoint): boolean {
    return !hostNetwork && addresses.some((ip) => !isIn(this.#pools, ip));
  }
}

function isIn(ranges: Readonly<Record<Family, IntervalSet>>, ip: Ip): boolean {
  return contains(ranges[ip.family], ip.value);
}

function rangesOf(pools: readonly PoolInfo[]): Readonly<Record<Family, IntervalSet>> {
  const of = (family: Family) =>
    intervalSet(pools.filter(({ cidr }) => cidr.ip.family === family).map(({ cidr }) => rangeOf(cidr)));
  return { 4: of(4), 6: of(6) };
}
