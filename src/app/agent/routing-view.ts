import { formatIp } from '../../base/ip/index.ts';
import type {
  LocalEndpoint,
  RoutingBlock,
  RoutingInput,
  RoutingNode,
  RoutingPool,
  RoutingSettings,
  TunnelAddresses,
} from '../../core/routing/index.ts';
import type { Netlink } from '../../host/netlink/port.ts';
import type { AgentOptions } from './options.ts';
import type { KnownNode } from './routing-objects.ts';
import { PeerMtus, readUnderlay } from './underlay.ts';
import type { OwnUnderlay } from './underlay.ts';

export interface RoutingViewDependencies {
  readonly netlink: Netlink;
  readonly nodes: () => ReadonlyMap<string, KnownNode>;
  readonly blocks: () => Iterable<RoutingBlock | undefined>;
  /** This node's addresses in the overlay. */
  readonly tunnels: () => TunnelAddresses;
  readonly pools: () => readonly RoutingPool[];
  readonly settings: () => RoutingSettings;
  readonly endpoints: () => readonly LocalEndpoint[];
  /** Whether pods of some pool keep their address towards nodes and the outside. */
  readonly plainSources: () => boolean;
}

/** Puts together what routes are derived from. What the kernel says of the underlay is read once per change of it. */
export class RoutingView {
  readonly #options: Pick<AgentOptions, 'node' | 'backend' | 'mtu'>;
  readonly #dependencies: RoutingViewDependencies;
  readonly #mtus: PeerMtus;
  #own: OwnUnderlay | undefined;
  /** The addresses that `#own` was read for. */
  #addresses = '';

  constructor(options: Pick<AgentOptions, 'node' | 'backend' | 'mtu'>, dependencies: RoutingViewDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#mtus = new PeerMtus(dependencies.netlink);
  }

  /** The ways to other nodes may have changed: ask the kernel again. */
  underlayChanged(): void {
    this.#own = undefined;
    this.#mtus.forget();
  }

  input(): RoutingInput {
    const { node, backend, mtu } = this.#options;
    const { blocks, tunnels, pools, settings, endpoints, plainSources } = this.#dependencies;
    const nodes = new Map<string, RoutingNode>();
    for (const [name, { routing }] of this.#dependencies.nodes()) nodes.set(name, routing);
    const self = nodes.get(node);
    // What this node has been given counts, before the API has told us back.
    if (self !== undefined) nodes.set(node, { ...self, tunnelAddresses: tunnels() });
    return {
      node,
      backend,
      pools: pools(),
      nodes,
      blocks: [...blocks()].filter((block) => block !== undefined),
      endpoints: endpoints(),
      plainSources: plainSources(),
      underlay: this.#underlay(self, nodes),
      settings: settings(),
      configuredMtu: mtu,
    };
  }

  #underlay(self: RoutingNode | undefined, nodes: ReadonlyMap<string, RoutingNode>): RoutingInput['underlay'] {
    const addresses = (self?.addresses ?? []).map(formatIp).join();
    if (this.#own === undefined || addresses !== this.#addresses) {
      this.#own = readUnderlay(this.#dependencies.netlink, self);
      this.#addresses = addresses;
    }
    const peers = [...nodes.values()].filter(({ name }) => name !== self?.name);
    return { ...this.#own, peerMtu: this.#mtus.besides(this.#own.mtu, peers) };
  }
}
