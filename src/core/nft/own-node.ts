import type { Chain, Rule, Statement } from './model.ts';
import { CT_STATE, IPPROTO } from './model.ts';
import { CHAINS, SETS } from './names.ts';
import {
  comesNotFrom,
  CT_MARK,
  hasCtMark,
  hasState,
  isFamily,
  isNotOpening,
  isProtocol,
  POD_INTERFACES,
  verdict,
} from './statements.ts';

const accept = verdict('accept');
const drop = verdict('drop');

/** Multicast listener and neighbour discovery, types 130 to 137: without it a pod could not even be answered. */
const isDiscovery: readonly Statement[] = [
  isFamily(6),
  isProtocol(IPPROTO.ICMPV6),
  { kind: 'range', field: 'icmpv6 type', first: 130, last: 137 },
];

/** Packets of no pod, of known connections and of discovery are not judged anew. */
const HEAD: readonly Rule[] = [
  [comesNotFrom(POD_INTERFACES), accept],
  [hasCtMark(CT_MARK.CUT), drop],
  [hasState(CT_STATE.ESTABLISHED | CT_STATE.RELATED), accept],
  [...isDiscovery, accept],
];

/** Policy of what local pods send to this node itself, for the pods that have any. An accept ends this chain only. */
export function ownNodeChain(): Chain {
  return {
    name: CHAINS.ownNode,
    hook: { type: 'filter', hook: 'input', priority: -10 },
    rules: [
      ...HEAD,
      [hasState(CT_STATE.INVALID), drop],
      [...isNotOpening, drop],
      [{ kind: 'vmap', key: ['meta iifname'], map: SETS.ownNode }],
    ],
  };
}

/** Refuses what local pods send to this node itself, although their policies allow it. */
export function endpointToHostChain(): Chain {
  return {
    name: CHAINS.endpointToHost,
    hook: { type: 'filter', hook: 'input', priority: -5 },
    rules: [...HEAD, [drop]],
  };
}
