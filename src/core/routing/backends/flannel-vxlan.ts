import type { Family } from '../../../base/ip/index.ts';
import { addressOf, noPath } from '../backend.ts';
import type { Backend, DeviceContext, PeerContext, PeerPath } from '../backend.ts';
import { VXLAN_DEVICE, VXLAN_OVERHEAD, VXLAN_V6_DEVICE } from '../constants.ts';
import type { DesiredLink, RoutingNode } from '../types.ts';
import { vtepMac } from '../vtep-mac.ts';

/** VXLAN as flannel has it: each family has a device of its own, whose outer packets are of the same family. */
export const flannelVxlan: Backend = { tunnel: 'vxlan', device, pathTo };

const DEVICES: Readonly<Record<Family, string>> = { 4: VXLAN_DEVICE, 6: VXLAN_V6_DEVICE };

function device({ self, underlay, settings, family }: DeviceContext): DesiredLink | undefined {
  const local = addressOf(self, family);
  if (local === undefined) return undefined;
  const mtu = settings.mtu?.vxlan?.[family] ?? underlay.mtu - VXLAN_OVERHEAD[family];
  return { kind: 'vxlan', name: DEVICES[family], mac: macOf(self, family), mtu, local, ...settings.vxlan };
}

function pathTo({ self, peer, family, settings }: PeerContext): PeerPath {
  const remote = addressOf(peer, family);
  const via = peer.tunnelAddresses.vxlan?.find((address) => address.family === family);
  if (addressOf(self, family) === undefined || remote === undefined)
    return noPath(
      peer.name,
      'no-address',
      `node ${remote === undefined ? peer.name : self.name} has no IPv${family} address, which flannel's VXLAN between ` +
        `them needs for IPv${family} pods`,
    );
  if (via === undefined)
    return noPath(
      peer.name,
      'no-address',
      `node ${peer.name} has no IPv${family} subnet, so its pods have no next hop`,
    );
  const bridge = { mac: macOf(peer, family), remote };
  const deviceMtu = settings.mtu?.vxlan?.[family];
  return { kind: 'tunnel', device: DEVICES[family], overhead: VXLAN_OVERHEAD[family], deviceMtu, via, bridge };
}

function macOf({ name, vtepMac: v4, vtepMacV6: v6 }: RoutingNode, family: Family): string {
  return (family === 4 ? v4 : v6) ?? vtepMac(name);
}
