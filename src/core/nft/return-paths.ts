import type { Family } from '../../base/ip/index.ts';
import type { BaseOptions } from './base-options.ts';
import type { Chain, Rule, Statement } from './model.ts';
import { SETS } from './names.ts';
import { looksLike } from './overlay.ts';
import type { TunnelSpec } from './overlay.ts';
import {
  comesFrom,
  CT_MARK,
  destination,
  hasCtMark,
  inSet,
  isFamily,
  isNew,
  leavesBy,
  notInSet,
  OWN_INTERFACES,
  source,
} from './statements.ts';

const marked: Statement = { kind: 'compare', field: 'meta mark', mask: CT_MARK.PEER, op: '!=', value: 0 };
const clear: Statement = { kind: 'set-mark', target: 'meta mark', mask: CT_MARK.PEER, value: 0 };

/**
 * A connection of no pod's to a pod that a peer hands over, out of the tunnel or directly, was sent here by the node that
 * it entered by, for the sake of a Service: its answers must go back there, since only that node can translate them
 * back. What a peer sends on its own account goes back to it in any case.
 */
export function returnPathRules({ families, tunnels, returnPaths }: BaseOptions): Rule[] {
  if (!returnPaths) return [];
  const stranger = (family: Family): Statement[] => [
    isNew,
    isFamily(family),
    notInSet([source(family)], SETS.pools(family)),
    inSet([destination(family)], SETS.pools(family)),
  ];
  return [
    ...ipipDevices(tunnels).flatMap((device): Rule[] => [
      [comesFrom(device), marked, ...stranger(4), { kind: 'save-mark', mask: CT_MARK.PEER }],
      // It would choose the route back to the peer for what is on its way to a pod.
      [comesFrom(device), marked, clear],
    ]),
    ...families.map((family): Rule => [
      ...stranger(family),
      OWN_INTERFACES.notFrom,
      { kind: 'vmap', key: ['ether saddr'], map: SETS.peers },
    ]),
    [hasCtMark(CT_MARK.PEER), OWN_INTERFACES.from, { kind: 'copy-mark', mask: CT_MARK.PEER }],
  ];
}

/** The mark has chosen the route; on the wrapped packet it would choose the same one, into the tunnel again. */
export function returnPathEnd({ returnPaths, tunnels }: BaseOptions): Rule[] {
  if (!returnPaths) return [];
  return tunnels.map(({ interface: device }) => [marked, leavesBy(device), clear]);
}

/**
 * For packets that the node unwraps: IP-in-IP carries no hardware address, and only the packet around shows whose it is.
 * Its mark stays on what is inside, which comes by the device as a packet of its own.
 */
export function outerPeerRules({ families, tunnels }: BaseOptions): Rule[] {
  if (!families.includes(4) || ipipDevices(tunnels).length === 0) return [];
  return [[...looksLike({ protocol: 'ipip' }), { kind: 'vmap', key: [source(4)], map: SETS.outerPeers }]];
}

function ipipDevices(tunnels: readonly TunnelSpec[]): string[] {
  return tunnels.flatMap((tunnel) => (tunnel.outer.protocol === 'ipip' ? [tunnel.interface] : []));
}

/** The chain for connections that came through the peer with this mark. */
export function peerChain(name: string, mark: number): Chain {
  return { name, rules: [[{ kind: 'set-mark', target: 'ct mark', mask: CT_MARK.PEER, value: mark }]] };
}

/** The chain for packets that the peer with this mark has wrapped. */
export function outerPeerChain(name: string, mark: number): Chain {
  return { name, rules: [[{ kind: 'set-mark', target: 'meta mark', mask: CT_MARK.PEER, value: mark }]] };
}
