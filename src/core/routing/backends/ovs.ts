import { addressOf, noPath } from '../backend.ts';
import type { Backend, NodeContext, PeerContext, PeerPath } from '../backend.ts';
import { OVS_DEVICE, VXLAN_OVERHEAD } from '../constants.ts';
import type { DesiredLink } from '../types.ts';
import { vtepMac } from '../vtep-mac.ts';

/**
 * Packets between nodes go through Open vSwitch: the node routes them into its bridge, and flows choose the tunnel to the
 * bridge of the peer. Pods are behind the node's own routes and policy as with every other backend.
 */
export const ovs: Backend = { tunnel: 'ovs', device, pathTo };

function device({ self, underlay, settings }: NodeContext): DesiredLink | undefined {
  const [local] = self.addresses;
  if (local === undefined) return undefined;
  const mtu = underlay.mtu - VXLAN_OVERHEAD[local.family];
  return { kind: 'ovs', name: OVS_DEVICE, mac: vtepMac(self.name), mtu, ...settings.vxlan, local };
}

function pathTo({ self, peer, family }: PeerContext): PeerPath {
  const local = self.addresses[0];
  const remote = local === undefined ? undefined : addressOf(peer, local.family);
  if (local === undefined || remote === undefined)
    return noPath(
      peer.name,
      'no-address',
      `node ${peer.name} has no IPv${local?.family ?? 4} InternalIP, which tunnels from ${self.name} need`,
    );
  const via = peer.tunnelAddresses.ovs?.find((address) => address.family === family);
  if (via === undefined)
    return noPath(
      peer.name,
      'no-address',
      `node ${peer.name} has not published an IPv${family} tunnel address yet, so its IPv${family} pods have no next hop`,
    );
  const bridge = { mac: vtepMac(peer.name), remote };
  return { kind: 'tunnel', device: OVS_DEVICE, overhead: VXLAN_OVERHEAD[remote.family], via, bridge };
}
