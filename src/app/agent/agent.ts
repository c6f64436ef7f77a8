import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { SluiceError, messageOf } from '../../base/errors.ts';
import type { Cidr, Family } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import { createCalcEngine } from '../../core/calc/index.ts';
import type { CalcEngine, Delta } from '../../core/calc/model.ts';
import { CNI_ERROR, CniError } from '../../core/cni/index.ts';
import type { BlockStore } from '../../core/ipam/index.ts';
import type { Labels } from '../../core/kube/labels.ts';
import { DEFAULT_SETTINGS, tunnelsOf } from '../../core/routing/index.ts';
import type { RoutingPool, RoutingSettings, TunnelSettings } from '../../core/routing/index.ts';
import { DNS_GROUP } from '../../core/nft/dns-answers.ts';
import type { Bird } from '../../host/bird/port.ts';
import type { Conntrack } from '../../host/conntrack/port.ts';
import { createMissingPools } from '../../host/ipam-store/create-missing-pools.ts';
import { pause } from '../../host/kube-client/pause.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import type { Offloads } from '../../host/ethtool/ethtool.ts';
import type { LinkReaper } from '../../host/netlink/link-reaper.ts';
import type { Netlink } from '../../host/netlink/port.ts';
import type { PacketCopies } from '../../host/nflog/port.ts';
import type { Nftables } from '../../host/nftables/port.ts';
import type { Sysctl } from '../../host/sysctl/sysctl.ts';
import type { Wireguard } from '../../host/wireguard/port.ts';
import { adoptEndpoints, leakedHandles, recoverEndpoints, wiredElsewhere } from './adoption.ts';
import { Attachments } from './attachments.ts';
import { BgpSpeaker } from './bgp-speaker.ts';
import { ChecksumOffload } from './checksum-offload.ts';
import { ClusterFeed } from './cluster-feed.ts';
import type { KnownPool } from './cluster-feed.ts';
import { clusterStateOf } from './cluster-view.ts';
import { listenCni } from './cni-server.ts';
import { DomainNames } from './domain-names.ts';
import type { DomainStore } from './domain-names.ts';
import type { EndpointStore } from './endpoint-store.ts';
import { FeedLog } from './feed-log.ts';
import { LiveConnections } from './live-connections.ts';
import { NetworkDriver } from './network-driver.ts';
import { OwnTunnels } from './own-tunnels.ts';
import { ReturnPeers } from './return-peers.ts';
import { NodeAddresses } from './node-addresses.ts';
import { NodeIdentity } from './node-identity.ts';
import { setNodeSysctls } from './node-sysctls.ts';
import type { AgentOptions } from './options.ts';
import { PacketFilter } from './packet-filter.ts';
import { persist } from './persist.ts';
import { ensurePod } from './pod-directory.ts';
import type { PodFacts } from './pod-directory.ts';
import type { PodLinkDependencies } from './pod-link.ts';
import { Readiness } from './readiness.ts';
import type { KnownNode } from './routing-objects.ts';
import { reservedRanges } from './reserved-ranges.ts';
import { RoutingView } from './routing-view.ts';
import { agentStatus } from './status.ts';
import type { AgentStatus } from './status.ts';
import { listenHealth, listenStatus, statusRoutes } from './status-server.ts';
import { settleTombstones } from './tombstones.ts';
import { WireguardDriver } from './wireguard-driver.ts';
import type { WireguardKeyStore } from './wireguard-keys.ts';

/** The world as the agent touches it. Whoever made these disposes them after {@link runAgent} has returned. */
export interface AgentDependencies {
  readonly client: KubeClient;
  readonly blockStore: BlockStore;
  readonly netlink: Netlink;
  /** What the agent's own carrying of packets counts, where it carries any. */
  readonly carried?: () => Readonly<Record<string, number>> | undefined;
  readonly reaper: LinkReaper;
  readonly openPod: PodLinkDependencies['openPod'];
  /** Throws where the kernel has no WireGuard. */
  readonly openWireguard: () => Wireguard;
  readonly wireguardKeys: WireguardKeyStore;
  readonly nftables: Pick<Nftables, 'apply' | 'actual'>;
  readonly conntrack: Conntrack;
  readonly sysctl: Sysctl;
  /** Absent: devices compute what they do. `kernel` is its release. */
  readonly checksums?: { readonly offloads: Offloads; readonly kernel: string };
  readonly endpoints: EndpointStore;
  readonly copies: PacketCopies;
  /** Makes the node's BIRD, for a backend that leaves routes to BGP. */
  readonly openBird: () => Bird;
  readonly domains: DomainStore;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** How long an ADD waits for an agent that is starting, milliseconds. */
const ADD_PATIENCE = 20_000;
/** How long the watch may take to tell of a pool that was created, milliseconds, before it is looked at anew. */
const POOL_PATIENCE = 2000;
/** Where the agent runs when it is not told; the Secrets of BGP passwords are there. */
const AGENT_NAMESPACE = 'kube-system';
/** Between rounds of upkeep, milliseconds. */
const UPKEEP = 10_000;
/** The packet filter is read back and compared every so many rounds of upkeep: reading a full one takes a while. */
const FILTER_ROUNDS = 3;

/**
 * Runs the agent of one node until `signal` aborts. The kernel keeps everything afterwards, so a node without an agent
 * goes on as it was.
 */
export async function runAgent(
  options: AgentOptions,
  dependencies: AgentDependencies,
  signal: AbortSignal,
): Promise<void> {
  setMaxListeners(0, signal);
  await new Agent(options, dependencies, signal).run();
}

class Agent {
  readonly #options: AgentOptions;
  readonly #world: AgentDependencies;
  readonly #signal: AbortSignal;
  readonly #readiness = new Readiness('the agent is starting');
  readonly #startedAt: number;
  readonly #feed: ClusterFeed;
  readonly #filter: PacketFilter;
  readonly #connections: LiveConnections;
  readonly #routing: RoutingView;
  readonly #network: NetworkDriver;
  readonly #wireguard: WireguardDriver;
  readonly #returnPeers = new ReturnPeers((delta) => this.#filter.apply(delta));
  readonly #checksums: ChecksumOffload;
  readonly #ownTunnels = new OwnTunnels(
    () => this.#tunnelSettings(),
    (delta) => this.#filter.apply(delta),
  );
  readonly #attachments: Attachments;
  readonly #addresses: NodeAddresses;
  readonly #identity: NodeIdentity;
  readonly #domains: DomainNames;
  readonly #bgp: BgpSpeaker | undefined;
  #engineFamilies: readonly Family[] | undefined;
  /** The own Node object when routes last changed. */
  #ownNode: KnownNode | undefined;
  /** Families that this node had blocks and its own addresses of when it last looked. */
  #openFamilies: readonly Family[] = [];
  #poolsChanged = Promise.withResolvers<void>();
  #rounds = 0;

  constructor(options: AgentOptions, world: AgentDependencies, signal: AbortSignal) {
    this.#options = options;
    this.#world = world;
    this.#signal = signal;
    this.#startedAt = world.now();
    const { log, netlink, sysctl } = world;
    this.#checksums = new ChecksumOffload({
      log,
      kernel: '',
      offloads: undefined,
      ...world.checksums,
      broken: () => this.#tunnelSettings().checksumOffloadBroken,
    });
    this.#addresses = new NodeAddresses(world);
    this.#identity = new NodeIdentity(options.node, {
      ...world,
      signal,
      addresses: (known) => this.#routing.ownAddresses(known),
      tunnels: () => this.#addresses.tunnels,
      wireguardKeys: () => this.#wireguard.keys,
    });
    this.#connections = new LiveConnections({
      ...world,
      state: () => this.#clusterState(),
      addressesOf: (id) => this.#attachments.records.get(id)?.addresses ?? [],
    });
    this.#filter = new PacketFilter({
      ...world,
      createEngine: () => this.#createEngine(),
      onUpdate: (update) => this.#connections.onUpdate(update, this.#attachments.fresh),
    });
    this.#domains = new DomainNames({
      ...world,
      store: world.domains,
      policies: () => this.#feed.policies(),
      apply: (delta) => this.#applyNow(delta),
    });
    this.#routing = new RoutingView(options, {
      netlink,
      nodes: () => this.#feed.nodes.items,
      blocks: () => this.#feed.blocks.items.values(),
      tunnels: () => this.#addresses.tunnels,
      pools: () => this.#routingPools(),
      settings: () => this.#routingSettings(),
      endpoints: () => this.#attachments.routingEndpoints(),
      plainSources: () =>
        this.#feed.extended.settings?.plainToNodes === true ||
        [...this.#feed.pools.items.values()].some(({ spec }) => spec?.natOutgoing === false),
    });
    this.#network = new NetworkDriver({
      netlink,
      sysctl,
      log,
      input: () => this.#routing.input(),
      // Who sets pods' MTU means it.
      mtuLimit: () => (options.mtu > 0 ? undefined : this.#wireguard.podMtu),
      onUnderlayChanged: () => this.#routing.underlayChanged(),
      onReturnPeers: (peers) => this.#returnPeers.update(peers),
      onTunnels: (tunnels) => {
        this.#ownTunnels.update(tunnels);
        this.#checksums.settle(tunnels);
      },
    });
    this.#wireguard = new WireguardDriver({
      ...world,
      keys: world.wireguardKeys,
      settings: () => this.#feed.extended.wireguard,
      input: () => ({
        ...this.#routing.input(),
        keys: new Map([...this.#feed.nodes.items].map(([name, { wireguard }]) => [name, wireguard.keys])),
      }),
      rotation: () => this.#feed.nodes.items.get(options.node)?.wireguard.rotation ?? '',
      onTunnels: (tunnels) => this.#ownTunnels.updateEncrypting(tunnels),
      onKeysChanged: () => void this.#publish((known) => this.#identity.publishAddresses(known)),
    });
    this.#attachments = new Attachments({
      ...world,
      store: world.endpoints,
      allocator: this.#addresses,
      filter: this.#filter,
      network: this.#network,
      families: () => this.#families(),
      ensurePod: (pod) => this.#ensurePod(pod),
      ready: () => this.#readiness.wait(ADD_PATIENCE),
      assertHealthy: () => this.#assertHealthy(),
      onReleased: ({ addresses }) => this.#connections.onReleased(addresses),
    });
    const feedLog = new FeedLog(world);
    this.#feed = new ClusterFeed(
      world.client,
      {
        onDelta: (delta) => {
          if (delta.kind === 'policy') this.#domains.policiesChanged();
          this.#filter.apply(delta);
          if (delta.kind === 'service' || delta.kind === 'slice') this.#bgp?.servicesChanged();
        },
        onRoutesChanged: () => this.#onRoutesChanged(),
        onPoolsChanged: () => this.#onPoolsChanged(),
        onIssues: (issues) => feedLog.onIssues(issues),
        onError: (what, error) => feedLog.onError(what, error),
      },
      signal,
    );
    if (options.backend === 'none')
      this.#bgp = new BgpSpeaker(options.node, options.namespace ?? AGENT_NAMESPACE, {
        ...world,
        bird: world.openBird(),
        cluster: () => this.#feed,
        listener: feedLog,
        signal,
      });
  }

  async run(): Promise<void> {
    const { runDir, healthPort = 0 } = this.#options;
    await using stack = new AsyncDisposableStack();
    stack.defer(() => this.#stop());
    for (const record of adoptEndpoints(this.#world)) this.#attachments.adopt(record);
    const bgp = this.#bgp;
    const routes = statusRoutes(
      this.#readiness,
      () => this.#status(),
      bgp === undefined ? undefined : () => bgp.status(),
    );
    stack.use(await listenStatus(join(runDir, 'agent.sock'), routes));
    stack.use(await listenHealth(healthPort, routes, this.#world.log));
    stack.use(await listenCni(join(runDir, 'cni.sock'), this.#attachments));
    stack.use(this.#listenToDns());
    await this.#start();
    while (!this.#signal.aborted) {
      await pause(UPKEEP, this.#signal);
      await this.#upkeep();
    }
  }

  /** What nothing else would notice: debts, drift of the packet filter, a Node object that was made anew. */
  async #upkeep(): Promise<void> {
    if (!this.#readiness.isReady) return;
    await this.#attachments.settleOwed();
    await this.#addresses.giveBack().catch((error: unknown) => {
      this.#world.log.warn('cannot give address blocks back', { error: messageOf(error) });
    });
    await this.#expireDomains();
    await this.#bgp?.upkeep();
    if (++this.#rounds % FILTER_ROUNDS === 0) this.#filter.resync();
    await this.#publish((known) => this.#identity.publishAddresses(known));
    await this.#publish((known) => this.#identity.publishReady(known));
  }

  /** Says something of this node in its Node object; what fails, upkeep tries again. */
  async #publish(publish: (known: KnownNode) => Promise<void>): Promise<void> {
    const known = this.#feed.nodes.items.get(this.#options.node);
    if (known === undefined) return;
    try {
      await publish(known);
    } catch (error) {
      this.#world.log.warn('cannot publish the state of this node', { error: messageOf(error) });
    }
  }

  /** DNS answers that pods get, for policies that speak of domain names. */
  #listenToDns(): Disposable {
    const { copies, log } = this.#world;
    try {
      return copies.listen(DNS_GROUP, (packet) => this.#domains.learn(packet));
    } catch (error) {
      log.error('cannot see DNS answers: domain names in policies stand for nothing', { error: messageOf(error) });
      return new DisposableStack();
    }
  }

  /** Into the kernel before it returns, where that is possible. */
  #applyNow(delta: Delta): void {
    this.#filter.apply(delta);
    try {
      this.#filter.flush();
    } catch {
      // Recorded, logged and retried by the packet filter itself.
    }
  }

  async #expireDomains(): Promise<void> {
    try {
      await this.#domains.expire();
    } catch (error) {
      this.#world.log.warn('cannot tell which addresses of domain names are in use', { error: messageOf(error) });
    }
  }

  async #start(): Promise<void> {
    const { log } = this.#world;
    this.#readiness.waitingFor('waiting for the Kubernetes API');
    await this.#orStopped(this.#feed.synced);
    const synced = this.#uptime();
    await this.#step('waiting for address pools', () => this.#ensurePools());
    await this.#step('waiting for addresses', () => this.#openAddresses());
    const addresses = this.#uptime();
    this.#recover();
    await this.#step('programming links and routes', () => this.#startNetwork());
    await this.#step('programming the packet filter', () => this.#filter.start());
    await this.#step('starting BIRD', () => this.#bgp?.start());
    if (this.#signal.aborted) return;
    // Policy may have changed while no agent was looking: judge everything that lives here.
    const everything = new Set(this.#attachments.records.keys());
    this.#connections.onUpdate({ shrunk: everything, grown: new Set(), conntrackFlush: [] });
    // Before the first ADD is served: from then on an address without a pod may be one that is being wired.
    this.#attachments.owe(this.#leakedHandles());
    this.#readiness.ready();
    log.info('agent ready', { synced, addresses, milliseconds: this.#uptime() });
    await settleTombstones(this.#attachments, log, join(this.#options.stateDir, 'cni/pending-del'));
    await this.#upkeep();
  }

  /** Milliseconds since the start. */
  #uptime(): number {
    return this.#world.now() - this.#startedAt;
  }

  /** A new cluster has no pools; resolves when this agent knows one of each family that it is to have. */
  async #ensurePools(): Promise<void> {
    const { defaultPools = [] } = this.#options;
    const changed = this.#poolsChanged.promise;
    if (!(await createMissingPools(defaultPools, new Set(this.#poolFamilies()), this.#world.client))) return;
    await Promise.race([changed, pause(POOL_PATIENCE, this.#signal)]);
    return this.#ensurePools();
  }

  async #openAddresses(): Promise<void> {
    const { node, backend } = this.#options;
    const known = this.#feed.nodes.items.get(node);
    if (known === undefined) throw new SluiceError('no-node', `the cluster has no node ${node} yet`);
    const families = this.#families();
    if (families.length === 0) this.#world.log.warn('all address pools are disabled: new pods get no address');
    const held = this.#poolFamilies();
    const nodeLabels = (): Labels => this.#feed.nodes.items.get(node)?.endpoint.labels ?? known.endpoint.labels;
    const reserved = (): readonly Cidr[] =>
      reservedRanges(node, this.#feed.nodes.items, this.#feed.blocks.items.values());
    const pools = this.#routingPools();
    await this.#addresses.open({ node, nodeLabels, reserved, families, held, pools, backend });
    this.#openFamilies = families;
    await this.#identity.publishAddresses(known);
  }

  /**
   * The first pool of a family, the first that is enabled, or the first that asks for a kind of tunnel, came while the
   * agent runs.
   */
  async #openNewFamilies(): Promise<void> {
    const added = this.#families().filter((family) => !this.#openFamilies.includes(family));
    if (added.length === 0 && !this.#lacksTunnelAddress()) return;
    this.#openFamilies = [...this.#openFamilies, ...added];
    await this.#step('taking addresses that a pool asks for', () => this.#openAddresses());
    if (this.#signal.aborted) return;
    this.#network.changed();
    this.#wireguard.changed();
  }

  #lacksTunnelAddress(): boolean {
    const { tunnels } = this.#addresses;
    return this.#families().some((family) =>
      [...tunnelsOf(this.#routingPools(), this.#options.backend, family)].some(
        (kind) => tunnels[kind]?.some((ip) => ip.family === family) !== true,
      ),
    );
  }

  /** Takes over pods that are wired but of which no record is left. */
  #recover(): void {
    const blocks = this.#addresses.blocks.map(({ value }) => value);
    const { netlink, endpoints, log } = this.#world;
    for (const record of recoverEndpoints(this.#options.node, blocks, this.#attachments.records, netlink)) {
      log.warn('the record of a pod was lost and is restored', { pod: `${record.namespace}/${record.pod}` });
      endpoints.save(record);
      this.#attachments.adopt(record);
    }
  }

  #leakedHandles(): readonly string[] {
    const { sysctl, netlink } = this.#world;
    const blocks = this.#addresses.blocks.map(({ value }) => value);
    return leakedHandles(this.#options.node, blocks, this.#attachments.records, wiredElsewhere(sysctl, netlink));
  }

  #startNetwork(): void {
    const { sysctl, netlink, log } = this.#world;
    setNodeSysctls(
      sysctl,
      netlink.links().map(({ name }) => name),
      log,
    );
    if (!this.#network.started) this.#network.start();
    else this.#network.resync();
    this.#wireguard.start();
  }

  /** One step of the start: tried until it works, while readiness tells what is being waited for. */
  #step(name: string, attempt: () => Promise<void> | void): Promise<void> {
    const onFailure = (reason: string): void => {
      if (!this.#readiness.isReady) this.#readiness.waitingFor(`${name}: ${reason}`);
      this.#world.log.warn(name, { error: reason });
    };
    return persist(attempt, onFailure, this.#signal);
  }

  async #orStopped(promise: Promise<void>): Promise<void> {
    const { promise: stopped, resolve } = Promise.withResolvers<void>();
    this.#signal.addEventListener('abort', () => resolve(), { once: true });
    await Promise.race([promise, stopped]);
  }

  async #stop(): Promise<void> {
    this.#readiness.waitingFor('the agent is stopping');
    this.#filter.stop();
    this.#network.stop();
    this.#wireguard.stop();
    await this.#connections.stop();
    await this.#bgp?.stop();
    await this.#feed.done;
  }

  /** Families in which pods get addresses. */
  #families(): readonly Family[] {
    return familiesOf([...this.#feed.pools.items.values()].filter(({ disabled }) => !disabled));
  }

  /** Families in which pods may have addresses: a pool that gives out no more has not taken back those that it gave. */
  #poolFamilies(): readonly Family[] {
    return familiesOf(this.#feed.pools.items.values());
  }

  #routingPools(): readonly RoutingPool[] {
    return [...this.#feed.pools.items.values()].flatMap(({ routing }) => routing ?? []);
  }

  /** What the cluster says of tunnels; the agent's own options go first. */
  #tunnelSettings(): TunnelSettings {
    const { tunnels } = this.#feed.extended;
    return { ...tunnels, vxlan: { ...tunnels.vxlan, ...this.#options.vxlan } };
  }

  #routingSettings(): RoutingSettings {
    return { ...DEFAULT_SETTINGS, vxlan: { ...DEFAULT_SETTINGS.vxlan, ...this.#tunnelSettings().vxlan } };
  }

  #createEngine(): CalcEngine {
    this.#engineFamilies = this.#poolFamilies();
    const engine = createCalcEngine({ node: this.#options.node, families: this.#engineFamilies });
    for (const delta of this.#feed.snapshot()) engine.apply(delta);
    for (const delta of this.#attachments.snapshot()) engine.apply(delta);
    for (const delta of this.#returnPeers.snapshot()) engine.apply(delta);
    for (const delta of this.#ownTunnels.snapshot()) engine.apply(delta);
    for (const delta of this.#domains.snapshot()) engine.apply(delta);
    return engine;
  }

  #onRoutesChanged(): void {
    const own = this.#feed.nodes.items.get(this.#options.node);
    if (own !== this.#ownNode && this.#readiness.isReady)
      void this.#publish((known) => this.#identity.publishAddresses(known));
    this.#ownNode = own;
    this.#network.changed();
    this.#wireguard.changed();
    this.#bgp?.changed();
  }

  #onPoolsChanged(): void {
    this.#bgp?.changed();
    this.#poolsChanged.resolve();
    this.#poolsChanged = Promise.withResolvers();
    this.#addresses.invalidate();
    this.#network.changed();
    this.#wireguard.changed();
    if (this.#readiness.isReady) void this.#openNewFamilies();
    // A calculation is made for the families that there are; a pool of another one needs a new calculation.
    if (
      this.#engineFamilies === undefined ||
      this.#poolFamilies().every((family) => this.#engineFamilies?.includes(family))
    )
      return;
    this.#world.log.info('the cluster has a pool of another address family');
    try {
      this.#filter.start();
    } catch {
      // Recorded, logged and retried by the packet filter itself.
    }
  }

  #ensurePod(pod: Parameters<typeof ensurePod>[0]): Promise<PodFacts> {
    return ensurePod(pod, {
      client: this.#world.client,
      signal: this.#signal,
      pods: () => this.#feed.pods.items,
      namespaces: () => this.#feed.namespaces.items,
      serviceAccounts: () => this.#feed.serviceAccounts.items,
      apply: (delta) => this.#filter.apply(delta),
    });
  }

  #clusterState() {
    return clusterStateOf(this.#feed, this.#attachments.records.values(), this.#domains.addresses);
  }

  #assertHealthy(): void {
    const { error } = this.#filter.status();
    const problem = this.#readiness.isReady ? error : this.#readiness.reason;
    if (problem !== undefined)
      throw new CniError(CNI_ERROR.pluginNotAvailable, `pods cannot be attached now: ${problem}`);
  }

  #status(): AgentStatus {
    return agentStatus({
      options: this.#options,
      readiness: this.#readiness,
      startedAt: this.#startedAt,
      now: this.#world.now(),
      feed: this.#feed,
      domains: this.#domains.addresses,
      filter: this.#filter.status(),
      network: this.#network.status(),
      checksumOffload: this.#checksums.status,
      wireguard: this.#wireguard.status(),
      carried: this.#world.carried?.(),
      connections: this.#connections.status(),
      attachments: this.#attachments,
      blocks: this.#addresses.blocks,
      tunnels: this.#addresses.tunnels,
    });
  }
}

function familiesOf(pools: Iterable<KnownPool>): readonly Family[] {
  const present = new Set([...pools].flatMap(({ spec }) => (spec === undefined ? [] : [spec.cidr.ip.family])));
  return ([4, 6] as const).filter((family) => present.has(family));
}
