import type { Ip } from '../../base/ip/index.ts';
import type { Delta } from '../../core/calc/model.ts';
import { DEFAULT_SETTINGS } from '../../core/routing/index.ts';
import type { LocalEndpoint, RoutingSettings, TunnelSettings } from '../../core/routing/index.ts';
import { DEFAULT_WIREGUARD } from '../../core/wireguard/index.ts';
import { ChecksumOffload } from './checksum-offload.ts';
import { checksumPeers } from './checksum-peers.ts';
import type { ClusterFeed } from './cluster-feed.ts';
import type { AgentDependencies } from './dependencies.ts';
import { FastPath } from './fast-path.ts';
import type { Flannel } from './flannel.ts';
import { wireguardCarrying } from './flannel-options.ts';
import { NetworkDriver } from './network-driver.ts';
import type { NetworkDriverDependencies } from './network-driver.ts';
import type { NodeAddresses } from './node-addresses.ts';
import type { NodePools } from './node-pools.ts';
import { setNodeSysctls } from './node-sysctls.ts';
import { takeOverFrom } from './other-networks.ts';
import type { AgentOptions } from './options.ts';
import { OwnTunnels } from './own-tunnels.ts';
import type { PacketFilter } from './packet-filter.ts';
import { PathMtus } from './path-mtus.ts';
import { ReturnPeers } from './return-peers.ts';
import { RoutingView } from './routing-view.ts';
import { WireguardDriver } from './wireguard-driver.ts';

export interface NodeNetworkDependencies extends Omit<AgentDependencies, 'flannel'> {
  readonly cluster: () => ClusterFeed;
  readonly addresses: Pick<NodeAddresses, 'tunnels'>;
  readonly pools: Pick<NodePools, 'routing'>;
  readonly flannel: Flannel | undefined;
  /** The pods of this node. */
  readonly localEndpoints: () => readonly LocalEndpoint[];
  /** Where what policy has to know of tunnels and peers goes. */
  readonly filter: () => Pick<PacketFilter, 'apply'>;
  readonly due: NonNullable<NetworkDriverDependencies['due']>;
  /** What this node says of itself may have changed: its WireGuard keys, the addresses of its devices. */
  readonly onIdentityChanged: () => void;
}

/** What leads packets from this node to the others: links, routes and tunnels, what they carry, and their encryption. */
export class NodeNetwork {
  readonly driver: NetworkDriver;
  readonly wireguard: WireguardDriver;
  readonly fastPath: FastPath;
  readonly #options: AgentOptions;
  readonly #dependencies: NodeNetworkDependencies;
  readonly #routing: RoutingView;
  readonly #paths: PathMtus;
  readonly #checksums: ChecksumOffload;
  readonly #returnPeers: ReturnPeers;
  readonly #ownTunnels: OwnTunnels;

  constructor(options: AgentOptions, dependencies: NodeNetworkDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    const { netlink, sysctl, log, cluster, flannel, addresses, pools, localEndpoints } = dependencies;
    const apply = (delta: Delta): void => dependencies.filter().apply(delta);
    const nodes = () => cluster().nodes.items;
    this.#returnPeers = new ReturnPeers(apply);
    this.#ownTunnels = new OwnTunnels(() => this.#tunnelSettings(), apply);
    this.#checksums = new ChecksumOffload({
      log,
      kernel: '',
      offloads: undefined,
      ...dependencies.checksums,
      broken: () => this.#tunnelSettings().checksumOffloadBroken,
      onSwitched: () => this.fastPath.changed(),
      peers: (device) =>
        checksumPeers(
          netlink,
          device,
          options.node,
          [...nodes().values()].map(({ routing }) => routing),
        ),
    });
    this.#paths = new PathMtus({ log, echoes: dependencies.echoes, onChange: () => this.changed() });
    this.#routing = new RoutingView(options, {
      netlink,
      paths: this.#paths,
      nodes,
      blocks: () => cluster().blocks.items.values(),
      tunnels: () => addresses.tunnels,
      pools: () => pools.routing,
      settings: () => this.#routingSettings(),
      adapt: (input) => flannel?.routing(input) ?? input,
      endpoints: localEndpoints,
      encrypted: () => ([4, 6] as const).filter((family) => cluster().extended.wireguard[family].enabled),
      plainSources: () =>
        cluster().extended.settings?.plainToNodes === true ||
        [...cluster().pools.items.values()].some(({ spec }) => spec?.natOutgoing === false),
    });
    this.fastPath = new FastPath({
      ...dependencies,
      plan: () => ({
        pods: localEndpoints(),
        wraps: this.#checksums.status.every(({ txChecksum }) => txChecksum),
        ...(options.fastPath === false ? { devices: [], hops: [] } : this.driver.fastWays),
      }),
      links: () => new Map(netlink.links().map((link) => [link.name, link])),
      queued: () => dependencies.trafficControl?.queued() ?? new Set(),
    });
    this.driver = new NetworkDriver({
      netlink,
      sysctl,
      log,
      input: () => this.#routing.input(),
      due: dependencies.due,
      // Who sets pods' MTU means it.
      mtuLimit: () => (options.mtu > 0 ? undefined : this.wireguard.podMtu),
      wrapped: () => this.wireguard.podMtu !== undefined,
      onUnderlayChanged: () => {
        this.#routing.underlayChanged();
        dependencies.onIdentityChanged();
      },
      onReturnPeers: (peers) => this.#returnPeers.update(peers),
      onChanged: (devices) => (devices ? this.fastPath.repair() : this.fastPath.changed()),
      onTunnels: (tunnels) => {
        this.#ownTunnels.update(tunnels);
        this.#checksums.settle(tunnels);
        flannel?.settled(this.driver.podMtu, this.driver.resyncs);
      },
    });
    this.wireguard = new WireguardDriver({
      ...dependencies,
      keys: dependencies.wireguardKeys,
      // What carries all of a network encrypts it already.
      settings: () => (wireguardCarrying(options) ? DEFAULT_WIREGUARD : cluster().extended.wireguard),
      input: () => ({
        ...this.#routing.input(),
        keys: new Map([...nodes()].map(([name, { wireguard }]) => [name, wireguard.keys])),
        nextKeys: new Map([...nodes()].map(([name, { wireguard }]) => [name, wireguard.nextKeys])),
      }),
      onKeysChanged: dependencies.onIdentityChanged,
      rotation: () => nodes().get(options.node)?.wireguard.rotation ?? '',
      onTunnels: (tunnels) => {
        this.#ownTunnels.updateEncrypting(tunnels);
        // What leaves by a device of WireGuard is never learnt, and what was on its way before is not either.
        if (tunnels.length > 0) this.fastPath.ended();
      },
    });
  }

  /** The addresses by which peers reach a node, as its Node object or the kernel says. */
  ownAddresses(known: Parameters<RoutingView['ownAddresses']>[0]): ReturnType<RoutingView['ownAddresses']> {
    return this.#routing.ownAddresses(known);
  }

  /** What else packets of this node may carry. */
  furtherAddresses(known: Parameters<RoutingView['furtherAddresses']>[0]): readonly Ip[] {
    return this.#routing.furtherAddresses(known);
  }

  /** Takes over what another network has left on this node, and programs everything; again, where it has begun. */
  start(): void {
    const { sysctl, netlink, log } = this.#dependencies;
    if (!this.driver.started) takeOverFrom(this.#options.networkBefore, this.#dependencies);
    setNodeSysctls(
      sysctl,
      netlink.links().map(({ name }) => name),
      log,
    );
    if (!this.driver.started) this.driver.start();
    else this.driver.resync();
    this.wireguard.start();
  }

  /** Something is new that routes or peers follow from. */
  changed(): void {
    this.driver.changed();
    this.wireguard.changed();
  }

  /** What policy has to know of tunnels and peers, for a new calculation. */
  *snapshot(): Generator<Delta> {
    yield* this.#returnPeers.snapshot();
    yield* this.#ownTunnels.snapshot();
  }

  status() {
    return {
      network: this.driver.status(),
      fastPath: this.fastPath.status(),
      pathMtus: this.#paths.status(),
      checksumOffload: this.#checksums.status,
      wireguard: this.wireguard.status(),
    };
  }

  stop(): void {
    this.#paths.stop();
    this.#checksums.stop();
    this.driver.stop();
    this.fastPath.stop();
    this.wireguard.stop();
  }

  /** What the cluster says of tunnels; the agent's own options go first. */
  #tunnelSettings(): TunnelSettings {
    const { tunnels } = this.#dependencies.cluster().extended;
    return { ...tunnels, vxlan: { ...tunnels.vxlan, ...this.#options.vxlan } };
  }

  #routingSettings(): RoutingSettings {
    const { vxlan, mtu = {} } = this.#tunnelSettings();
    const { udp = DEFAULT_SETTINGS.udp } = this.#options;
    const wireguard = wireguardCarrying(this.#options);
    return { vxlan: { ...DEFAULT_SETTINGS.vxlan, ...vxlan }, udp, mtu, ...(wireguard && { wireguard }) };
  }
}
