import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { messageOf } from '../../base/errors.ts';
import type { Family } from '../../base/ip/index.ts';
import { createCalcEngine } from '../../core/calc/index.ts';
import type { CalcEngine } from '../../core/calc/model.ts';
import { CNI_ERROR, CniError } from '../../core/cni/index.ts';
import { adoptEndpoints, leakedHandles, recoverEndpoints, wiredElsewhere } from './adoption.ts';
import { AdvertisedAddresses } from './advertised-addresses.ts';
import { AnnouncedAddresses } from './announced-addresses.ts';
import { Attachments } from './attachments.ts';
import { backendChange } from './backend-change.ts';
import type { BackendChange } from './backend-change.ts';
import { Balancer } from './balancer.ts';
import { BgpSpeaker } from './bgp-speaker.ts';
import { ClusterFeed } from './cluster-feed.ts';
import { clusterStateOf } from './cluster-view.ts';
import type { AgentDependencies } from './dependencies.ts';
import { DomainNames } from './domain-names.ts';
import { FeedLog } from './feed-log.ts';
import type { Flannel } from './flannel.ts';
import { joinFlannel } from './join-flannel.ts';
import { ADD_PATIENCE, live } from './life.ts';
import { LiveConnections } from './live-connections.ts';
import { MacvlanPods } from './macvlan-pods.ts';
import { NodeAddresses } from './node-addresses.ts';
import { NodeIdentity } from './node-identity.ts';
import { NodeNetwork } from './node-network.ts';
import { NodePools } from './node-pools.ts';
import { handOver, isHandedOver } from './other-networks.ts';
import type { AgentOptions } from './options.ts';
import { PacketFilter } from './packet-filter.ts';
import { persist, untilAborted } from './persist.ts';
import { ensurePod } from './pod-directory.ts';
import { PolicyOnlyAgent } from './policy-only-agent.ts';
import { nodesWithoutBgp } from './published-backends.ts';
import { Readiness } from './readiness.ts';
import type { KnownNode } from './routing-objects.ts';
import { agentStatus } from './status.ts';
import type { AgentStatus } from './status.ts';
import { ServiceHealth } from './service-health.ts';
import { settleTombstones } from './tombstones.ts';
import { WorkloadEndpoints } from './workload-endpoints.ts';

/** Where the agent runs when it is not told; the Secrets of BGP passwords are there. */
const AGENT_NAMESPACE = 'kube-system';

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
  const kind = options.policyOnly === undefined ? Agent : PolicyOnlyAgent;
  await new kind(options, dependencies, signal).run();
}

class Agent {
  readonly #options: AgentOptions;
  readonly #world: AgentDependencies;
  readonly #signal: AbortSignal;
  readonly #readiness = new Readiness('the agent is starting');
  readonly #startedAt: number;
  readonly #feed: ClusterFeed;
  readonly #filter: PacketFilter;
  readonly #balancer: Balancer;
  readonly #connections: LiveConnections;
  readonly #network: NodeNetwork;
  readonly #advertised = new AdvertisedAddresses((delta) => this.#filter.apply(delta));
  readonly #announced: AnnouncedAddresses;
  readonly #attachments: Attachments;
  readonly #macvlan: MacvlanPods;
  readonly #addresses: NodeAddresses;
  readonly #identity: NodeIdentity;
  readonly #pools: NodePools;
  readonly #domains: DomainNames;
  readonly #flannel: Flannel | undefined;
  readonly #bgp: BgpSpeaker | undefined;
  readonly #backendChange: BackendChange;
  readonly #health: ServiceHealth;
  readonly #workloads: WorkloadEndpoints | undefined;
  #engineFamilies: readonly Family[] | undefined;
  /** The own Node object when routes last changed. */
  #ownNode: KnownNode | undefined;

  constructor(options: AgentOptions, world: AgentDependencies, signal: AbortSignal) {
    this.#options = options;
    this.#world = world;
    this.#signal = signal;
    this.#startedAt = world.now();
    this.#flannel = joinFlannel(options, {
      ...world,
      nodes: () => this.#feed.nodes.items,
      addresses: (known) => this.#network.ownAddresses(known),
      onLeases: (moved) => void this.#onLeases(moved),
      signal,
    });
    this.#addresses = new NodeAddresses(world);
    this.#identity = new NodeIdentity(options.node, {
      ...world,
      signal,
      backend: options.backend,
      addresses: (known) => this.#network.ownAddresses(known),
      furtherAddresses: (known) => this.#network.furtherAddresses(known),
      tunnels: () => this.#addresses.tunnels,
      more: (known) => this.#flannel?.annotations(known) ?? {},
      wireguardKeys: () => this.#network.wireguard,
    });
    this.#pools = new NodePools(options, {
      ...world,
      keptFree: () => this.#macvlan.reserved,
      signal,
      cluster: () => this.#feed,
      addresses: this.#addresses,
      subnets: (known) => this.#flannel?.subnets(known),
      opened: (known) => this.#identity.publishAddresses(known),
    });
    this.#macvlan = new MacvlanPods(options.macvlan, {
      ...world,
      filter: () => this.#filter.ruleset,
      node: options.node,
      nodes: () => this.#feed.nodes.items,
    });
    this.#connections = new LiveConnections({
      ...world,
      conntrack: this.#macvlan.connections,
      state: () => this.#clusterState(),
      addressesOf: (id) => this.#attachments.records.get(id)?.addresses ?? [],
      onJudged: (ended) => (ended ? this.#network.fastPath.ended() : this.#network.fastPath.changed()),
    });
    this.#balancer = new Balancer(options.services ?? { mode: 'nftables' }, world);
    this.#filter = new PacketFilter({
      ...world,
      balancer: this.#balancer,
      followers: this.#macvlan.tables,
      createEngine: () => this.#createEngine(),
      onUpdate: (update) => this.#connections.onUpdate(update, this.#attachments.fresh),
      onCommit: () => this.#network.fastPath.forgetSoon(),
    });
    this.#domains = new DomainNames({
      ...world,
      store: world.domains,
      policies: () => this.#feed.policies(),
      filter: this.#filter,
    });
    this.#network = new NodeNetwork(options, {
      ...world,
      cluster: () => this.#feed,
      addresses: this.#addresses,
      pools: this.#pools,
      flannel: this.#flannel,
      localEndpoints: () => this.#attachments.routingEndpoints(),
      filter: () => this.#filter,
      due: (changes) => this.#backendChange.due(changes),
      onIdentityChanged: () => void this.#publish((known) => this.#identity.publishAddresses(known)),
    });
    this.#attachments = new Attachments({
      ...world,
      store: world.endpoints,
      allocator: this.#addresses,
      filter: this.#filter,
      network: this.#network.driver,
      macvlan: this.#macvlan,
      families: () => this.#pools.families,
      ensurePod: (pod) => ensurePod(pod, { ...world, signal, cluster: () => this.#feed, filter: this.#filter }),
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
          if (delta.kind === 'service' || delta.kind === 'slice') this.#servicesChanged();
          if (delta.kind === 'pod' && delta.value?.node === options.node) this.#workloads?.changed();
          else if (delta.kind === 'node') this.#announced.changed();
        },
        onRoutesChanged: () => this.#onRoutesChanged(),
        onPoolsChanged: () => this.#onPoolsChanged(),
        onIssues: (issues) => feedLog.onIssues(issues),
        onError: (what, error) => feedLog.onError(what, error),
      },
      signal,
      { calicoNodesOf: world.calicoNodes === true ? options.node : undefined },
    );
    this.#health = new ServiceHealth(options.node, {
      ...world,
      services: () => this.#feed.services(),
      slices: () => this.#feed.slices(),
      healthy: () => this.#filter.status().programmed,
    });
    this.#announced = new AnnouncedAddresses(options.node, {
      ...world,
      cluster: () => this.#feed,
      onAddresses: (cidrs) => this.#advertised.update('segment', cidrs),
    });
    if (world.calicoNodes === true)
      this.#workloads = new WorkloadEndpoints(options.node, {
        ...world,
        records: () => this.#attachments.records.values(),
        pods: () => this.#feed.pods.items,
      });
    const bird = world.openBird();
    this.#backendChange = backendChange(options.backend, {
      ...world,
      bird,
      isMixed: () => nodesWithoutBgp(this.#feed.nodes.items, options.node).length > 0,
      network: () => this.#network.driver,
    });
    if (options.backend === 'none')
      this.#bgp = new BgpSpeaker(options.node, options.namespace ?? AGENT_NAMESPACE, {
        ...world,
        bird,
        cluster: () => this.#feed,
        onServices: (cidrs) => this.#advertised.update('bgp', cidrs),
        listener: feedLog,
        signal,
      });
  }

  async run(): Promise<void> {
    for (const record of adoptEndpoints(this.#world)) this.#attachments.adopt(record);
    await live({
      options: this.#options,
      readiness: this.#readiness,
      log: this.#world.log,
      signal: this.#signal,
      attachments: this.#attachments,
      domains: this.#domains,
      status: () => this.#status(),
      bgp: this.#bgp,
      start: () => this.#start(),
      upkeep: (thorough) => this.#upkeep(thorough),
      stop: () => this.#stop(),
    });
  }

  /** What nothing else would notice: debts, drift of the packet filter, a Node object that was made anew. */
  async #upkeep(thorough = false): Promise<void> {
    await this.#attachments.settleOwed();
    await this.#addresses.giveBack().catch((error: unknown) => {
      this.#world.log.warn('cannot give address blocks back', { error: messageOf(error) });
    });
    await this.#domains.expire();
    await this.#bgp?.upkeep();
    await this.#backendChange.settle();
    this.#balancer.upkeep();
    if (thorough) {
      this.#filter.resync();
      this.#network.fastPath.repair();
    }
    await this.#publish((known) => this.#identity.publishAddresses(known));
    await this.#publish((known) => this.#identity.publishReady(known));
    await this.#workloads?.settle();
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

  async #start(): Promise<void> {
    const { log } = this.#world;
    this.#readiness.waitingFor('waiting for the Kubernetes API');
    await untilAborted(this.#feed.synced, this.#signal);
    const synced = this.#uptime();
    await this.#step('waiting for address pools', () => this.#pools.ensure());
    await this.#step('waiting for addresses', () => this.#pools.open());
    const addresses = this.#uptime();
    this.#recover();
    await this.#step('programming links and routes', () => this.#network.start());
    await this.#backendChange.settle();
    await this.#step('opening IPVS', () => this.#balancer.open());
    await this.#step('programming the packet filter', () => this.#filter.start());
    await this.#step('starting BIRD', () => this.#bgp?.start());
    if (this.#signal.aborted) return;
    // Policy may have changed while no agent was looking: judge everything that lives here.
    const everything = new Set(this.#attachments.records.keys());
    this.#connections.onUpdate({ shrunk: everything, grown: new Set(), conntrackFlush: [] });
    // Before the first ADD is served: from then on an address without a pod may be one that is being wired.
    this.#attachments.owe(this.#leakedHandles());
    this.#readiness.ready();
    this.#announced.start();
    log.info('agent ready', { synced, addresses, milliseconds: this.#uptime() });
    await settleTombstones(this.#attachments, log, join(this.#options.stateDir, 'cni/pending-del'));
    await this.#upkeep();
  }

  /** Milliseconds since the start. */
  #uptime(): number {
    return this.#world.now() - this.#startedAt;
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

  /** One step of the start: tried until it works, while readiness tells what is being waited for. */
  #step(name: string, attempt: () => Promise<void> | void): Promise<void> {
    const onFailure = (reason: string): void => {
      if (!this.#readiness.isReady) this.#readiness.waitingFor(`${name}: ${reason}`);
      this.#world.log.warn(name, { error: reason });
    };
    return persist(attempt, onFailure, this.#signal);
  }

  async #stop(): Promise<void> {
    this.#readiness.waitingFor('the agent is stopping');
    await this.#announced.stop();
    this.#filter.stop();
    this.#balancer.stop();
    this.#network.stop();
    this.#health.stop();
    await this.#connections.stop();
    await this.#bgp?.stop();
    await this.#feed.done;
    await this.#flannel?.done;
    const { node, networkBefore } = this.#options;
    if (!isHandedOver(this.#feed.nodes.items.get(node)?.endpoint.labels)) return;
    await this.#workloads?.withdraw();
    handOver(networkBefore, this.#world);
  }

  /** A pool that came while the agent runs may ask for addresses that this node does not have yet. */
  async #openWhatPoolsAskFor(): Promise<void> {
    if (!this.#pools.askForMore()) return;
    await this.#step('taking addresses that a pool asks for', () => this.#pools.open());
    if (this.#signal.aborted) return;
    this.#network.changed();
  }

  #createEngine(): CalcEngine {
    this.#engineFamilies = this.#pools.held;
    const engine = createCalcEngine({
      node: this.#options.node,
      families: this.#engineFamilies,
      services: this.#options.services?.mode ?? 'nftables',
    });
    for (const delta of this.#feed.snapshot()) engine.apply(delta);
    for (const delta of this.#attachments.snapshot()) engine.apply(delta);
    for (const delta of this.#network.snapshot()) engine.apply(delta);
    for (const delta of this.#advertised.snapshot()) engine.apply(delta);
    for (const delta of this.#domains.snapshot()) engine.apply(delta);
    return engine;
  }

  #servicesChanged(): void {
    this.#bgp?.servicesChanged();
    this.#health.changed();
    this.#announced.changed();
  }

  #onRoutesChanged(): void {
    const own = this.#feed.nodes.items.get(this.#options.node);
    if (own !== this.#ownNode && this.#readiness.isReady)
      void this.#publish((known) => this.#identity.publishAddresses(known));
    this.#ownNode = own;
    this.#network.changed();
    this.#bgp?.changed();
  }

  /** Of a flannel network; `moved`: the node has to have its addresses elsewhere now. */
  async #onLeases(moved: boolean): Promise<void> {
    if (moved && this.#readiness.isReady)
      await this.#step('taking addresses of the flannel lease', () => this.#pools.open());
    if (this.#signal.aborted) return;
    this.#network.changed();
  }

  #onPoolsChanged(): void {
    this.#bgp?.changed();
    this.#announced.changed();
    this.#pools.changed();
    this.#addresses.invalidate();
    this.#network.changed();
    if (this.#readiness.isReady) void this.#openWhatPoolsAskFor();
    // A calculation is made for the families that there are; a pool of another one needs a new calculation.
    if (
      this.#engineFamilies === undefined ||
      this.#pools.held.every((family) => this.#engineFamilies?.includes(family))
    )
      return;
    this.#world.log.info('the cluster has a pool of another address family');
    this.#filter.restart();
  }

  #clusterState() {
    return clusterStateOf(this.#feed, this.#attachments.records.values(), this.#domains.addresses);
  }

  #assertHealthy(): void {
    const { error } = this.#filter.status();
    const problem = this.#readiness.isReady ? (error ?? this.#macvlan.problem) : this.#readiness.reason;
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
      ipvs: this.#balancer.status(),
      ...this.#network.status(),
      carried: this.#world.carried?.(),
      announced: this.#announced.status(),
      connections: this.#connections.status(),
      attachments: this.#attachments,
      blocks: this.#addresses.blocks,
      tunnels: this.#addresses.tunnels,
    });
  }
}
