import type { BaseOptions } from './base-options.ts';
import type { Chain, Rule, Statement } from './model.ts';
import { SETS } from './names.ts';
import {
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

/**
 * A connection of no pod's to a pod that a peer hands over, out of the tunnel or directly, was sent here by the node that
 * it entered by, for the sake of a NodePort: its answers must go back there, since only that node can translate them
 * back. What a peer sends on its own account goes back to it in any case.
 */
export function returnPathRules({ families }: BaseOptions): Rule[] {
  return [
    ...families.map((family): Rule => [
      OWN_INTERFACES.notFrom,
      isNew,
      isFamily(family),
      notInSet([source(family)], SETS.pools(family)),
      inSet([destination(family)], SETS.pools(family)),
      { kind: 'vmap', key: ['ether saddr'], map: SETS.peers },
    ]),
    [OWN_INTERFACES.from, hasCtMark(CT_MARK.PEER), { kind: 'copy-mark', mask: CT_MARK.PEER }],
  ];
}

/** The mark has chosen the route; on the wrapped packet it would choose the same one, into the tunnel again. */
export function returnPathEnd({ tunnels }: BaseOptions): Rule[] {
  const marked: Statement = { kind: 'compare', field: 'meta mark', mask: CT_MARK.PEER, op: '!=', value: 0 };
  const clear: Statement = { kind: 'set-mark', target: 'meta mark', mask: CT_MARK.PEER, value: 0 };
  return tunnels.map(({ interface: device }) => [leavesBy(device), marked, clear]);
}

/** The chain for connections that came through the peer with this mark. */
export function peerChain(name: string, mark: number): Chain {
  return { name, rules: [[{ kind: 'set-mark', target: 'ct mark', mask: CT_MARK.PEER, value: mark }]] };
}
