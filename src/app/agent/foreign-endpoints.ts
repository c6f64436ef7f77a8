import { messageOf } from '../../base/errors.ts';
import { equalIp, formatIp, parseCidr } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import { CNI_ERROR, CniError, parseResult } from '../../core/cni/index.ts';
import type { AttachmentRequest, CniResult } from '../../core/cni/index.ts';
import { AttachmentService } from './attachment-service.ts';
import type { AttachmentServiceDependencies } from './attachment-service.ts';
import { resultOf } from './attachments.ts';
import { assertNothingAsked } from './capabilities.ts';
import { interfaceName, podMac } from './endpoint-record.ts';
import type { EndpointRecord } from './endpoint-record.ts';
import type { PodInterface } from './pod-interface.ts';
import { podOf } from './pod-name.ts';
import type { PodName } from './pod-name.ts';
import type { RoutedLinks } from './routed-links.ts';

export interface ForeignEndpointsDependencies extends AttachmentServiceDependencies {
  /** Where this node has the pod with these addresses, or why nobody can tell. */
  readonly locate: (addresses: readonly Ip[]) => PodInterface | string;
  /** Which of the interfaces is a port of the bridge. */
  readonly portOf: (bridge: string, interfaces: readonly string[]) => string | undefined;
  /** For pods that get addresses of another plugin, but their link of us. */
  readonly links: Pick<RoutedLinks, 'wire' | 'unwire' | 'mtu'>;
  /** The node's ranges of pod addresses. */
  readonly podCidrs: () => Promise<readonly string[]>;
  /** Resolves when the packet filter's calculation knows the pod; rejects when nobody does. */
  readonly ensurePod: (pod: PodName) => Promise<unknown>;
  /** A record has come, or has gone. */
  readonly onChange: (record: EndpointRecord, present: boolean) => void;
  readonly onReleased: (addresses: readonly Ip[]) => void;
  readonly log: Logger;
}

/**
 * Pods on the network of others. Where other plugins wire them before ours in the chain, what they made is read off their
 * result, put under policy, and handed on as it is: nothing of theirs is ever changed. Where ours comes first, as in Canal,
 * addresses are another plugin's and the link is ours.
 */
export class ForeignEndpoints extends AttachmentService {
  readonly #dependencies: ForeignEndpointsDependencies;

  constructor(dependencies: ForeignEndpointsDependencies) {
    super(dependencies);
    this.#dependencies = dependencies;
  }

  podCidrs(): Promise<readonly string[]> {
    return this.#dependencies.podCidrs();
  }

  protected override async attach(id: string, request: AttachmentRequest): Promise<CniResult> {
    const { ensurePod, onChange, log } = this.#dependencies;
    const pod = podOf(request);
    assertNothingAsked(request.config);
    const title = `pod ${pod.namespace}/${pod.name}`;
    const own = ownRecord(id, request, pod, this.#dependencies.links);
    const before = own === undefined ? wiredBefore(request) : undefined;
    await this.ready();
    // Without its labels nothing can be said about its policy.
    await ensurePod(pod).catch((error: unknown) => {
      throw new CniError(CNI_ERROR.tryAgainLater, `${title} is not known: ${messageOf(error)}`, '', error);
    });
    if (this.records.has(id)) await this.remove(id);
    const record = own ?? this.#recordOf(id, request, pod, before!);
    await this.#removeForerunners(record);
    try {
      this.remember(record);
      onChange(record, true);
      if (own !== undefined) this.#dependencies.links.wire(own);
      this.program(record);
    } catch (error) {
      await this.remove(id);
      throw new CniError(CNI_ERROR.ioFailure, `cannot bring ${title} under policy: ${messageOf(error)}`, '', error);
    }
    log.info('pod of another network under policy', {
      pod: `${pod.namespace}/${pod.name}`,
      addresses: record.addresses.map(formatIp),
      interface: record.interface,
    });
    return own === undefined ? before!.result : resultOf(own);
  }

  #recordOf(id: string, request: AttachmentRequest, pod: PodName, before: WiredBefore): EndpointRecord {
    const place = this.#locate(before.addresses, `pod ${pod.namespace}/${pod.name}`);
    const port = place.shared ? this.#dependencies.portOf(place.name, before.hostSides) : undefined;
    return { ...recordOf(id, request, pod, before, place), ...(port === undefined ? {} : { port }) };
  }

  /** Whoever had one of these addresses has gone without a word, or it would not have been given out again. */
  async #removeForerunners({ interface: name, addresses }: EndpointRecord): Promise<void> {
    const holds = (record: EndpointRecord): boolean =>
      record.interface === name && record.addresses.some((ip) => addresses.some((each) => equalIp(each, ip)));
    for (const { id } of [...this.records.values()].filter(holds)) await this.remove(id);
  }

  #locate(addresses: readonly Ip[], title: string): PodInterface {
    const place = this.#dependencies.locate(addresses);
    const problem = typeof place === 'string' ? place : place.problem;
    if (typeof place !== 'string' && problem === undefined) return place;
    throw new CniError(CNI_ERROR.tryAgainLater, `policy cannot be enforced for ${title}: ${problem}`);
  }

  override async remove(id: string): Promise<void> {
    const { store, filter, links, onChange, onReleased } = this.#dependencies;
    const record = this.records.get(id);
    if (record === undefined) return;
    this.forget(id);
    filter.apply({ kind: 'local-endpoint', key: id });
    await links.unwire(record);
    store.remove(id);
    onReleased(record.addresses);
    onChange(record, false);
  }

  protected override inspect(id: string, request: AttachmentRequest): void {
    const record = this.records.get(id);
    if (record === undefined)
      throw new CniError(CNI_ERROR.containerUnknown, `container ${request.containerId} is not attached`);
    const { addresses } = wiredBefore(request);
    const place = this.#dependencies.locate(record.addresses);
    const problem =
      typeof place === 'string'
        ? place
        : place.name !== record.interface
          ? `it is behind ${place.name} now, and was behind ${record.interface}`
          : record.addresses
              .filter((ip) => !addresses.some((each) => equalIp(each, ip)))
              .map((ip) => `prevResult lacks the pod's address ${formatIp(ip)}`)[0];
    if (problem !== undefined) throw new CniError(CNI_ERROR.checkFailed, problem);
  }
}

interface WiredBefore {
  readonly result: CniResult;
  readonly addresses: readonly Ip[];
  readonly mac: string;
  /** Interfaces of the node that were made, or used, for it. */
  readonly hostSides: readonly string[];
}

/** What the plugins before ours have made of the interface that this is about. */
function wiredBefore({ config: { prevResult }, ifname }: AttachmentRequest): WiredBefore {
  if (prevResult === undefined)
    throw new CniError(
      CNI_ERROR.invalidNetworkConfig,
      'Sluice programs policy alone here (networking: policy-only): another plugin must come before it in the chain and make the interface, or its ipam must be host-local',
    );
  const inPod = (index: number | undefined): boolean =>
    index === undefined || prevResult.interfaces[index]?.name === ifname;
  const addresses = prevResult.ips
    .filter((ip) => inPod(ip.interface))
    .map(({ address }) => parseCidr(address)?.ip)
    .filter((ip) => ip !== undefined);
  const mac = prevResult.interfaces.find(({ name, sandbox }) => name === ifname && sandbox !== undefined)?.mac ?? '';
  const hostSides = prevResult.interfaces.flatMap(({ name, sandbox }) => (sandbox === undefined ? [name] : []));
  return { result: prevResult, addresses, mac, hostSides };
}

/** The record of a pod whose link is ours, where an IPAM plugin has given it addresses (`ipamResult`). */
function ownRecord(
  id: string,
  { config, containerId, ifname, netns }: AttachmentRequest,
  pod: PodName,
  links: Pick<RoutedLinks, 'mtu'>,
): EndpointRecord | undefined {
  const { ipamResult } = config.raw;
  if (ipamResult === undefined || config.prevResult !== undefined) return undefined;
  const names = { id, network: config.name, containerId, ifname, netns, namespace: pod.namespace, pod: pod.name };
  const addresses = parseResult(ipamResult)
    .ips.map(({ address }) => parseCidr(address)?.ip)
    .filter((ip) => ip !== undefined);
  const mtu = config.mtu === undefined || config.mtu === 0 ? links.mtu : config.mtu;
  return { ...names, interface: interfaceName(id), mac: podMac(id), mtu, addresses };
}

function recordOf(
  id: string,
  { config, containerId, ifname, netns }: AttachmentRequest,
  pod: PodName,
  { addresses, mac }: WiredBefore,
  place: PodInterface,
): EndpointRecord {
  return {
    id,
    network: config.name,
    containerId,
    ifname,
    netns,
    namespace: pod.namespace,
    pod: pod.name,
    interface: place.name,
    ...(place.shared ? { shared: true } : {}),
    mac,
    mtu: 0,
    addresses,
  };
}
