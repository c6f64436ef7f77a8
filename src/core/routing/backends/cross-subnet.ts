import { addressOf, isAttached } from '../backend.ts';
import type { Backend, PeerContext, PeerPath } from '../backend.ts';
import { tunnelTo } from './vxlan.ts';

/** A plain route to peers in a subnet of this node's own, the tunnel to all others. */
export const crossSubnet: Backend = { tunnels: true, pathTo };

function pathTo(context: PeerContext): PeerPath {
  const via = addressOf(context.peer, context.family);
  if (via !== undefined && isAttached(context.underlay, via)) return { kind: 'direct', via };
  return tunnelTo(context);
}
