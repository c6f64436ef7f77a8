import { bridgedTunnel } from '../bridged-tunnel.ts';
import { VXLAN_DEVICE, VXLAN_OVERHEAD } from '../constants.ts';
import { vtepMac } from '../vtep-mac.ts';

/** Every packet between nodes is wrapped in VXLAN, so the nodes need nothing of each other but UDP. */
export const vxlan = bridgedTunnel({
  tunnel: 'vxlan',
  name: VXLAN_DEVICE,
  overhead: VXLAN_OVERHEAD,
  mtu: ({ mtu }, family) => mtu?.vxlan?.[family],
  macOf: (node) => node.vtepMac ?? vtepMac(node.name),
  link: (end, settings) => ({ kind: 'vxlan', ...end, ...settings.vxlan }),
});
