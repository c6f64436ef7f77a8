import type { Family } from '../../../base/ip/index.ts';
import { addressOf, noPath } from '../backend.ts';
import type { Backend, DeviceContext, PeerContext, PeerPath } from '../backend.ts';
import { FLANNEL_WIREGUARD_DEVICES, FLANNEL_WIREGUARD_OVERHEAD } from '../constants.ts';
import type { DesiredLink, RoutingNode, RoutingSettings } from '../types.ts';

/**
 * WireGuard as flannel has it: all that goes to other nodes is encrypted, what nodes send themselves, too. The device knows
 * by a packet's destination whom it is for, so its routes have no next hop.
 */
export const flannelWireguard: Backend = { tunnel: 'wireguard', device, pathTo };

function device({ self, underlay, settings, family }: DeviceContext): DesiredLink | undefined {
  const carrier = carrierOf(settings, family);
  if (carrier === undefined || !hasAddress(self, family, settings)) return undefined;
  const mtu = underlay.mtu - FLANNEL_WIREGUARD_OVERHEAD;
  return { kind: 'wireguard', name: FLANNEL_WIREGUARD_DEVICES[carrier.family], mtu, port: carrier.port };
}

function pathTo({ self, peer, family, settings }: PeerContext): PeerPath {
  const carrier = carrierOf(settings, family);
  const lacking = [peer, self].find((node) => !hasAddress(node, family, settings));
  if (carrier === undefined || lacking !== undefined)
    return noPath(
      peer.name,
      'no-address',
      `node ${(lacking ?? self).name} has no address that flannel's WireGuard between ${self.name} and ${peer.name} needs ` +
        `for IPv${family} pods`,
    );
  return { kind: 'tunnel', device: FLANNEL_WIREGUARD_DEVICES[carrier.family], overhead: FLANNEL_WIREGUARD_OVERHEAD };
}

/** The family whose device carries packets of this one, and that device's port. */
function carrierOf({ wireguard }: RoutingSettings, family: Family): { family: Family; port: number } | undefined {
  const carrier = wireguard?.shared === true ? 4 : family;
  return wireguard && { family: carrier, port: wireguard.ports[carrier] };
}

function hasAddress(node: RoutingNode, family: Family, { wireguard }: RoutingSettings): boolean {
  return wireguard?.shared === true ? node.addresses.length > 0 : addressOf(node, family) !== undefined;
}
