/** Name of the tunnel device on every node. */
export const VXLAN_DEVICE = 'vxlan.sluice';
/** VXLAN network identifier; Calico's default, free beside flannel's 1. */
export const VXLAN_VNI = 4096;
/** IANA's port for VXLAN (RFC 7348 §8.1). */
export const VXLAN_PORT = 4789;
/** `rtm_protocol` of every route that Sluice owns; Calico's default as well. */
export const ROUTE_PROTOCOL = 80;
/** Priority of the rules that lead marked answers back to the peer they belong to; any before `main` (32766). */
export const RETURN_RULE_PRIORITY = 800;
/** Bytes that VXLAN adds: outer IP 20 or 40, UDP 8, VXLAN 8, inner Ethernet 14 (RFC 7348 §5). */
export const VXLAN_OVERHEAD = { 4: 50, 6: 70 } as const;
