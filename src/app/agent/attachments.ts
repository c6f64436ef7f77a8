import { messageOf } from '../../base/errors.ts';
import { bitsOf, equalIp, formatIp } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import type { Delta } from '../../core/calc/model.ts';
import { CNI_ERROR, CniError, parseRuntimeConfig } from '../../core/cni/index.ts';
import type { AttachmentRequest, CniResult, NetConf } from '../../core/cni/index.ts';
import type { Allocator } from '../../core/ipam/index.ts';
import type { LinkReaper } from '../../host/netlink/link-reaper.ts';
import type { LocalEndpoint } from '../../core/routing/index.ts';
import { AttachmentService } from './attachment-service.ts';
import type { AttachmentServiceDependencies } from './attachment-service.ts';
import { assertCapable, asksAlike } from './capabilities.ts';
import { endpointDelta, HOST_MAC, interfaceName, podMac, shaperName } from './endpoint-record.ts';
import type { EndpointRecord } from './endpoint-record.ts';
import type { MacvlanPods } from './macvlan-pods.ts';
import type { NetworkDriver } from './network-driver.ts';
import { podAddresses } from './pod-addresses.ts';
import { inspectBandwidth, limitBandwidth } from './pod-bandwidth.ts';
import type { PodBandwidthDependencies } from './pod-bandwidth.ts';
import { podOf } from './pod-name.ts';
import type { PodName } from './pod-name.ts';
import type { PodFacts } from './pod-directory.ts';
import { POD_GATEWAY, createPodLink, inspectPodLink } from './pod-link.ts';
import type { PodLinkDependencies } from './pod-link.ts';

export interface AttachmentsDependencies
  extends AttachmentServiceDependencies, PodLinkDependencies, PodBandwidthDependencies {
  readonly allocator: Pick<Allocator, 'allocate' | 'release'>;
  /** Deletes the pods' links without stopping the agent for as long as the kernel takes to release them. */
  readonly reaper: Pick<LinkReaper, 'delete'>;
  readonly network: Pick<NetworkDriver, 'addEndpoint' | 'forgetLink' | 'podMtu' | 'podPacketSize'>;
  readonly macvlan: Pick<MacvlanPods, 'plan' | 'connect' | 'disconnect' | 'adopt'>;
  /** Families in which pods get addresses, IPv4 first. */
  readonly families: () => readonly Family[];
  /** Resolves when the packet filter's calculation knows the pod; rejects when nobody does. */
  readonly ensurePod: (pod: PodName) => Promise<PodFacts>;
  /** An address is nobody's any more. */
  readonly onReleased: (record: EndpointRecord) => void;
  readonly log: Logger;
}

/** The pods of this node: what the CNI plugin asks for is done here, and undone. */
export class Attachments extends AttachmentService {
  readonly #dependencies: AttachmentsDependencies;
  /** Handles whose release the datastore has not heard of yet. */
  readonly #owed = new Set<string>();

  constructor(dependencies: AttachmentsDependencies) {
    super(dependencies);
    this.#dependencies = dependencies;
  }

  /** How many addresses still have to be given back because the datastore could not be reached. */
  get owedReleases(): number {
    return this.#owed.size;
  }

  /** The local endpoints as routing wants them. */
  routingEndpoints(): readonly LocalEndpoint[] {
    return [...this.records.values()].map(({ interface: link, mac, addresses }) => ({
      interface: link,
      mac,
      addresses,
    }));
  }

  /** The local endpoints as a new calculation wants them. */
  *snapshot(): Generator<Delta> {
    for (const record of this.records.values()) yield endpointDelta(record);
  }

  override adopt(record: EndpointRecord): void {
    super.adopt(record);
    this.#dependencies.macvlan.adopt(record);
  }

  /** Undoes an attachment as far as there is one, and gives its addresses back, now or when the datastore answers. */
  override async remove(id: string): Promise<void> {
    const { store, filter, network, macvlan, reaper, onReleased } = this.#dependencies;
    const record = this.records.get(id);
    const name = record?.interface ?? interfaceName(id);
    // Forgotten before it goes, so that its going is no drift to repair; if it does not go, a repeated DEL finds it by name.
    this.forget(id);
    network.forgetLink(name);
    if (record !== undefined) macvlan.disconnect(record);
    filter.apply({ kind: 'local-endpoint', key: id });
    await Promise.all([reaper.delete(name), reaper.delete(shaperName(id))]);
    if (record !== undefined) onReleased(record);
    store.remove(id);
    await this.release([id]);
  }

  /** Gives addresses back; what fails is owed until {@link Attachments.settleOwed}. */
  async release(handles: readonly string[]): Promise<void> {
    try {
      await this.#dependencies.allocator.release(handles);
      for (const handle of handles) this.#owed.delete(handle);
    } catch (error) {
      for (const handle of handles) this.#owed.add(handle);
      this.#dependencies.log.warn('addresses will be released when the datastore answers', {
        handles: handles.length,
        error: messageOf(error),
      });
    }
  }

  /** Takes over handles whose addresses are nobody's, to be given back by {@link Attachments.settleOwed}. */
  owe(handles: readonly string[]): void {
    for (const handle of handles) this.#owed.add(handle);
  }

  /** Gives back what is owed, except what is being wired or removed at this moment. */
  async settleOwed(): Promise<void> {
    const owed = [...this.#owed].filter((handle) => !this.records.has(handle) && !this.isBusy(handle));
    if (owed.length > 0) await this.release(owed);
  }

  protected override async attach(id: string, request: AttachmentRequest): Promise<CniResult> {
    const pod = podOf(request);
    const capabilities = parseRuntimeConfig(request.config.runtimeConfig);
    await this.ready();
    const existing = this.records.get(id);
    if (existing !== undefined) {
      const same = existing.netns === request.netns && asksAlike(existing, capabilities);
      if (same && this.#problemsOf(existing).length === 0) return resultOf(existing);
      await this.remove(id);
    }
    const record = { ...(await this.#prepare(id, request, pod)), ...capabilities };
    try {
      assertCapable(record, this.records.values());
      this.#wire(record);
    } catch (error) {
      await this.remove(id);
      if (error instanceof CniError) throw error;
      throw new CniError(
        CNI_ERROR.ioFailure,
        `cannot wire pod ${pod.namespace}/${pod.name}: ${messageOf(error)}`,
        '',
        error,
      );
    }
    this.#dependencies.log.info('pod attached', {
      pod: `${pod.namespace}/${pod.name}`,
      addresses: record.addresses.map(formatIp),
      interface: record.interface,
    });
    return resultOf(record);
  }

  /** What the pod asks for decides about its addresses, so it must be known first; mostly it is. */
  async #prepare(id: string, request: AttachmentRequest, pod: PodName): Promise<EndpointRecord> {
    const { allocator, families, network } = this.#dependencies;
    const facts = await this.#knowPod(pod);
    const { config, containerId, ifname, netns } = request;
    const { addresses, mac } = await podAddresses(
      { id, ifname, config: config.raw, pod, facts },
      { allocator, families: families(), isHeld: (ip) => this.#holds(ip) },
    );
    return {
      id,
      network: config.name,
      containerId,
      ifname,
      netns,
      namespace: pod.namespace,
      pod: pod.name,
      interface: interfaceName(id),
      mac: mac ?? podMac(id),
      mtu: config.mtu === undefined || config.mtu === 0 ? network.podMtu : config.mtu,
      addresses,
      ...(await this.#planMacvlan(id, addresses, config)),
    };
  }

  /** Gives the addresses back where the pod cannot be on a segment with them. */
  async #planMacvlan(id: string, addresses: readonly Ip[], { raw }: NetConf): Promise<Pick<EndpointRecord, 'macvlan'>> {
    try {
      const macvlan = this.#dependencies.macvlan.plan(addresses, raw);
      return macvlan === undefined ? {} : { macvlan };
    } catch (error) {
      await this.release([id]);
      throw new CniError(CNI_ERROR.invalidNetworkConfig, messageOf(error), '', error);
    }
  }

  #holds(ip: Ip): boolean {
    return [...this.records.values()].some(({ addresses }) => addresses.some((each) => equalIp(each, ip)));
  }

  /** Without the pod's labels nothing can be said about its policy, so it gets no network (fails closed). */
  async #knowPod(pod: PodName): Promise<PodFacts> {
    try {
      return await this.#dependencies.ensurePod(pod);
    } catch (error) {
      const message = `pod ${pod.namespace}/${pod.name} is not known: ${messageOf(error)}`;
      throw new CniError(CNI_ERROR.tryAgainLater, message, '', error);
    }
  }

  /** In one turn of the event loop: record, link, routes, policy. The kernel has acknowledged all when it returns. */
  #wire(record: EndpointRecord): void {
    const { network, macvlan } = this.#dependencies;
    this.remember(record);
    // A queue that limits a rate has room for packets of the usual size.
    createPodLink(record, this.#dependencies, record.bandwidth === undefined ? network.podPacketSize : undefined);
    limitBandwidth(record, this.#dependencies);
    network.addEndpoint(record);
    this.program(record, () => macvlan.connect(record));
  }

  protected override inspect(id: string, { config, containerId, netns }: AttachmentRequest): void {
    const record = this.records.get(id);
    if (record === undefined)
      throw new CniError(CNI_ERROR.containerUnknown, `container ${containerId} is not attached`);
    const problems = [...this.#problemsOf({ ...record, netns }), ...differences(record, config)];
    // A runtime without a memory of ADD asks without them.
    if (config.runtimeConfig !== undefined && !asksAlike(record, parseRuntimeConfig(config.runtimeConfig)))
      problems.push('the pod was attached with other host ports or another bandwidth');
    if (problems.length > 0) throw new CniError(CNI_ERROR.checkFailed, problems.join('; '));
  }

  #problemsOf(record: EndpointRecord): readonly string[] {
    try {
      return [...inspectPodLink(record, this.#dependencies), ...inspectBandwidth(record, this.#dependencies)];
    } catch (error) {
      return [`the pod's network cannot be inspected: ${messageOf(error)}`];
    }
  }
}

/** What ADD answers for a pod that the agent has wired. */
export function resultOf(record: EndpointRecord): CniResult {
  const { interface: link, ifname, netns, mac, mtu, addresses } = record;
  const gateways = addresses.map((ip, index) =>
    record.macvlan === undefined ? POD_GATEWAY[ip.family] : record.macvlan.places[index]?.gateway,
  );
  return {
    interfaces: [
      { name: link, mac: HOST_MAC, mtu },
      { name: ifname, mac, mtu, sandbox: netns },
    ],
    ips: addresses.map((_, index) => {
      const gateway = gateways[index];
      const address = addressOf(record, index);
      return { address, ...(gateway === undefined ? {} : { gateway: formatIp(gateway) }), interface: 1 };
    }),
    routes: gateways.flatMap((gateway) =>
      gateway === undefined ? [] : [{ dst: gateway.family === 4 ? '0.0.0.0/0' : '::/0', gw: formatIp(gateway) }],
    ),
  };
}

/** An address of the record with the length of its network: its own, or that of the segment that it is on. */
function addressOf({ addresses, macvlan }: EndpointRecord, index: number): string {
  const ip = addresses[index]!;
  return `${formatIp(ip)}/${macvlan?.places[index]?.prefix ?? bitsOf(ip.family)}`;
}

/** What ADD had answered, as the runtime remembers it, against what is on record. */
function differences(record: EndpointRecord, { prevResult }: NetConf): readonly string[] {
  if (prevResult === undefined) return [];
  const known = new Set(prevResult.ips.map(({ address }) => address));
  return record.addresses
    .map((_, index) => addressOf(record, index))
    .filter((address) => !known.has(address))
    .map((address) => `prevResult lacks the pod's address ${address}`);
}
