import { cidrContains, formatCidr, formatIp, hostCidr, rangeOf } from '../../base/ip/index.ts';
import type { Cidr, Ip } from '../../base/ip/index.ts';

/** How frames go between macvlan devices of one master: the names that CNI's plugin of that name and the kernel have. */
export const MACVLAN_MODES = ['bridge', 'private', 'vepa', 'passthru'] as const;
/** One of {@link MACVLAN_MODES}. */
export type MacvlanMode = (typeof MACVLAN_MODES)[number];

/** The layer 2 that a device is on, as the node that has the device sees it. */
export interface Segment {
  readonly master: string;
  /** The node's own addresses on it, with their prefix lengths. */
  readonly addresses: readonly Cidr[];
  /** Next hops of the node's default routes through it. */
  readonly gateways: readonly Ip[];
}

/** How one address is set up on its segment. */
export interface SegmentPlace {
  readonly prefix: number;
  /** Absent: the segment has no way out. */
  readonly gateway?: Ip;
}

/**
 * What no pod may have of the segment: the addresses of nodes, of the router and of the subnets themselves. So a pool may
 * be as large as the segment.
 */
export function takenOn({ addresses, gateways }: Segment, nodes: Iterable<Ip>): readonly Cidr[] {
  const ends = addresses.flatMap((own) => {
    const { family, first, last } = rangeOf(own);
    return [first, last].map((value): Ip => ({ family, value }));
  });
  return [...nodes, ...gateways, ...ends].map(hostCidr);
}

/**
 * The place of a pod's address on the segment: the subnet is that of the node's own address, and so is the way out. A
 * text says why there is none: neighbours on the segment would not look for such an address there.
 */
export function placeOn({ master, addresses, gateways }: Segment, ip: Ip): SegmentPlace | string {
  const subnet = addresses.find((own) => own.ip.family === ip.family && cidrContains(own, ip));
  if (subnet === undefined) {
    const own = addresses.filter((each) => each.ip.family === ip.family).map(formatCidr);
    return (
      `${formatIp(ip)} is in no subnet of macvlan master ${master} (${own.join(', ') || `no IPv${ip.family} address`}): ` +
      `the IPPool has to be a part of the segment's own subnet`
    );
  }
  const gateway = gateways.find(({ family }) => family === ip.family);
  return { prefix: subnet.prefix, ...(gateway === undefined ? {} : { gateway }) };
}
