import type { BaseOptions } from './base-options.ts';
import { RTN_LOCAL } from './model.ts';
import type { Chain, Rule, Statement } from './model.ts';
import { policyRules } from './policy-rules.ts';
import {
  CT_MARK,
  hasCtMark,
  hasNoCtMark,
  isAnswer,
  isNew,
  isTcp,
  OWN_INTERFACES,
  PACKET_MARK,
  setMark,
  verdict,
} from './statements.ts';

const ownSource: Statement = { kind: 'compare', field: 'fib saddr type', op: '==', value: RTN_LOCAL };
const foreignSource: Statement = { ...ownSource, op: '!=' };

/**
 * Chains for what a proxy on this node sends in the name of its client: with a source that is not the node's. Such a
 * connection is one that entered here, as by a NodePort, and its answers, addressed to the client, are the proxy's. And
 * unlike what the node sends on its own account, policy judges it, also on its way to the node's own pods.
 */
export function proxiedChains({ families, balanced }: Pick<BaseOptions, 'families' | 'balanced'>): readonly Chain[] {
  const entered = CT_MARK.NODE_PORT | CT_MARK.PROXIED;
  // IPVS sends such packets, too.
  const notBalanced = balanced ? [hasNoCtMark(CT_MARK.BALANCED)] : [];
  return [
    {
      name: 'proxied-output',
      // A route is chosen anew for what gets the mark.
      hook: { type: 'route', hook: 'output', priority: -150 },
      rules: [
        [
          ...notBalanced,
          isTcp,
          isNew,
          foreignSource,
          { kind: 'set-mark', target: 'ct mark', mask: entered, value: entered },
        ],
        [hasCtMark(CT_MARK.PROXIED), isAnswer, setMark(PACKET_MARK.PROXIED)],
      ],
    },
    {
      name: 'proxied-ingress',
      hook: { type: 'filter', hook: 'output', priority: 1 },
      rules: [
        [OWN_INTERFACES.notTo, verdict('accept')],
        [ownSource, verdict('accept')],
        ...policyRules('ingress', families, OWN_INTERFACES),
      ],
    },
  ];
}

/** What comes back is for the proxy, whoever it is addressed to: the mark leads there. */
export const PROXIED_ANSWERS: Rule = [hasCtMark(CT_MARK.PROXIED), setMark(PACKET_MARK.PROXIED)];
