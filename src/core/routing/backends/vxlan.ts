import { addressOf, noPath } from '../backend.ts';
import type { Backend, NodeContext, PeerContext, PeerPath } from '../backend.ts';
import { VXLAN_DEVICE, VXLAN_OVERHEAD } from '../constants.ts';
import type { DesiredLink } from '../types.ts';
import { vtepMac } from '../vtep-mac.ts';

/** Every packet between nodes is wrapped in VXLAN, so the nodes need nothing of each other but UDP. */
export const vxlan: Backend = { tunnel: 'vxlan', device, pathTo };

/** One device carries both families, over the first address of the node. */
function device({ self, underlay, settings }: NodeContext): DesiredLink | undefined {
  const [local] = self.addresses;
  if (local === undefined) return undefined;
  const { vni, port } = settings.vxlan;
  const mac = self.vtepMac ?? vtepMac(self.name);
  return { kind: 'vxlan', name: VXLAN_DEVICE, mac, mtu: underlay.mtu - VXLAN_OVERHEAD[local.family], vni, port, local };
}

/** Both ends must have an address of the family that carries this node's tunnel. */
function pathTo({ self, peer, family }: PeerContext): PeerPath {
  const local = self.addresses[0];
  const remote = local === undefined ? undefined : addressOf(peer, local.family);
  if (local === undefined || remote === undefined)
    return noPath(
      peer.name,
      'no-address',
      `node ${peer.name} has no IPv${local?.family ?? 4} InternalIP, which tunnels from ${self.name} need`,
    );
  // Not the peer's own address: IPv6 refuses a next hop on the tunnel that another link leads to as well.
  const via = peer.tunnelAddresses.vxlan?.find((address) => address.family === family);
  if (via === undefined)
    return noPath(
      peer.name,
      'no-address',
      `node ${peer.name} has not published an IPv${family} tunnel address yet, so its IPv${family} pods have no next hop`,
    );
  const bridge = { mac: peer.vtepMac ?? vtepMac(peer.name), remote };
  return { kind: 'tunnel', device: VXLAN_DEVICE, overhead: VXLAN_OVERHEAD[remote.family], via, bridge };
}
