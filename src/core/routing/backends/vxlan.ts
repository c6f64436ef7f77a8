import { addressOf, noPath } from '../backend.ts';
import type { Backend, PeerContext, PeerPath } from '../backend.ts';

/** Every packet between nodes is wrapped, so the nodes need nothing of each other but IP. */
export const vxlan: Backend = { tunnels: true, pathTo: tunnelTo };

/** The wrapped path to a peer. Both ends must have an address of the family that carries this node's tunnel. */
export function tunnelTo({ self, peer, family }: PeerContext): PeerPath {
  const local = self.addresses[0];
  const remote = local === undefined ? undefined : addressOf(peer, local.family);
  if (local === undefined || remote === undefined)
    return noPath(
      peer.name,
      'no-address',
      `node ${peer.name} has no IPv${local?.family ?? 4} InternalIP, which tunnels from ${self.name} need`,
    );
  // Not the peer's own address: IPv6 refuses a next hop on the tunnel that another link leads to as well.
  const via = peer.tunnelAddresses.find((address) => address.family === family);
  if (via === undefined)
    return noPath(
      peer.name,
      'no-address',
      `node ${peer.name} has not published an IPv${family} tunnel address yet, so its IPv${family} pods have no next hop`,
    );
  return { kind: 'tunnel', via, remote };
}
