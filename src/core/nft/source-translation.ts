import type { Family } from '../../base/ip/index.ts';
import type { BaseOptions } from './base-options.ts';
import { addressKey } from './key.ts';
import { RTN_LOCAL } from './model.ts';
import type { Rule, Statement } from './model.ts';
import { SETS } from './names.ts';
import type { TunnelSpec } from './overlay.ts';
import {
  CT_MARK,
  destination,
  hasCtMark,
  inSet,
  isFamily,
  leavesBy,
  leavesNotBy,
  nextHop,
  notInSet,
  OWN_INTERFACES,
  source,
} from './statements.ts';

/** What the last hook does to the sources of packets. */
export function postroutingRules(options: BaseOptions): Rule[] {
  const { families, tunnels, plainToNodes } = options;
  const masquerade: Statement = { kind: 'masquerade' };
  const toNoNode = (family: Family): Statement[] =>
    plainToNodes ? [notInSet([destination(family)], SETS.nodes(family))] : [];
  return families.flatMap((family) => [
    ...tunnels.flatMap((tunnel) => sourceFixUp(family, tunnel)),
    // A pod that reaches itself through a Service must see another source than its own.
    [isFamily(family), inSet([source(family), destination(family)], SETS.self(family)), masquerade],
    ...nodePortRules(family, options),
    // Traffic out of the cluster. Nodes are outside of every pool, and masqueraded to unless the settings spare them.
    [
      isFamily(family),
      inSet([source(family)], SETS.natPools(family)),
      notInSet([destination(family)], SETS.pools(family)),
      ...toNoNode(family),
      OWN_INTERFACES.notTo,
      masquerade,
    ],
  ]);
}

/**
 * What came in by a NodePort or to a Service's address and leaves for another node. Such a backend would answer the client
 * directly, which knows nothing of it; pods are led back to here by peers that know this node by what it sends: out of a
 * tunnel, or as the next hop. That does not help clients of the cluster, which come here only by an address that no node
 * has published: their own node would answer them, and no node takes a packet from its own address from outside.
 */
function nodePortRules(family: Family, { returnPaths, tunnels }: BaseOptions): Rule[] {
  const remote = [hasCtMark(CT_MARK.NODE_PORT), isFamily(family), OWN_INTERFACES.notTo];
  const masquerade: Statement = { kind: 'masquerade' };
  const [foreign, toNoPod] = [
    notInSet([source(family)], SETS.pools(family)),
    notInSet([destination(family)], SETS.pools(family)),
  ];
  const fromPodElsewhere: Rule = [
    ...remote,
    OWN_INTERFACES.notFrom,
    inSet([source(family)], SETS.pools(family)),
    masquerade,
  ];
  if (!returnPaths) return [fromPodElsewhere, [...remote, foreign, masquerade]];
  const unwrapped = tunnels.map(({ interface: device }) => leavesNotBy(device));
  return [
    fromPodElsewhere,
    [...remote, inSet([source(family)], SETS.nodes(family)), masquerade],
    [...remote, foreign, toNoPod, masquerade],
    // Nodes may be in a pool, too, lest pods come to them masqueraded; their answers are not led back.
    [...remote, foreign, inSet([destination(family)], SETS.nodes(family)), masquerade],
    // A router in between shows its own hardware address, not this node's.
    [...remote, foreign, ...unwrapped, notInSet([nextHop(family)], SETS.directPeers(family)), masquerade],
  ];
}

/** A socket may have taken its source before translation sent the packet into the overlay. */
function sourceFixUp(family: Family, { interface: device, addresses }: TunnelSpec): Rule[] {
  const own = addresses.find((each) => each.family === family);
  if (own === undefined) return [];
  const address = addressKey(own);
  return [
    [
      leavesBy(device),
      isFamily(family),
      { kind: 'compare', field: 'fib saddr type', op: '==', value: RTN_LOCAL },
      { kind: 'address', field: source(family), op: '!=', address },
      { kind: 'snat', family, address },
    ],
  ];
}
