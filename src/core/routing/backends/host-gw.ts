import { formatIp } from '../../../base/ip/index.ts';
import { addressOf, isAttached, noPath } from '../backend.ts';
import type { Backend, PeerContext, PeerPath } from '../backend.ts';

/** A plain route per peer: nothing is wrapped, but all nodes must share a link. */
export const hostGw: Backend = { pathTo };

function pathTo(context: PeerContext): PeerPath {
  const { self, peer, family, underlay } = context;
  const via = addressOf(peer, family);
  const own = addressOf(self, family);
  if (via === undefined)
    return noPath(
      peer.name,
      'no-address',
      `node ${peer.name} has no IPv${family} InternalIP to route its pods through`,
    );
  if (!isAttached(underlay, via))
    return noPath(
      peer.name,
      'not-in-subnet',
      `backend host-gw cannot reach node ${peer.name}: its address ${formatIp(via)} is in no subnet of this node's ` +
        `(${own === undefined ? `no IPv${family} address` : formatIp(own)}); use backend vxlan or cross-subnet`,
    );
  return { kind: 'direct', via };
}
