import { formatCidr } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';

/** The resource name of a block: `10.244.0.64/26` → `10-244-0-64-26`, as Calico writes it (`.`, `:` and `/` become `-`). */
export function blockName(cidr: Cidr): string {
  return formatCidr(cidr).replaceAll(/[.:/]/g, '-');
}

/** The resource name of a node's claim on a block. */
export function affinityName(node: string, cidr: Cidr): string {
  return `${node}-${blockName(cidr)}`;
}

/**
 * The handle of a container interface. Lower case, because Calico names the IPAMHandle after it; the interface is part
 * of it so that a pod with two interfaces on one network has two addresses.
 */
export function handleOf(network: string, containerId: string, ifname: string): string {
  return `${network}.${containerId}.${ifname}`.toLowerCase();
}

/** The handle under which a node's tunnel address is allocated, as Calico names it. */
export function tunnelHandle(node: string, family: 4 | 6, kind: 'vxlan' | 'ipip' | 'wireguard'): string {
  return `${kind}-${family === 4 ? '' : 'v6-'}tunnel-addr-${node}`;
}
