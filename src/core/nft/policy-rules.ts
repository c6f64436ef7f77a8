import type { Family } from '../../base/ip/index.ts';
import type { BaseOptions } from './base-options.ts';
import { CT_STATE, IPPROTO } from './model.ts';
import type { Rule, Verdict } from './model.ts';
import { SETS } from './names.ts';
import { isDiscovery } from './own-node.ts';
import { looksLike } from './overlay.ts';
import {
  CT_MARK,
  destination,
  hasCtMark,
  hasNoCtMark,
  hasState,
  inSet,
  isFamily,
  isNotOpening,
  isProtocol,
  source,
  verdict,
} from './statements.ts';
import type { PodInterfaces } from './statements.ts';

const accept = verdict('accept');
const drop = verdict('drop');

/**
 * A pod sends from its own addresses only; an interface that is not in the set belongs to no known pod. `elsewhere` is for
 * what other interfaces bring.
 */
export function spoofRules(
  { families, barred }: Pick<BaseOptions, 'families' | 'barred'>,
  pods: PodInterfaces,
  elsewhere: Verdict = 'accept',
): Rule[] {
  const own = families.map((family) => [
    isFamily(family),
    inSet(['meta iifname', source(family)], SETS.source(family)),
    accept,
  ]);
  // Neighbour discovery and duplicate address detection; the kernel forwards neither of these sources.
  const discovery: Rule[] = (['fe80000000000000', '00000000000000000000000000000000'] as const).map((address) => [
    isFamily(6),
    isProtocol(IPPROTO.ICMPV6),
    {
      kind: 'address',
      field: 'ip6 saddr',
      op: '==',
      address: address.padEnd(32, '0'),
      ...(address.length < 32 ? { prefix: 64 } : {}),
    },
    accept,
  ]);
  return [
    [pods.notFrom, verdict(elsewhere)],
    ...barred.map((outer) => [...looksLike(outer), drop]),
    ...own,
    ...discovery,
    [drop],
  ];
}

/** Packets of connections that are known and not cut: nearly all there are, so they pass in one rule. */
export const KNOWN: Rule = [hasNoCtMark(CT_MARK.CUT), hasState(CT_STATE.ESTABLISHED | CT_STATE.RELATED), accept];

/** The same where those that are cut have been dropped before. */
export const KNOWN_OR_CUT: Rule = [hasState(CT_STATE.ESTABLISHED | CT_STATE.RELATED), accept];

/** What policy is not asked about: connections that are cut, those that are known, and what belongs to none. */
export const CONNECTIONS: readonly Rule[] = [
  [hasCtMark(CT_MARK.CUT), drop],
  KNOWN_OR_CUT,
  // Translation passes over what belongs to no connection: a late answer would show a Service's client the backend's
  // own address, and the client would reset the connection.
  [hasState(CT_STATE.INVALID), drop],
  [...isNotOpening, drop],
];

/**
 * Policy of one direction, for packets that cross this node. Those between the node itself and its pods pass other hooks,
 * where those of the node are always allowed (for those of the pods see own-node.ts). An accept here ends only this base chain, so both directions must agree.
 */
export function policyRules(
  direction: 'egress' | 'ingress',
  families: readonly Family[],
  pods: PodInterfaces,
  beforeMap: readonly Rule[] = [],
): Rule[] {
  return [
    [direction === 'egress' ? pods.notFrom : pods.notTo, accept],
    ...CONNECTIONS,
    ...families.map((family) => [
      isFamily(family),
      inSet([source(family), destination(family)], SETS.self(family)),
      accept,
    ]),
    ...beforeMap,
    [{ kind: 'vmap' as const, key: [interfaceOf(direction)], map: SETS[direction] }],
    // An interface that nobody has announced is closed.
    [drop],
  ];
}

/**
 * What a bridge passes from pod to pod, and the address by which one is told from another there. Without neighbour
 * discovery they would not find each other, nor their gateway; a router forwards none, so only a bridge's is let through.
 */
export function sharedRules(direction: 'egress' | 'ingress', families: readonly Family[]): readonly Rule[] {
  return [
    ...(families.includes(6) ? [[...isDiscovery, accept]] : []),
    ...families.map((family): Rule => {
      const address = direction === 'egress' ? source(family) : destination(family);
      return [
        isFamily(family),
        { kind: 'vmap', key: [interfaceOf(direction), address], map: SETS.shared(direction, family) },
      ];
    }),
  ];
}

function interfaceOf(direction: 'egress' | 'ingress'): 'meta iifname' | 'meta oifname' {
  return direction === 'egress' ? 'meta iifname' : 'meta oifname';
}
