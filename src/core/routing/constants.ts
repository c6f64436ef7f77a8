import type { Family } from '../../base/ip/index.ts';
import type { RoutingSettings } from './types.ts';

/** Name of the VXLAN device on every node. */
export const VXLAN_DEVICE = 'vxlan.sluice';
/** Name of the one that carries IPv6 alone, over IPv6, where each family has a device of its own. */
export const VXLAN_V6_DEVICE = 'vxlan-v6.sluice';
/** Name of the IP-in-IP device on every node. */
export const IPIP_DEVICE = 'ipip.sluice';
/** Name of the device whose packets the agent wraps itself. */
export const TUN_DEVICE = 'tun.sluice';
/** Name of Open vSwitch's bridge, and of its own device. */
export const OVS_DEVICE = 'ovs.sluice';
/** Names of flannel's WireGuard devices, by family; the first carries both where they share one. */
export const FLANNEL_WIREGUARD_DEVICES: Readonly<Record<Family, string>> = { 4: 'fl-wg.sluice', 6: 'fl-wg-v6.sluice' };
/** Names of all devices that backends make. */
export const TUNNEL_DEVICES: readonly string[] = [
  VXLAN_DEVICE,
  VXLAN_V6_DEVICE,
  IPIP_DEVICE,
  TUN_DEVICE,
  OVS_DEVICE,
  ...Object.values(FLANNEL_WIREGUARD_DEVICES),
];
/**
 * What holds when nothing is configured: Calico's VNI, free beside flannel's 1, and IANA's port (RFC 7348 §8.1);
 * flannel's port for its `udp` backend.
 */
export const DEFAULT_SETTINGS: RoutingSettings = { vxlan: { vni: 4096, port: 4789 }, udp: { port: 8285 } };
/** `rtm_protocol` of every route that Sluice owns; Calico's default as well. */
export const ROUTE_PROTOCOL = 80;
/** Priority of the rules that lead marked answers back to the peer they belong to; any before `main` (32766). */
export const RETURN_RULE_PRIORITY = 800;
/** Priorities of the rule that leads packets without a mark past those, and of the one where they go on. */
export const PAST_RETURN_RULES = { from: 799, to: 801 } as const;
/** Bytes that VXLAN adds: outer IP 20 or 40, UDP 8, VXLAN 8, inner Ethernet 14 (RFC 7348 §5). */
export const VXLAN_OVERHEAD = { 4: 50, 6: 70 } as const;
/** Bytes that flannel takes WireGuard for in either family: those of IPv6, UDP, header and authentication tag. */
export const FLANNEL_WIREGUARD_OVERHEAD = 80;
/** Bytes that UDP alone adds: outer IP 20 or 40, UDP 8. */
export const UDP_OVERHEAD = { 4: 28, 6: 48 } as const;
/** Bytes that IP-in-IP adds: an IPv4 header (RFC 2003 §3). */
export const IPIP_OVERHEAD = 20;
