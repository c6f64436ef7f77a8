import { SluiceError } from '../../base/errors.ts';
import type { Cidr, Family } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import { tunnelsOf } from '../../core/routing/index.ts';
import type { RoutingPool } from '../../core/routing/index.ts';
import { createMissingPools } from '../../host/ipam-store/create-missing-pools.ts';
import { pause } from '../../host/kube-client/pause.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import type { ClusterFeed, KnownPool } from './cluster-feed.ts';
import type { NodeAddresses } from './node-addresses.ts';
import type { AgentOptions } from './options.ts';
import { reservedRanges } from './reserved-ranges.ts';
import type { KnownNode } from './routing-objects.ts';

interface NodePoolsDependencies {
  readonly client: KubeClient;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly cluster: () => Pick<ClusterFeed, 'nodes' | 'blocks' | 'pools'>;
  readonly addresses: NodeAddresses;
  /** Where all addresses of the node have to be, if they have to be somewhere. May throw while that is not known. */
  readonly subnets?: (known: KnownNode) => readonly Cidr[] | undefined;
  /** What pods are not to be given, whatever the pools say. */
  readonly keptFree: () => readonly Cidr[];
  /** Hears that the node has the addresses that its pools ask for. */
  readonly opened: (known: KnownNode) => Promise<void>;
}

/** How long the watch may take to tell of a pool that was created, milliseconds, before it is looked at anew. */
const POOL_PATIENCE = 2000;

/** The cluster's address pools, and what this node has to have because of them. */
export class NodePools {
  readonly #options: AgentOptions;
  readonly #deps: NodePoolsDependencies;
  /** Families that this node had blocks and its own addresses of when it last looked. */
  #openFamilies: readonly Family[] = [];
  #change = Promise.withResolvers<void>();

  constructor(options: AgentOptions, dependencies: NodePoolsDependencies) {
    this.#options = options;
    this.#deps = dependencies;
  }

  /** Families in which pods get addresses. */
  get families(): readonly Family[] {
    return familiesOf(this.#known.filter(({ disabled }) => !disabled));
  }

  /** Families in which pods may have addresses: a pool that gives out no more has not taken back those that it gave. */
  get held(): readonly Family[] {
    return familiesOf(this.#known);
  }

  get routing(): readonly RoutingPool[] {
    const pools = this.#known.flatMap(({ routing }) => routing ?? []);
    // A flannel network has one way for all.
    return this.#options.flannel === undefined
      ? pools
      : pools.map((pool) => ({ ...pool, vxlanMode: 'Never', ipipMode: 'Never' }));
  }

  get #known(): readonly KnownPool[] {
    return [...this.#deps.cluster().pools.items.values()];
  }

  /** The pools are others than they were. */
  changed(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  /** A new cluster has no pools; resolves when this agent knows one of each family that it is to have. */
  async ensure(): Promise<void> {
    const { defaultPools = [] } = this.#options;
    const { client, signal } = this.#deps;
    const changed = this.#change.promise;
    if (!(await createMissingPools(defaultPools, new Set(this.held), client))) return;
    await Promise.race([changed, pause(POOL_PATIENCE, signal)]);
    return this.ensure();
  }

  /** Takes the addresses of tunnels and the blocks that the pools ask for. */
  async open(): Promise<void> {
    const { node, backend } = this.#options;
    const { cluster, addresses, log, subnets, opened } = this.#deps;
    const { nodes, blocks } = cluster();
    const known = nodes.items.get(node);
    if (known === undefined) throw new SluiceError('no-node', `the cluster has no node ${node} yet`);
    const { families } = this;
    if (families.length === 0) log.warn('all address pools are disabled: new pods get no address');
    await addresses.open({
      node,
      nodeLabels: () => nodes.items.get(node)?.endpoint.labels ?? known.endpoint.labels,
      reserved: () => [...reservedRanges(node, nodes.items, blocks.items.values()), ...this.#deps.keptFree()],
      subnets: subnets?.(known),
      families,
      held: this.held,
      pools: this.routing,
      backend,
    });
    this.#openFamilies = families;
    await opened(known);
  }

  /** Whether there is a first pool of a family, a first that is enabled, or a first that asks for a kind of tunnel. Says so once of a family. */
  askForMore(): boolean {
    const added = this.families.filter((family) => !this.#openFamilies.includes(family));
    this.#openFamilies = [...this.#openFamilies, ...added];
    return added.length > 0 || this.#lacksTunnelAddress();
  }

  #lacksTunnelAddress(): boolean {
    const { tunnels } = this.#deps.addresses;
    return this.families.some((family) =>
      [...tunnelsOf(this.routing, this.#options.backend, family)].some(
        (kind) => tunnels[kind]?.some((ip) => ip.family === family) !== true,
      ),
    );
  }
}

function familiesOf(pools: Iterable<KnownPool>): readonly Family[] {
  const present = new Set([...pools].flatMap(({ spec }) => (spec === undefined ? [] : [spec.cidr.ip.family])));
  return ([4, 6] as const).filter((family) => present.has(family));
}
