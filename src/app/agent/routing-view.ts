import { equalIp, formatIp } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import { hostAddresses, underlayFamilies } from '../../core/routing/index.ts';
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
import { findOwnAddresses, readLinkFacts } from './own-addresses.ts';
import type { OwnAddresses } from './own-addresses.ts';
import type { PathMtus } from './path-mtus.ts';
import { PeerMtus, readUnderlay } from './underlay.ts';
import type { OwnUnderlay } from './underlay.ts';

export interface RoutingViewDependencies {
  readonly netlink: Netlink;
  /** What the ways to peers carry; absent: what routes say. */
  readonly paths?: PathMtus;
  readonly nodes: () => ReadonlyMap<string, KnownNode>;
  readonly blocks: () => Iterable<RoutingBlock | undefined>;
  /** This node's addresses in the overlay. */
  readonly tunnels: () => TunnelAddresses;
  readonly pools: () => readonly RoutingPool[];
  readonly settings: () => RoutingSettings;
  readonly endpoints: () => readonly LocalEndpoint[];
  /** Whether pods of some pool keep their address towards nodes and the outside. */
  readonly plainSources: () => boolean;
  /** The families in which WireGuard is wanted. */
  readonly encrypted: () => readonly Family[];
  /** What another network that this node is part of makes of it all; absent: nothing. */
  readonly adapt?: (input: RoutingInput) => RoutingInput;
}

/** Puts together what routes are derived from. What the kernel says of the underlay is read once per change of it. */
export class RoutingView {
  readonly #options: Pick<AgentOptions, 'node' | 'backend' | 'mtu' | 'addressMethods'>;
  readonly #dependencies: RoutingViewDependencies;
  readonly #mtus: PeerMtus;
  #own: (OwnUnderlay & { readonly found: OwnAddresses }) | undefined;
  #facts: ReturnType<typeof readLinkFacts> | undefined;
  /** The InternalIPs that `#own` was read for. */
  #internalIps = '';

  constructor(
    options: Pick<AgentOptions, 'node' | 'backend' | 'mtu' | 'addressMethods'>,
    dependencies: RoutingViewDependencies,
  ) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#mtus = new PeerMtus(dependencies.netlink, dependencies.paths);
  }

  /** The ways to other nodes may have changed: ask the kernel again. */
  underlayChanged(): void {
    this.#own = undefined;
    this.#facts = undefined;
    this.#mtus.forget();
  }

  input(): RoutingInput {
    const { node, backend, mtu } = this.#options;
    const { blocks, tunnels, pools, settings, endpoints, plainSources, encrypted, adapt } = this.#dependencies;
    const nodes = new Map<string, RoutingNode>();
    for (const [name, { routing }] of this.#dependencies.nodes()) nodes.set(name, routing);
    const known = this.#dependencies.nodes().get(node);
    const own = this.#ownUnderlay(known);
    // What this node has been given and has found counts, before the API has told us back.
    if (known !== undefined)
      nodes.set(node, { ...known.routing, addresses: own.found.addresses, tunnelAddresses: tunnels() });
    const input: RoutingInput = {
      node,
      backend,
      pools: pools(),
      nodes,
      blocks: [...blocks()].filter((block) => block !== undefined),
      endpoints: endpoints(),
      plainSources: plainSources(),
      underlay: { ...own, peerMtu: new Map() },
      ownProblems: own.found.problems,
      settings: settings(),
      configuredMtu: mtu,
    };
    const adapted = adapt?.(input) ?? input;
    const peers = [...adapted.nodes.values()].filter(({ name }) => name !== node);
    const families = underlayFamilies(adapted, encrypted());
    return { ...adapted, underlay: { ...own, peerMtu: this.#mtus.besides(own.mtu, peers, families) } };
  }

  /** The addresses at which peers reach this node, the best of each family first. */
  ownAddresses(known: KnownNode): readonly Ip[] {
    return this.#ownUnderlay(known).found.addresses;
  }

  /** What else packets of this node may carry, of pods and tunnels none: peers cannot know it by themselves. */
  furtherAddresses(known: KnownNode): readonly Ip[] {
    const { netlink, pools, tunnels } = this.#dependencies;
    this.#facts ??= readLinkFacts(netlink);
    const cidrs = pools().map(({ cidr }) => cidr);
    const told = [...known.addresses, ...this.ownAddresses(known), ...Object.values(tunnels()).flat()];
    return hostAddresses(this.#facts, cidrs).filter((ip) => !told.some((each) => equalIp(each, ip)));
  }

  #ownUnderlay(known: KnownNode | undefined): OwnUnderlay & { readonly found: OwnAddresses } {
    const internalIps = known?.addresses ?? [];
    const text = internalIps.map(formatIp).join();
    if (this.#own !== undefined && text === this.#internalIps) return this.#own;
    const { netlink } = this.#dependencies;
    const found = findOwnAddresses(netlink, this.#options.addressMethods ?? {}, internalIps);
    this.#internalIps = text;
    this.#own = { ...readUnderlay(netlink, found.addresses), found };
    return this.#own;
  }
}
