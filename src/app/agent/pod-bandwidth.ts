import { CNI_ERROR, CniError } from '../../core/cni/index.ts';
import type { Bandwidth, RateLimit } from '../../core/cni/index.ts';
import type { Netlink } from '../../host/netlink/port.ts';
import type { TokenBucket, TrafficControl } from '../../host/tc/port.ts';
import { isSameBucket } from '../../host/tc/tc-codec.ts';
import { shaperName } from './endpoint-record.ts';
import type { EndpointRecord } from './endpoint-record.ts';

/** The queues of the node, beside its links. */
export interface PodBandwidthDependencies {
  readonly netlink: Netlink;
  /** Absent: nobody's rate can be limited. */
  readonly trafficControl?: TrafficControl;
}

/** How long a packet may wait, seconds: as with the upstream plugin. */
const LATENCY = 0.025;
/** Bytes that may wait besides: two of the packets that devices put together, however large the burst. */
const ROOM = 128 * 1024;
const ETHERNET_HEADER = 14;
const MAX_U32 = 2 ** 32 - 1;

/**
 * Throws a CniError (code 7) where a burst is less than one packet takes: no packet of full size would ever pass, and the
 * pod would seem to work until it sends one.
 */
export function assertBursts({ ingress, egress }: Bandwidth, mtu: number): void {
  const least = (mtu + ETHERNET_HEADER) * 8;
  const problems = Object.entries({ ingressBurst: ingress, egressBurst: egress }).flatMap(([key, limit]) =>
    limit === undefined || limit.burst >= least
      ? []
      : [`bandwidth.${key} ${limit.burst} is less than one packet of ${mtu} bytes takes (${least} bits)`],
  );
  if (problems.length > 0)
    throw new CniError(CNI_ERROR.invalidNetworkConfig, `invalid runtimeConfig: ${problems.join('; ')}`);
}

/**
 * Limits what a pod gets where the node sends it, and what it sends in a device that its packets are led through when they
 * come in. The pod's links are there already.
 */
export function limitBandwidth(record: EndpointRecord, { netlink, trafficControl }: PodBandwidthDependencies): void {
  const { bandwidth, mtu } = record;
  if (bandwidth === undefined) return;
  if (trafficControl === undefined)
    throw new CniError(CNI_ERROR.invalidNetworkConfig, 'this agent cannot limit the bandwidth of pods');
  const { ingress, egress } = bandwidth;
  const link = netlink.link(record.interface)!.index;
  if (ingress !== undefined) trafficControl.shape(link, bucketOf(ingress));
  if (egress === undefined) return;
  const name = shaperName(record.id);
  // One that an interrupted ADD left behind is nobody's.
  netlink.attempt([{ kind: 'delete-link', link: name }]);
  netlink.apply([
    { kind: 'add-link', link: { type: 'ifb', name, mtu } },
    { kind: 'set-link', link: name, ipv6AddressGeneration: 'none' },
    { kind: 'set-link', link: name, up: true },
  ]);
  const shaper = netlink.link(name)!.index;
  trafficControl.shape(shaper, bucketOf(egress));
  trafficControl.divert(link, shaper);
}

/** What of the kernel's queues is not as {@link limitBandwidth} made it. */
export function inspectBandwidth(
  { id, interface: name, bandwidth }: EndpointRecord,
  { netlink, trafficControl }: PodBandwidthDependencies,
): readonly string[] {
  if (bandwidth === undefined || trafficControl === undefined) return [];
  const isLimited = (link: number | undefined, limit: RateLimit): boolean => {
    const bucket = link === undefined ? undefined : trafficControl.bucketOf(link);
    return bucket !== undefined && isSameBucket(bucketOf(limit), bucket);
  };
  const { ingress, egress } = bandwidth;
  const [link, shaper] = [netlink.link(name)?.index, netlink.link(shaperName(id))];
  const problems: string[] = [];
  if (ingress !== undefined && !isLimited(link, ingress))
    problems.push(`interface ${name} on the node does not limit what the pod gets to ${ingress.rate} bit/s`);
  if (egress === undefined) return problems;
  if (!isLimited(shaper?.index, egress) || shaper?.up !== true)
    problems.push(`interface ${shaperName(id)} on the node does not limit what the pod sends to ${egress.rate} bit/s`);
  if (link === undefined || trafficControl.divertedTo(link) !== shaper?.index)
    problems.push(`what the pod sends does not pass interface ${shaperName(id)} on the node`);
  return problems;
}

/** The queue holds what passes within the latency, and a burst as far as packets of that size exist. */
function bucketOf({ rate, burst }: RateLimit): TokenBucket {
  const [bytes, size] = [Math.floor(rate / 8), Math.floor(burst / 8)];
  return { rate: bytes, burst: size, limit: Math.min(Math.floor(bytes * LATENCY) + Math.min(size, ROOM), MAX_U32) };
}
