import type { Family } from '../../base/ip/index.ts';
import type { BaseOptions } from './base-options.ts';
import { FRONTENDS } from './compile-service.ts';
import type { Spread } from './compile-service.ts';
import { notLoopback } from './host-ports.ts';
import { CT_STATE, RTN_LOCAL } from './model.ts';
import type { Operand, Rule, Statement } from './model.ts';
import { SETS } from './names.ts';
import { destination, hasState, inSet, isFamily, isNew, isTcp, verdict } from './statements.ts';

/** The chain that refuses what comes to it. */
export const REFUSE = 'refuse';

/**
 * Its rules. Not ICMP for TCP: over IPv6 a local client would hear of it only when it tries for the second time, a second
 * later.
 */
export const REFUSALS: readonly Rule[] = [
  [isTcp, { kind: 'reject', with: 'tcp-reset' }],
  [{ kind: 'reject', with: 'port-unreachable' }],
];

/** Translation of NodePorts. Chains of the map end in a destination. */
export function nodePortTranslation(families: readonly Family[]): Rule[] {
  const isLocal: Statement = { kind: 'compare', field: 'fib daddr type', op: '==', value: RTN_LOCAL };
  return families.map((family): Rule => {
    const key = ['meta l4proto', 'th dport'] as const;
    return [isFamily(family), isLocal, notLoopback(family), spreadBy(key, 'node-port', family)];
  });
}

/** The addresses that Services have, for this node and its pods. */
export function toService(family: Family): Rule {
  return [isFamily(family), spreadBy(frontend(family), 'service', family)];
}

/** The same for what comes from elsewhere: by routes that BGP spreads, a load balancer's or somebody's own. */
export function toOutsideService(family: Family): Rule {
  return [isFamily(family), spreadBy(frontend(family), 'outside-service', family)];
}

const spreadBy = (key: readonly Operand[], kind: Spread['kind'], family: Family): Statement => ({
  kind: 'vmap',
  key,
  through: FRONTENDS[kind](family),
  map: SETS.spreads(kind, family),
});

const frontend = (family: Family) => [destination(family), 'meta l4proto', 'th dport'] as const;

/**
 * This node and its pods are led straight to the backend, whichever node they address: at that node, policy would see
 * another source, and a backend here could not be reached at all, since no node takes a packet from its own address.
 */
export function ownNodePort(family: Family): Rule {
  return [
    isFamily(family),
    inSet([destination(family)], SETS.nodes(family)),
    spreadBy(['meta l4proto', 'th dport'], 'own-node-port', family),
  ];
}

/**
 * What is still addressed to a ClusterIP after translation has no such port or no endpoint: refuse it at once. Other
 * addresses of Services may be somebody's else, too, and only the Service's own ports are spoken for.
 */
export function refusalRules(families: readonly Family[]): Rule[] {
  return families.flatMap((family): Rule[] => [
    [isFamily(family), isNew, inSet([destination(family)], SETS.clusterIps(family)), verdict(`goto ${REFUSE}`)],
    withoutEndpoint(family),
  ]);
}

/**
 * What the world outside was told to send here and no Service has: the node's own routes lead it back to where it came from,
 * from where it would come again until its time to live is over.
 */
export function loopRules({
  families,
  strayServicePackets: fate,
}: Pick<BaseOptions, 'families' | 'strayServicePackets'>): Rule[] {
  if (fate === 'route') return [];
  const unknown = hasState(CT_STATE.NEW | CT_STATE.INVALID);
  return families.map((family): Rule => [
    isFamily(family),
    unknown,
    inSet([destination(family)], SETS.advertised(family)),
    verdict(fate === 'drop' ? 'drop' : `goto ${REFUSE}`),
  ]);
}

/** External addresses may be the node's own. */
export function ownAddressRefusal(families: readonly Family[]): Rule[] {
  return families.flatMap((family): Rule[] => [
    withoutEndpoint(family),
    [
      isFamily(family),
      isNew,
      inSet(['meta l4proto', 'th dport'], SETS.nodePortsRefused(family)),
      verdict(`goto ${REFUSE}`),
    ],
  ]);
}

function withoutEndpoint(family: Family): Rule {
  return [isFamily(family), isNew, inSet(frontend(family), SETS.servicesRefused(family)), verdict(`goto ${REFUSE}`)];
}
