import { addressOf, noPath } from '../backend.ts';
import type { Backend, NodeContext, PeerContext, PeerPath } from '../backend.ts';
import { TUN_DEVICE, UDP_OVERHEAD } from '../constants.ts';
import type { DesiredLink } from '../types.ts';
import { vtepMac } from '../vtep-mac.ts';

/**
 * Every packet between nodes is wrapped in UDP by the agent itself, for underlays and kernels on which nothing else
 * works; what is on the wire is what flannel's `udp` backend sends.
 */
export const udp: Backend = { tunnel: 'udp', device, pathTo };

/** One device carries both families, over the first address of the node. */
function device({ self, underlay, settings }: NodeContext): DesiredLink | undefined {
  const [local] = self.addresses;
  if (local === undefined) return undefined;
  const mtu = underlay.mtu - UDP_OVERHEAD[local.family];
  return { kind: 'tun', name: TUN_DEVICE, mac: vtepMac(self.name), mtu, port: settings.udp.port, local };
}

/** The device is an Ethernet one, so that it is the next hop that decides where a packet goes, as with VXLAN. */
function pathTo({ self, peer, family }: PeerContext): PeerPath {
  const local = self.addresses[0];
  const remote = local === undefined ? undefined : addressOf(peer, local.family);
  if (local === undefined || remote === undefined)
    return noPath(
      peer.name,
      'no-address',
      `node ${peer.name} has no IPv${local?.family ?? 4} InternalIP, which the UDP tunnel from ${self.name} needs`,
    );
  const via = peer.tunnelAddresses.udp?.find((address) => address.family === family);
  if (via === undefined)
    return noPath(
      peer.name,
      'no-address',
      `node ${peer.name} has not published an IPv${family} tunnel address yet, so its IPv${family} pods have no next hop`,
    );
  const bridge = { mac: vtepMac(peer.name), remote };
  return { kind: 'tunnel', device: TUN_DEVICE, overhead: UDP_OVERHEAD[remote.family], via, bridge };
}
