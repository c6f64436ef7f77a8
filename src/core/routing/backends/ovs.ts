import { bridgedTunnel } from '../bridged-tunnel.ts';
import { OVS_DEVICE, VXLAN_OVERHEAD } from '../constants.ts';
import { vtepMac } from '../vtep-mac.ts';

/**
 * Packets between nodes go through Open vSwitch: the node routes them into its bridge, and flows choose the tunnel to the
 * bridge of the peer. Pods are behind the node's own routes and policy as with every other backend.
 */
export const ovs = bridgedTunnel({
  tunnel: 'ovs',
  name: OVS_DEVICE,
  overhead: VXLAN_OVERHEAD,
  mtu: ({ mtu }, family) => mtu?.vxlan?.[family],
  macOf: (node) => vtepMac(node.name),
  link: (end, settings) => ({ kind: 'ovs', ...end, ...settings.vxlan }),
});
