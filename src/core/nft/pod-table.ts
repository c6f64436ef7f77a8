import type { Family, Ip } from '../../base/ip/index.ts';
import { CONNECTIONS } from './policy-rules.ts';
import { ownNodePort, refusalRules, toService } from './service-rules.ts';
import { referencesOf, setChange, targetOf, transactionOf } from './diff.ts';
import type { SetChange } from './diff.ts';
import { addressKey, ifnameKey } from './key.ts';
import type { Chain, NamedSet, Rule, Ruleset, Statement, Transaction, Verdict } from './model.ts';
import { IPPROTO, RTN_UNICAST } from './model.ts';
import { SETS } from './names.ts';
import { isDiscovery } from './own-node.ts';
import {
  comesFrom,
  comesNotFrom,
  hasCtMark,
  isFamily,
  isNew,
  isProtocol,
  leavesBy,
  leavesNotBy,
  source,
  verdict,
} from './statements.ts';

/** A pod whose packets do not cross the node: its namespace has a table of its own. */
export interface PodSite {
  /** What the node's table knows the pod by: the host's end of its second link. */
  readonly interface: string;
  /** The pod's link to everybody but its node. */
  readonly ifname: string;
  /** The pod's link to its node, where the node has judged already what comes, and judges what goes. */
  readonly nodeLink: string;
  readonly addresses: readonly Ip[];
  /** Packet mark of what leaves by `ifname`; see wire-guard.ts. */
  readonly seal: number;
}

/** Bit of the mark, of connection and packet, for what came by the link to the node: answers go back there. */
export const NODE_LINK_MARK = 0x4;

/** What a chain for policy is called in the pod's own table, by direction. */
const OWN_EGRESS = 'egress-from-own-address';

const accept = verdict('accept');
const drop = verdict('drop');
/** ICMPv6 type of the second version's listener reports (RFC 3810), with which a pod joins the groups that discovery needs. */
const LISTENER_REPORT: readonly Statement[] = [
  isFamily(6),
  isProtocol(IPPROTO.ICMPV6),
  { kind: 'compare', field: 'icmpv6 type', op: '==', value: 143 },
];
const DISCOVERY: readonly Rule[] = [
  [...isDiscovery, accept],
  [...LISTENER_REPORT, accept],
];

/**
 * The tables of pods that have one of their own: what the node's table `node` says of such a pod, with the hooks that its
 * packets pass, and of the node's chains and sets those that this leads to, which are the very same. So policy is compiled
 * once. The function that is returned is for use before `node` changes.
 */
export function podTables(node: Ruleset): (site: PodSite) => Ruleset {
  const families = ([4, 6] as const).filter((family) => node.sets.has(SETS.source(family)));
  const targets = new Map<NamedSet, readonly string[]>();
  const targetsOf = (set: NamedSet): readonly string[] => {
    if (set.spec.data !== 'verdict') return [];
    let known = targets.get(set);
    if (known === undefined)
      targets.set(set, (known = [...new Set([...set.elements.values()].flatMap((each) => targetOf(each) ?? []))]));
    return known;
  };
  return (site) => {
    const chains = new Map(ownChains(site, node, families).map((chain) => [chain.name, chain]));
    const sets = new Map<string, NamedSet>();
    const reach = (name: string): void => {
      const chain = node.chains.get(name);
      if (chain !== undefined && !chains.has(name)) chains.set(name, chain);
    };
    // What is added on the way is visited, too.
    for (const { rules } of chains.values())
      for (const name of rules.flatMap(referencesOf)) {
        reach(name);
        const set = node.sets.get(name);
        if (set === undefined || sets.has(name)) continue;
        sets.set(name, set);
        for (const target of targetsOf(set)) reach(target);
      }
    return { chains, sets };
  };
}

/**
 * The transaction that brings a pod's table along when `change` has led the node's to a new state. `before` and `after`
 * are what {@link podTables} said of the two states; of `before` only chains and names of sets are read.
 */
export function followingChange(before: Ruleset, after: Ruleset, change: Transaction): Transaction {
  const touched = elementChanges(change);
  const chains = [...new Set([...before.chains.keys(), ...after.chains.keys()])].map((name) => ({
    before: before.chains.get(name),
    after: after.chains.get(name),
  }));
  const sets = [...new Set([...before.sets.keys(), ...after.sets.keys()])].flatMap((name): SetChange[] => {
    const [was, is] = [before.sets.get(name), after.sets.get(name)];
    if (was === undefined || is === undefined) return [setChange(was, is)];
    const change = touched.get(name);
    return change === undefined ? [] : [{ before: is.spec, after: is.spec, ...change }];
  });
  return transactionOf(chains, sets);
}

function elementChanges(change: Transaction): ReadonlyMap<string, Pick<SetChange, 'added' | 'removed'>> {
  const result = new Map<string, Pick<SetChange, 'added' | 'removed'>>();
  for (const op of change) {
    if (op.op !== 'add-elements' && op.op !== 'delete-elements') continue;
    const { added, removed } = result.get(op.spec.name) ?? { added: [], removed: [] };
    const more = op.op === 'add-elements';
    result.set(op.spec.name, {
      added: more ? [...added, ...op.elements] : added,
      removed: more ? removed : [...removed, ...op.elements],
    });
  }
  return result;
}

function ownChains(site: PodSite, node: Ruleset, families: readonly Family[]): readonly Chain[] {
  const { ifname, nodeLink, addresses, seal } = site;
  const judge = (direction: 'egress' | 'ingress'): readonly Rule[] => [
    ...CONNECTIONS,
    // Whoever is not known is closed, as on the node.
    [verdict((node.sets.get(SETS[direction])?.elements.get(ifnameKey(site.interface)) ?? 'drop') as Verdict)],
  ];
  const markNodeLink = { kind: 'set-mark', target: 'ct mark', mask: NODE_LINK_MARK, value: NODE_LINK_MARK } as const;
  return [
    {
      name: 'from-node',
      hook: { type: 'filter', hook: 'prerouting', priority: -150 },
      rules: [[comesFrom(nodeLink), isNew, markNodeLink]],
    },
    {
      name: 'to-node',
      hook: { type: 'route', hook: 'output', priority: -150 },
      rules: [[hasCtMark(NODE_LINK_MARK), { kind: 'copy-mark', mask: NODE_LINK_MARK }]],
    },
    {
      name: 'nat-output',
      hook: { type: 'nat', hook: 'output', priority: -100 },
      rules: families.flatMap((family) => [ownNodePort(family), toService(family)]),
    },
    {
      name: 'service-output',
      hook: { type: 'filter', hook: 'output', priority: -20 },
      rules: refusalRules(families),
    },
    {
      // Not output: a packet that translation has sent another way still shows the first device there.
      name: 'egress',
      hook: { type: 'filter', hook: 'postrouting', priority: -10 },
      rules: [
        [leavesNotBy(ifname), accept],
        ...DISCOVERY,
        // The right to send raw packets is not the right to send as somebody else.
        ...addresses.map((ip): Rule => [
          isFamily(ip.family),
          { kind: 'address', field: source(ip.family), op: '==', address: addressKey(ip) },
          verdict(`goto ${OWN_EGRESS}`),
        ]),
        [drop],
      ],
    },
    { name: OWN_EGRESS, rules: judge('egress') },
    {
      name: 'seal',
      hook: { type: 'filter', hook: 'postrouting', priority: 10 },
      rules: [
        [
          leavesBy(ifname),
          { kind: 'compare', field: 'fib daddr type', op: '==', value: RTN_UNICAST },
          { kind: 'set-mark', target: 'meta mark', mask: 0xffffffff, value: seal },
        ],
      ],
    },
    {
      name: 'ingress',
      hook: { type: 'filter', hook: 'input', priority: -10 },
      rules: [[comesNotFrom(ifname), accept], ...DISCOVERY, ...judge('ingress')],
    },
  ];
}
