import { equalIp, formatIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { Netlink } from '../../host/netlink/port.ts';

/** The interface of the node behind which a pod is that another network has wired. */
export interface PodInterface {
  readonly name: string;
  /** Whether it is a bridge, with other pods on it. */
  readonly shared: boolean;
  /** Why policy between pods behind it is not complete. */
  readonly problem?: string | undefined;
}

/**
 * Finds the interface by which this node reaches a pod of its own: the device of the route to its addresses. Returns the
 * reason where there is none, or where it is not the pods' alone, as with macvlan, whose packets never pass the node.
 */
export function findPodInterface(
  addresses: readonly Ip[],
  netlink: Pick<Netlink, 'routeTo' | 'link' | 'addresses'>,
  ofNode: readonly Ip[],
): PodInterface | string {
  const found = addresses.map((ip) => interfaceTo(ip, netlink, ofNode));
  const problem = found.find((each) => typeof each === 'string');
  if (problem !== undefined) return problem;
  const interfaces = found.filter((each) => typeof each !== 'string');
  const [first] = interfaces;
  if (first === undefined) return 'it has no address';
  const other = interfaces.find(({ name }) => name !== first.name);
  return other === undefined ? first : `its addresses are behind two interfaces, ${first.name} and ${other.name}`;
}

function interfaceTo(
  ip: Ip,
  netlink: Pick<Netlink, 'routeTo' | 'link' | 'addresses'>,
  ofNode: readonly Ip[],
): PodInterface | string {
  const route = netlink.routeTo(ip);
  const link = route?.link === undefined ? undefined : netlink.link(route.link);
  if (route === undefined || link === undefined) return `no route leads to ${formatIp(ip)}`;
  if (route.via !== undefined) return `${formatIp(ip)} is behind ${formatIp(route.via)}, not on this node`;
  const carriesNode = netlink
    .addresses({ link: link.index })
    .some(({ address }) => ofNode.some((each) => equalIp(each, address.ip)));
  if (carriesNode) return `${formatIp(ip)} is reached by ${link.name}, which is the node's own`;
  if (link.kind !== 'veth' && link.kind !== 'bridge' && link.kind !== 'tun')
    return `${formatIp(ip)} is reached by ${link.name}, which is no interface of a pod`;
  return { name: link.name, shared: link.kind === 'bridge' };
}
