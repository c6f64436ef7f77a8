import type { Family } from '../../base/ip/index.ts';
import type { Chain, Rule, Statement } from './model.ts';
import { CT_STATE, IPPROTO } from './model.ts';
import { CHAINS, SETS } from './names.ts';
import { CT_MARK, hasCtMark, hasState, isFamily, isNotOpening, isProtocol, source, verdict } from './statements.ts';
import type { PodInterfaces } from './statements.ts';

const accept = verdict('accept');
const drop = verdict('drop');

/** Multicast listener and neighbour discovery, types 130 to 137: without it a pod could not even be answered. */
export const isDiscovery: readonly Statement[] = [
  isFamily(6),
  isProtocol(IPPROTO.ICMPV6),
  { kind: 'range', field: 'icmpv6 type', first: 130, last: 137 },
];

/** Packets of no pod, of known connections and of discovery are not judged anew. */
const head = (pods: PodInterfaces, balanced: boolean): readonly Rule[] => [
  [pods.notFrom, accept],
  // On its way to a backend of a Service, not to the node.
  ...(balanced ? [[hasCtMark(CT_MARK.BALANCED), accept]] : []),
  [hasCtMark(CT_MARK.CUT), drop],
  [hasState(CT_STATE.ESTABLISHED | CT_STATE.RELATED), accept],
  [...isDiscovery, accept],
];

/**
 * Policy of what local pods send to this node itself, for the pods that have any. An accept ends this chain only. In the
 * families of `shared`, several pods may send through one interface.
 */
export function ownNodeChain(pods: PodInterfaces, shared: readonly Family[], balanced: boolean): Chain {
  return {
    name: CHAINS.ownNode,
    hook: { type: 'filter', hook: 'input', priority: -10 },
    rules: [
      ...head(pods, balanced),
      [hasState(CT_STATE.INVALID), drop],
      [...isNotOpening, drop],
      ...shared.map((family): Rule => [
        isFamily(family),
        { kind: 'vmap', key: ['meta iifname', source(family)], map: SETS.shared('ownNode', family) },
      ]),
      [{ kind: 'vmap', key: ['meta iifname'], map: SETS.ownNode }],
    ],
  };
}

/** Refuses what local pods send to this node itself, although their policies allow it. */
export function endpointToHostChain(pods: PodInterfaces, balanced: boolean): Chain {
  return {
    name: CHAINS.endpointToHost,
    hook: { type: 'filter', hook: 'input', priority: -5 },
    rules: [...head(pods, balanced), [drop]],
  };
}
