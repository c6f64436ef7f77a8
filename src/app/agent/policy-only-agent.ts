import { join } from 'node:path';
import { messageOf } from '../../base/errors.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import { createCalcEngine } from '../../core/calc/index.ts';
import type { Node } from '../../core/kube/types.ts';
import type { CalcEngine, Delta } from '../../core/calc/model.ts';
import { CNI_ERROR, CniError } from '../../core/cni/index.ts';
import { EVENTS, NODES } from '../../host/kube-client/resources.ts';
import { adoptEndpoints } from './adoption.ts';
import { filterBridges } from './bridge-filter.ts';
import { BridgePorts } from './bridge-ports.ts';
import { ClusterFeed } from './cluster-feed.ts';
import { clusterStateOf } from './cluster-view.ts';
import type { AgentDependencies } from './dependencies.ts';
import { DiscoveredPods } from './discovered-pods.ts';
import { DomainNames } from './domain-names.ts';
import { endpointDelta } from './endpoint-record.ts';
import type { EndpointRecord } from './endpoint-record.ts';
import { FeedLog } from './feed-log.ts';
import { ForeignEndpoints } from './foreign-endpoints.ts';
import { ForeignTunnels } from './foreign-tunnels.ts';
import { FurtherAddresses } from './further-addresses.ts';
import { ADD_PATIENCE, live } from './life.ts';
import { LiveConnections } from './live-connections.ts';
import type { AgentOptions } from './options.ts';
import { dropFastPath, handOverPolicies, isHandedOver } from './other-networks.ts';
import { PacketFilter } from './packet-filter.ts';
import { persist, untilAborted } from './persist.ts';
import { ensurePod } from './pod-directory.ts';
import { podEvent } from './pod-event.ts';
import { findPodInterface } from './pod-interface.ts';
import type { PodInterface } from './pod-interface.ts';
import { DEFAULT_PREFIX } from './policy-only-options.ts';
import { policyOnlyStatus } from './policy-only-status.ts';
import { Readiness } from './readiness.ts';
import { RoutedLinks } from './routed-links.ts';
import type { AgentStatus } from './status.ts';
import { settleTombstones } from './tombstones.ts';

const FAMILIES: readonly Family[] = [4, 6];

/**
 * The agent of a node whose network is somebody else's: policy, and nothing besides. It makes no link, address, route or
 * neighbour but those of pods that our own plugin attaches, and takes none away; of Services it knows only what policies
 * say of them.
 */
export class PolicyOnlyAgent {
  readonly #options: AgentOptions;
  readonly #world: AgentDependencies;
  readonly #signal: AbortSignal;
  readonly #startedAt: number;
  readonly #readiness = new Readiness('the agent is starting');
  readonly #feed: ClusterFeed;
  readonly #filter: PacketFilter;
  readonly #connections: LiveConnections;
  readonly #domains: DomainNames;
  readonly #tunnels: ForeignTunnels;
  readonly #attached: ForeignEndpoints;
  readonly #discovered: DiscoveredPods;
  readonly #links: RoutedLinks;
  readonly #ports: BridgePorts;
  readonly #further: FurtherAddresses;
  /** Pods whose interface the runtime has taken away again, until their objects go. */
  readonly #detached = new Set<string>();
  #prefixes = '';

  constructor(options: AgentOptions, world: AgentDependencies, signal: AbortSignal) {
    this.#options = options;
    this.#world = world;
    this.#signal = signal;
    this.#startedAt = world.now();
    const { log } = world;
    this.#connections = new LiveConnections({
      ...world,
      state: () => clusterStateOf(this.#feed, this.#attached.records.values(), this.#domains.addresses),
      addressesOf: (id) => this.#attached.records.get(id)?.addresses ?? this.#discovered.addressesOf(id),
    });
    this.#filter = new PacketFilter({
      ...world,
      createEngine: () => this.#createEngine(),
      onUpdate: (update) => this.#connections.onUpdate(update, this.#attached.fresh),
    });
    this.#domains = new DomainNames({
      ...world,
      store: world.domains,
      policies: () => this.#feed.policies(),
      filter: this.#filter,
    });
    this.#tunnels = new ForeignTunnels({
      ...world,
      settings: () => this.#feed.extended.tunnels,
      apply: (delta) => this.#filter.apply(delta),
    });
    const locate = (addresses: readonly Ip[]): PodInterface | string => this.#locate(addresses);
    this.#links = new RoutedLinks(world);
    this.#ports = new BridgePorts({ nftables: world.bridgeFilter, log });
    this.#attached = new ForeignEndpoints({
      store: world.endpoints,
      filter: this.#filter,
      locate,
      portOf: (bridge, interfaces) => this.#portOf(bridge, interfaces),
      links: this.#links,
      podCidrs: () => this.#podCidrs(),
      ensurePod: (pod) => ensurePod(pod, { ...world, signal, cluster: () => this.#feed, filter: this.#filter }),
      ready: () => this.#readiness.wait(ADD_PATIENCE),
      assertHealthy: () => this.#assertHealthy(),
      onChange: (record, present) => this.#onAttachment(record, present),
      onReleased: (addresses) => this.#connections.onReleased(addresses),
      log,
    });
    this.#discovered = new DiscoveredPods({
      node: options.node,
      pods: () => this.#feed.pods.items,
      isAttached: (pod) => this.#detached.has(pod) || this.#isAttached(pod),
      locate,
      apply: (delta) => this.#filter.apply(delta),
      onProblem: (pod, problem) => void this.#reportPod(pod, problem),
    });
    this.#further = new FurtherAddresses(options.node, {
      ...world,
      nodes: () => this.#feed.nodes.items,
      pools: () => [...this.#feed.pools.items.values()].flatMap(({ spec }) => spec?.cidr ?? []),
      prefixes: () => this.#interfacePrefixes(),
      signal,
    });
    const feedLog = new FeedLog(world);
    this.#feed = new ClusterFeed(
      world.client,
      {
        onDelta: (delta) => this.#onDelta(delta),
        onRoutesChanged: () => this.#onSettings(),
        onPoolsChanged: () => undefined,
        onIssues: (issues) => feedLog.onIssues(issues),
        onError: (what, error) => feedLog.onError(what, error),
      },
      signal,
      { pools: 'no-pools' },
    );
  }

  async run(): Promise<void> {
    for (const record of adoptEndpoints(this.#world)) if (this.#isThere(record)) this.#attached.adopt(record);
    await live({
      options: this.#options,
      readiness: this.#readiness,
      log: this.#world.log,
      signal: this.#signal,
      attachments: this.#attached,
      domains: this.#domains,
      status: () => this.#status(),
      bgp: undefined,
      start: () => this.#start(),
      upkeep: (thorough) => this.#upkeep(thorough),
      stop: () => this.#stop(),
    });
  }

  async #start(): Promise<void> {
    const { log } = this.#world;
    this.#readiness.waitingFor('waiting for the Kubernetes API');
    await untilAborted(this.#feed.synced, this.#signal);
    // Pods of before are found ahead of the first table, which would close their interfaces.
    this.#discovered.update();
    this.#tunnels.update();
    this.#ports.repair(this.#attached.records.values());
    dropFastPath(this.#world);
    const onFailure = (reason: string): void => {
      this.#readiness.waitingFor(`programming the packet filter: ${reason}`);
      log.warn('programming the packet filter', { error: reason });
    };
    await persist(() => this.#filter.start(), onFailure, this.#signal);
    if (this.#signal.aborted) return;
    // Policy may have changed while no agent was looking: judge everything that lives here.
    const everything = new Set([...this.#endpoints()].map(({ key }) => key));
    this.#connections.onUpdate({ shrunk: everything, grown: new Set(), conntrackFlush: [] });
    this.#readiness.ready();
    log.info('agent ready, for policy alone', { pods: everything.size, milliseconds: this.#uptime() });
    await settleTombstones(this.#attached, log, join(this.#options.stateDir, 'cni/pending-del'));
    await this.#further.publish();
  }

  /** What nothing else would notice: interfaces that came late, drift of the packet filter and of the kernel's switches. */
  async #upkeep(thorough: boolean): Promise<void> {
    this.#discovered.update();
    this.#tunnels.update();
    this.#links.repair(this.#attached.records.values());
    if ([...this.#attached.records.values()].some(({ shared }) => shared === true)) {
      const problem = filterBridges(this.#world.sysctl);
      if (problem !== undefined) this.#world.log.error(problem);
    }
    if (thorough) {
      this.#filter.resync();
      this.#ports.repair(this.#attached.records.values());
    }
    await this.#domains.expire();
    await this.#further.publish();
  }

  #onDelta(delta: Delta): void {
    // Translation is somebody else's: without Services and pools there is none. Endpoints of Services are also peers.
    if (delta.kind === 'service' || delta.kind === 'pool') return;
    if (delta.kind === 'policy') this.#domains.policiesChanged();
    this.#filter.apply(delta);
    if (delta.kind !== 'pod') return;
    if (delta.value === undefined) this.#detached.delete(delta.key);
    // Before everything is known, the node's own addresses among it, nobody can tell what is whose.
    if (this.#feed.hasSynced) this.#discovered.podChanged(delta.key, delta.value);
  }

  #onAttachment({ namespace, pod }: EndpointRecord, present: boolean): void {
    const key = `${namespace}/${pod}`;
    if (present) this.#detached.delete(key);
    else if (this.#feed.pods.items.has(key)) this.#detached.add(key);
    this.#ports.update(this.#attached.records.values());
    this.#discovered.podChanged(key);
  }

  /** Nodes changed, or the settings: the pods' interfaces may have other prefixes. */
  #onSettings(): void {
    if (!this.#readiness.isReady) return;
    this.#tunnels.update();
    if (this.#interfacePrefixes().join() === this.#prefixes) return;
    this.#world.log.info('the interfaces of pods have other prefixes', { prefixes: this.#interfacePrefixes() });
    this.#filter.restart();
  }

  #interfacePrefixes(): readonly string[] {
    return this.#options.policyOnly?.prefixes ?? this.#feed.extended.interfacePrefixes ?? [DEFAULT_PREFIX];
  }

  #createEngine(): CalcEngine {
    const prefixes = this.#interfacePrefixes();
    this.#prefixes = prefixes.join();
    const engine = createCalcEngine({ node: this.#options.node, families: FAMILIES, policyOnly: { prefixes } });
    for (const delta of this.#feed.snapshot())
      if (delta.kind !== 'service' && delta.kind !== 'pool') engine.apply(delta);
    for (const delta of this.#endpoints()) engine.apply(delta);
    for (const delta of this.#tunnels.snapshot()) engine.apply(delta);
    for (const delta of this.#domains.snapshot()) engine.apply(delta);
    return engine;
  }

  *#endpoints(): Generator<Delta> {
    for (const record of this.#attached.records.values()) yield endpointDelta(record);
    yield* this.#discovered.snapshot();
  }

  #isAttached(pod: string): boolean {
    return [...this.#attached.records.values()].some((each) => `${each.namespace}/${each.pod}` === pod);
  }

  /** A bridge outlives its pods, so only the pod's namespace tells whether one of before is still there. */
  #isThere({ id, netns, shared }: EndpointRecord): boolean {
    if (shared !== true) return true;
    try {
      this.#world.openPod(netns).netlink[Symbol.dispose]();
      return true;
    } catch {
      this.#world.endpoints.remove(id);
      return false;
    }
  }

  #locate(addresses: readonly Ip[]): PodInterface | string {
    const { netlink, sysctl } = this.#world;
    const place = findPodInterface(addresses, netlink, this.#ownAddresses());
    if (typeof place === 'string' || !place.shared) return place;
    return { ...place, problem: filterBridges(sysctl) };
  }

  #portOf(bridge: string, interfaces: readonly string[]): string | undefined {
    const { netlink } = this.#world;
    const index = netlink.link(bridge)?.index;
    return interfaces.find((name) => index !== undefined && netlink.link(name)?.master === index);
  }

  async #podCidrs(): Promise<readonly string[]> {
    const { client } = this.#world;
    const { spec } = await client.get<Node>(NODES, { name: this.#options.node }, { signal: this.#signal });
    return spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR]);
  }

  #ownAddresses(): readonly Ip[] {
    return this.#feed.nodes.items.get(this.#options.node)?.endpoint.addresses ?? [];
  }

  async #reportPod(pod: string, problem: string): Promise<void> {
    const { client, log, now } = this.#world;
    log.error('policy is not enforced for a pod', { pod, problem });
    const uid = this.#feed.pods.items.get(pod)?.uid ?? '';
    try {
      await client.create(EVENTS, podEvent({ pod, uid, node: this.#options.node, problem, now: now() }));
    } catch (error) {
      log.warn('cannot create an event', { pod, error: messageOf(error) });
    }
  }

  #assertHealthy(): void {
    const { error } = this.#filter.status();
    const problem = this.#readiness.isReady ? error : this.#readiness.reason;
    if (problem !== undefined)
      throw new CniError(CNI_ERROR.pluginNotAvailable, `pods cannot be attached now: ${problem}`);
  }

  #uptime(): number {
    return this.#world.now() - this.#startedAt;
  }

  async #stop(): Promise<void> {
    this.#readiness.waitingFor('the agent is stopping');
    this.#filter.stop();
    await this.#connections.stop();
    await this.#feed.done;
    const { node, policyOnly } = this.#options;
    if (isHandedOver(this.#feed.nodes.items.get(node)?.endpoint.labels))
      handOverPolicies(policyOnly?.conflist, this.#world);
  }

  #status(): AgentStatus {
    return policyOnlyStatus({
      options: this.#options,
      readiness: this.#readiness,
      startedAt: this.#startedAt,
      now: this.#world.now(),
      feed: this.#feed,
      domains: this.#domains.addresses,
      filter: this.#filter.status(),
      connections: this.#connections.status(),
      records: this.#attached.records,
      discovered: this.#discovered,
      prefixes: this.#interfacePrefixes(),
      bridgeProblem: this.#ports.problem,
    });
  }
}
