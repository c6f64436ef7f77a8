import { contains, intervalSet, rangeOf } from '../../base/ip/index.ts';
import type { Family, IntervalSet, Ip } from '../../base/ip/index.ts';
import type { ClusterState, NodeEndpoint, PodEndpoint } from '../policy/index.ts';
import { FAMILIES } from './catalogue.ts';

/** A node whose first address the connections of some pod or other address there bear outside of all pools, and over which families. */
export interface Disguise {
  readonly node: NodeEndpoint;
  readonly families: readonly Family[];
}

/**
 * The pods that are taken for their node by whoever is asked outside of all pools: those of pools with `natOutgoing`; and
 * nodes that send from an address in such a pool. Pods whose address or node is not known are themselves everywhere.
 */
export class Disguises {
  /** Nodes with pods outside of every pool, which their neighbours reach undisguised. */
  readonly strayNodes: ReadonlySet<string>;
  readonly #state: ClusterState;
  readonly #pools: Readonly<Record<Family, IntervalSet>>;
  readonly #masquerading: Readonly<Record<Family, IntervalSet>>;

  private constructor(state: ClusterState) {
    const pools = [...state.pools.values()];
    const within = (family: Family, wanted: typeof pools) =>
      intervalSet(wanted.flatMap(({ cidr }) => (cidr.ip.family === family ? [rangeOf(cidr)] : [])));
    const masquerading = pools.filter(({ natOutgoing }) => natOutgoing);
    this.#state = state;
    this.#pools = { 4: within(4, pools), 6: within(6, pools) };
    this.#masquerading = { 4: within(4, masquerading), 6: within(6, masquerading) };
    const strays = [...state.pods.values()].filter((pod) => !pod.hostNetwork && !pod.addresses.every(this.isPooled));
    this.strayNodes = new Set(strays.flatMap(({ node }) => node ?? []));
  }

  /** Undefined where no policy can notice. */
  static of(state: ClusterState): Disguises | undefined {
    if (![...state.pools.values()].some(({ natOutgoing }) => natOutgoing)) return undefined;
    const disguises = new Disguises(state);
    return disguises.strayNodes.size > 0 || state.hostEndpoints.size > 0 ? disguises : undefined;
  }

  /** Whether the address is in some pool. */
  readonly isPooled = (ip: Ip): boolean => contains(this.#pools[ip.family], ip.value);

  /** Of a node by a further address, which it then bears no more. */
  ofNode(node: NodeEndpoint, ip: Ip): Disguise | undefined {
    if (this.#state.nodes.get(node.name) !== node || !contains(this.#masquerading[ip.family], ip.value))
      return undefined;
    return { node, families: [ip.family] };
  }

  /** The pod's disguise, by its first address of each family; undefined when it has none. */
  of({ node: name, addresses }: PodEndpoint): Disguise | undefined {
    const node = name === undefined ? undefined : this.#state.nodes.get(name);
    if (node === undefined) return undefined;
    const families = FAMILIES.filter((family) => {
      const ip = addresses.find((each) => each.family === family);
      return ip !== undefined && contains(this.#masquerading[family], ip.value);
    });
    return families.length === 0 ? undefined : { node, families };
  }
}
