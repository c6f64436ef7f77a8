import { CT_STATE } from './model.ts';
import type { Chain, Rule } from './model.ts';
import type { TunnelSpec } from './overlay.ts';
import { comesNotFrom, hasState, isTcp, OWN_INTERFACES, PACKET_MARK, setMark, verdict } from './statements.ts';

/** A connection is learnt by one packet of so many: those that end soon are not worth it. */
const CHANCE = 32;

/** IPS_SRC_NAT and IPS_DST_NAT (linux/netfilter/nf_conntrack_common.h). */
const TRANSLATED = 0x30;

export const FAST_PATH_CHAIN = 'fast-path';

/**
 * In the node's table, before known packets are let pass: some of those of TCP that nothing is to be done to are marked as such
 * that the fast path may learn.
 */
export const TEACHES: Rule = [
  hasState(CT_STATE.ESTABLISHED),
  { kind: 'chance', oneOf: CHANCE },
  isTcp,
  { kind: 'compare', field: 'ct mark', op: '==', value: 0 },
  { kind: 'compare', field: 'ct status', mask: TRANSLATED, op: '==', value: 0 },
  verdict(`jump ${FAST_PATH_CHAIN}`),
];

/**
 * Where {@link TEACHES} leads. What a connection brings by a tunnel that is none of the fast path's devices must not be taken from
 * those: what comes encrypted is not to come in any other way.
 */
export function teaching(tunnels: readonly TunnelSpec[]): Chain {
  const others = tunnels.filter(({ oneWay }) => oneWay !== true).map(({ interface: name }) => comesNotFrom(name));
  return {
    name: FAST_PATH_CHAIN,
    rules: [
      [OWN_INTERFACES.from, OWN_INTERFACES.notTo, setMark(PACKET_MARK.LEAVES)],
      [OWN_INTERFACES.notFrom, ...others, OWN_INTERFACES.to, setMark(PACKET_MARK.ARRIVES)],
    ],
  };
}
