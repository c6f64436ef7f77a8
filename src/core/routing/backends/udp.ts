import { bridgedTunnel } from '../bridged-tunnel.ts';
import { TUN_DEVICE, UDP_OVERHEAD } from '../constants.ts';
import { vtepMac } from '../vtep-mac.ts';

/**
 * Every packet between nodes is wrapped in UDP by the agent itself, for underlays and kernels on which nothing else
 * works; what is on the wire is what flannel's `udp` backend sends. The device is an Ethernet one on this side alone, so
 * that it is the next hop that decides where a packet goes, as with VXLAN.
 */
export const udp = bridgedTunnel({
  tunnel: 'udp',
  name: TUN_DEVICE,
  overhead: UDP_OVERHEAD,
  macOf: (node) => vtepMac(node.name),
  link: (end, settings) => ({ kind: 'tun', ...end, port: settings.udp.port }),
});
