import { addressOf, noPath } from '../backend.ts';
import type { Backend, NodeContext, PeerContext, PeerPath } from '../backend.ts';
import { IPIP_DEVICE, IPIP_OVERHEAD } from '../constants.ts';
import type { DesiredLink } from '../types.ts';

/** Every packet between nodes is wrapped in a second IPv4 header: less than VXLAN's, but IPv4 within IPv4 only. */
export const ipip: Backend = { tunnel: 'ipip', device, pathTo };

function device({ self, underlay, settings }: NodeContext): DesiredLink | undefined {
  const local = addressOf(self, 4);
  const mtu = settings.mtu?.ipip ?? underlay.mtu - IPIP_OVERHEAD;
  return local && { kind: 'ipip', name: IPIP_DEVICE, mtu, local };
}

/** The device asks nobody who has an address: the next hop is the peer's own, and the outer packet goes there. */
function pathTo({ self, peer, family, settings }: PeerContext): PeerPath {
  if (family === 6)
    return noPath(
      peer.name,
      'unsupported-family',
      'IPIP carries IPv4 only: set ipipMode of the IPv6 pools to Never and, where they need a tunnel, vxlanMode',
    );
  const via = addressOf(peer, 4);
  if (via === undefined || addressOf(self, 4) === undefined)
    return noPath(
      peer.name,
      'no-address',
      `node ${via === undefined ? peer.name : self.name} has no IPv4 InternalIP, which IPIP between them needs`,
    );
  const deviceMtu = settings.mtu?.ipip;
  return { kind: 'tunnel', device: IPIP_DEVICE, overhead: IPIP_OVERHEAD, deviceMtu, via, outer: via };
}
