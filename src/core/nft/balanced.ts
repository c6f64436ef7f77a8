import type { Family } from '../../base/ip/index.ts';
import type { BaseOptions } from './base-options.ts';
import type { Chain, Rule, Statement } from './model.ts';
import { CHAINS, SETS } from './names.ts';
import { policyRules } from './policy-rules.ts';
import { REFUSE } from './service-rules.ts';
import {
  clearMark,
  CT_MARK,
  destination,
  hasCtMark,
  hasNoCtMark,
  inSet,
  isFamily,
  isNew,
  isRequest,
  OWN_INTERFACES,
  PACKET_MARK,
  setMark,
  verdict,
} from './statements.ts';

type Options = Pick<BaseOptions, 'families' | 'balanced'>;

const toServer = (family: Family): readonly Statement[] => [
  isFamily(family),
  inSet([destination(family), 'meta l4proto', 'th dport'], SETS.balanced(family)),
];

const become = (bits: number): Statement => ({ kind: 'set-mark', target: 'ct mark', mask: bits, value: bits });

/**
 * Leads requests to the node itself, where IPVS waits for them: a mark does, so that no device has a Service's address and
 * nobody is told of it by ARP. What comes from elsewhere has entered here, as by a NodePort.
 */
export function balancedPrerouting({ families, balanced }: Options): Rule[] {
  if (!balanced) return [];
  return [
    ...families.flatMap((family): Rule[] => [
      [isNew, OWN_INTERFACES.notFrom, ...toServer(family), become(CT_MARK.BALANCED | CT_MARK.NODE_PORT)],
      [isNew, OWN_INTERFACES.from, ...toServer(family), become(CT_MARK.BALANCED)],
    ]),
    [hasCtMark(CT_MARK.BALANCED), isRequest, setMark(PACKET_MARK.BALANCED)],
  ];
}

/** Such connections are not translated here. */
export function balancedAnywhere({ balanced }: Options): Rule[] {
  return balanced ? [[hasCtMark(CT_MARK.BALANCED), verdict('accept')]] : [];
}

/** IPVS takes what the node sends itself right behind this hook, however it is routed. */
export function balancedOutput({ families, balanced }: Options): Rule[] {
  return balanced ? families.map((family) => [...toServer(family), verdict('accept')]) : [];
}

/**
 * What IPVS has given a backend leaves by the output hook, without the interface that it came from, and passes the last
 * one with it: policy of the source is asked there, that of the destination in the hook before, where it is asked about
 * what proxies send. `clamped`: the rules about TCP handshakes across a tunnel.
 */
export function balancedChains(families: readonly Family[], clamped: readonly Rule[]): readonly Chain[] {
  return [
    {
      name: CHAINS.balancedInput,
      // Before any policy about the node itself. Around the packet, a tunnel's would lead that one here as well.
      hook: { type: 'filter', hook: 'input', priority: -20 },
      rules: [[hasCtMark(CT_MARK.BALANCED), clearMark(PACKET_MARK.BALANCED)]],
    },
    {
      name: CHAINS.balancedRest,
      // Behind IPVS (NF_IP_PRI_NAT_SRC - 1). What is still here goes to this very node, past all policies about that.
      hook: { type: 'filter', hook: 'input', priority: 110 },
      rules: [[hasCtMark(CT_MARK.BALANCED), isRequest, verdict(`goto ${REFUSE}`)]],
    },
    {
      name: CHAINS.balancedEgress,
      hook: { type: 'filter', hook: 'postrouting', priority: 50 },
      rules: [
        [hasNoCtMark(CT_MARK.BALANCED), verdict('accept')],
        ...clamped,
        ...policyRules('egress', families, OWN_INTERFACES),
      ],
    },
  ];
}
