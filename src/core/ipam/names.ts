import { formatCidr, formatIp } from '../../base/ip/index.ts';
import type { Cidr, Ip } from '../../base/ip/index.ts';

/** The resource name of a block: `10.244.0.64/26` → `10-244-0-64-26`, as Calico writes it (`.`, `:` and `/` become `-`). */
export function blockName(cidr: Cidr): string {
  return formatCidr(cidr).replaceAll(/[.:/]/g, '-');
}

/** The resource name of a node's claim on a block. */
export function affinityName(node: string, cidr: Cidr): string {
  return `${node}-${blockName(cidr)}`;
}

/** Who owns the blocks from which Services get addresses: no node (Calico's name). */
export const LOAD_BALANCERS = 'load-balancer';

/** What runtimes call the interface of a pod's own network. */
const POD_INTERFACE = 'eth0';

/**
 * The handle of a container interface, in lower case because an IPAMHandle is named after it. That of `eth0` is Calico's
 * own, so that either CNI plugin gives back what the other one took; a second interface on the same network adds its name.
 */
export function handleOf(network: string, containerId: string, ifname: string): string {
  const handle = `${network}.${containerId}`.toLowerCase();
  return ifname === POD_INTERFACE ? handle : `${handle}.${ifname.toLowerCase()}`;
}

/** Network and container of a handle that {@link handleOf} made for `ifname`. */
export function handleParts(
  handle: string,
  ifname: string,
): { readonly network: string; readonly containerId: string } {
  const head = ifname === POD_INTERFACE ? handle : handle.slice(0, -(ifname.length + 1));
  const dot = head.lastIndexOf('.');
  return { network: head.slice(0, dot), containerId: head.slice(dot + 1) };
}

/** The handle under which an address of a node's own interface is kept from pods. */
export function hostAddressHandle(node: string, ip: Ip): string {
  return `host-addr-${formatIp(ip).replaceAll(/[.:]+/g, '-')}-${node}`;
}

/** Whether the handle is one of {@link tunnelHandle}, which no pod has. */
export function isTunnelHandle(handle: string): boolean {
  return /^(vxlan|ipip|wireguard|udp|ovs)-(v6-)?tunnel-addr-/.test(handle);
}

/** The handle under which a node's tunnel address is allocated, as Calico names it. */
export function tunnelHandle(
  node: string,
  family: 4 | 6,
  kind: 'vxlan' | 'ipip' | 'wireguard' | 'udp' | 'ovs',
): string {
  return `${kind}-${family === 4 ? '' : 'v6-'}tunnel-addr-${node}`;
}
