import type { Family, Ip } from '../../base/ip/index.ts';
import { addressKey } from './key.ts';
import { CT_STATE, IPPROTO, RTN_LOCAL, TCP_FLAG } from './model.ts';
import type { Chain, Rule, SetSpec, Statement } from './model.ts';
import { SETS } from './names.ts';
import { isDiscovery } from './own-node.ts';
import {
  comesFrom,
  CT_MARK,
  destination,
  hasCtMark,
  hasState,
  inSet,
  isFamily,
  isNew,
  isNotOpening,
  isProtocol,
  isTcp,
  leavesBy,
  notInSet,
  LISTED_INTERFACES,
  OWN_INTERFACES,
  source,
  verdict,
} from './statements.ts';
import type { PodInterfaces } from './statements.ts';

/** How packets that carry others look from outside: UDP to a port, or IP within IPv4. */
export type OuterPacket = { readonly protocol: 'udp'; readonly port: number } | { readonly protocol: 'ipip' };

/** VXLAN's, on the port that IANA gave it. */
export const DEFAULT_OVERLAY: OuterPacket = { protocol: 'udp', port: 4789 };

/** The device of a tunnel to peers. */
export interface TunnelSpec {
  readonly interface: string;
  /** This node's addresses on it: the source of its own traffic there. */
  readonly addresses: readonly Ip[];
  /** Whether what comes out of it shows, by its hardware address, which peer sent it. */
  readonly tellsPeer: boolean;
  readonly outer: OuterPacket;
}

/** What the base chains depend on. */
export interface BaseOptions {
  readonly families: readonly Family[];
  readonly tunnels: readonly TunnelSpec[];
  /** What no pod may send: it would pass by the policies of whomever it is for. */
  readonly barred: readonly OuterPacket[];
  /** Whether peers lead answers back through this node, so that clients may keep their address. */
  readonly returnPaths: boolean;
  /** Whether pods keep their address towards nodes. */
  readonly plainToNodes: boolean;
}

const accept = verdict('accept');
const drop = verdict('drop');
const REFUSE = 'refuse';
/** Not ICMP for TCP: over IPv6 a local client would hear of it only when it tries for the second time, a second later. */
const REFUSALS: readonly Rule[] = [
  [isTcp, { kind: 'reject', with: 'tcp-reset' }],
  [{ kind: 'reject', with: 'port-unreachable' }],
];

/** The chains that exist whatever the cluster holds. All that varies besides {@link BaseOptions} is in sets. */
export function baseChains(options: BaseOptions): readonly Chain[] {
  const { families } = options;
  return [
    {
      name: 'raw-prerouting',
      hook: { type: 'filter', hook: 'prerouting', priority: -300 },
      rules: spoofRules(options, OWN_INTERFACES),
    },
    {
      name: 'return-path',
      hook: { type: 'filter', hook: 'prerouting', priority: -150 },
      rules: returnPathRules(options),
    },
    {
      name: 'return-path-end',
      hook: { type: 'filter', hook: 'postrouting', priority: -150 },
      rules: returnPathEnd(options),
    },
    { name: 'segment-size', hook: { type: 'filter', hook: 'forward', priority: -150 }, rules: segmentSizes(options) },
    { name: 'node-ports', rules: nodePortTranslation(families) },
    { name: REFUSE, rules: REFUSALS },
    {
      name: 'nat-prerouting',
      hook: { type: 'nat', hook: 'prerouting', priority: -100 },
      rules: [
        ...families.flatMap((family): Rule[] => [
          [OWN_INTERFACES.from, ...ownNodePort(family)],
          [OWN_INTERFACES.from, ...toService(family)],
          [OWN_INTERFACES.notFrom, ...toOutsideService(family)],
        ]),
        [verdict('jump node-ports')],
      ],
    },
    {
      name: 'nat-output',
      hook: { type: 'nat', hook: 'output', priority: -100 },
      rules: [...families.flatMap((family) => [ownNodePort(family), toService(family)]), [verdict('jump node-ports')]],
    },
    {
      name: 'service-forward',
      hook: { type: 'filter', hook: 'forward', priority: -20 },
      rules: refusalRules(families),
    },
    { name: 'service-output', hook: { type: 'filter', hook: 'output', priority: 0 }, rules: refusalRules(families) },
    { name: 'service-input', hook: { type: 'filter', hook: 'input', priority: 0 }, rules: ownAddressRefusal(families) },
    {
      name: 'egress',
      hook: { type: 'filter', hook: 'forward', priority: -10 },
      rules: policyRules('egress', families, OWN_INTERFACES),
    },
    {
      name: 'ingress',
      hook: { type: 'filter', hook: 'forward', priority: 0 },
      rules: policyRules('ingress', families, OWN_INTERFACES),
    },
    {
      name: 'nat-postrouting',
      hook: { type: 'nat', hook: 'postrouting', priority: 100 },
      rules: postroutingRules(options),
    },
  ];
}

/**
 * The base chains where another network wires and routes the pods: policy and nothing else. Only interfaces in the set of
 * pods' interfaces concern them.
 */
export function policyOnlyChains({ families, barred }: Pick<BaseOptions, 'families' | 'barred'>): readonly Chain[] {
  const chain = (direction: 'egress' | 'ingress', priority: number): Chain => ({
    name: direction,
    hook: { type: 'filter', hook: 'forward', priority },
    rules: policyRules(direction, families, LISTED_INTERFACES, sharedRules(direction, families)),
  });
  return [
    {
      name: 'raw-prerouting',
      hook: { type: 'filter', hook: 'prerouting', priority: -300 },
      rules: spoofRules({ families, barred }, LISTED_INTERFACES),
    },
    chain('egress', -10),
    chain('ingress', 0),
  ];
}

/** The sets that {@link policyOnlyChains} read besides those of the base chains. */
export function policyOnlySets(families: readonly Family[]): readonly SetSpec[] {
  const ways = ['egress', 'ingress', 'ownNode'] as const;
  return [
    { name: SETS.podInterfaces, key: ['ifname'], interval: true },
    ...families.flatMap((family) =>
      ways.map((way): SetSpec => ({
        name: SETS.shared(way, family),
        key: ['ifname', family === 4 ? 'ipv4_addr' : 'ipv6_addr'],
        data: 'verdict',
      })),
    ),
  ];
}

/** The sets that the base chains read. */
export function baseSets(families: readonly Family[]): readonly SetSpec[] {
  return [
    { name: SETS.egress, key: ['ifname'], data: 'verdict' },
    { name: SETS.ingress, key: ['ifname'], data: 'verdict' },
    { name: SETS.ownNode, key: ['ifname'], data: 'verdict' },
    { name: SETS.peers, key: ['ether_addr'], data: 'verdict' },
    ...families.flatMap(familySets),
  ];
}

function familySets(family: Family): SetSpec[] {
  const address = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
  const endpoint = [address, 'inet_service'] as const;
  return [
    { name: SETS.source(family), key: ['ifname', address] },
    { name: SETS.self(family), key: [address, address] },
    { name: SETS.pools(family), key: [address], interval: true },
    { name: SETS.natPools(family), key: [address], interval: true },
    { name: SETS.nodes(family), key: [address] },
    { name: SETS.clusterIps(family), key: [address] },
    { name: SETS.services(family), key: [address, 'inet_proto', 'inet_service'], data: 'verdict' },
    {
      name: SETS.serviceEndpoints(family),
      key: [address, 'inet_proto', 'inet_service', 'integer'],
      data: endpoint,
    },
    { name: SETS.outsideServices(family), key: [address, 'inet_proto', 'inet_service'], data: 'verdict' },
    {
      name: SETS.outsideServiceEndpoints(family),
      key: [address, 'inet_proto', 'inet_service', 'integer'],
      data: endpoint,
    },
    { name: SETS.serviceSources(family), key: [address, 'inet_proto', 'inet_service', address], interval: true },
    { name: SETS.servicesRefused(family), key: [address, 'inet_proto', 'inet_service'] },
    { name: SETS.nodePorts(family), key: ['inet_proto', 'inet_service'], data: 'verdict' },
    { name: SETS.nodePortEndpoints(family), key: ['inet_proto', 'inet_service', 'integer'], data: endpoint },
    { name: SETS.ownNodePorts(family), key: ['inet_proto', 'inet_service'], data: 'verdict' },
    { name: SETS.ownNodePortEndpoints(family), key: ['inet_proto', 'inet_service', 'integer'], data: endpoint },
    { name: SETS.nodePortsRefused(family), key: ['inet_proto', 'inet_service'] },
  ];
}

/** A pod sends from its own addresses only; an interface that is not in the set belongs to no known pod. */
function spoofRules({ families, barred }: Pick<BaseOptions, 'families' | 'barred'>, pods: PodInterfaces): Rule[] {
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
  return [[pods.notFrom, accept], ...barred.map((outer) => [...looksLike(outer), drop]), ...own, ...discovery, [drop]];
}

/** Matches for packets that carry others. */
export function looksLike(outer: OuterPacket): readonly Statement[] {
  if (outer.protocol === 'ipip') return [isFamily(4), isProtocol(IPPROTO.IPIP)];
  return [isProtocol(IPPROTO.UDP), { kind: 'compare', field: 'th dport', op: '==', value: outer.port }];
}

/**
 * Pods keep the MTU that they were born with; a path that became narrower since, or whose routers keep silent about it,
 * would swallow their big packets.
 */
function segmentSizes({ tunnels }: BaseOptions): Rule[] {
  const syn: Statement = {
    kind: 'compare',
    field: 'tcp flags',
    mask: TCP_FLAG.SYN | TCP_FLAG.RST,
    op: '==',
    value: TCP_FLAG.SYN,
  };
  return tunnels.flatMap(({ interface: device }) =>
    [comesFrom(device), leavesBy(device)].map((crosses): Rule => [crosses, isTcp, syn, { kind: 'clamp-mss' }]),
  );
}

/**
 * A connection of no pod's to a pod that a peer hands over, out of the tunnel or directly, was sent here by the node that
 * it entered by, for the sake of a NodePort: its answers must go back there, since only that node can translate them
 * back. What a peer sends on its own account goes back to it in any case.
 */
function returnPathRules({ families }: BaseOptions): Rule[] {
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
function returnPathEnd({ tunnels }: BaseOptions): Rule[] {
  const marked: Statement = { kind: 'compare', field: 'meta mark', mask: CT_MARK.PEER, op: '!=', value: 0 };
  const clear: Statement = { kind: 'set-mark', target: 'meta mark', mask: CT_MARK.PEER, value: 0 };
  return tunnels.map(({ interface: device }) => [leavesBy(device), marked, clear]);
}

/** The chain for connections that came through the peer with this mark. */
export function peerChain(name: string, mark: number): Chain {
  return { name, rules: [[{ kind: 'set-mark', target: 'ct mark', mask: CT_MARK.PEER, value: mark }]] };
}

/** Translation of NodePorts. Chains of the map end in a destination. */
function nodePortTranslation(families: readonly Family[]): Rule[] {
  const isLocal: Statement = { kind: 'compare', field: 'fib daddr type', op: '==', value: RTN_LOCAL };
  return families.map((family): Rule => {
    // A client on the loopback address cannot be answered by a pod, so NodePorts are not offered there.
    const notLoopback: Statement =
      family === 4
        ? { kind: 'address', field: 'ip daddr', op: '!=', address: '7f000000', prefix: 8 }
        : { kind: 'address', field: 'ip6 daddr', op: '!=', address: '1'.padStart(32, '0') };
    const key = ['meta l4proto', 'th dport'] as const;
    return [isFamily(family), isLocal, notLoopback, { kind: 'vmap', key, map: SETS.nodePorts(family) }];
  });
}

/** The addresses that Services have, for this node and its pods. */
export function toService(family: Family): Rule {
  return [isFamily(family), { kind: 'vmap', key: frontend(family), map: SETS.services(family) }];
}

/** The same for what comes from elsewhere: by routes that BGP spreads, a load balancer's or somebody's own. */
function toOutsideService(family: Family): Rule {
  return [isFamily(family), { kind: 'vmap', key: frontend(family), map: SETS.outsideServices(family) }];
}

const frontend = (family: Family) => [destination(family), 'meta l4proto', 'th dport'] as const;

/**
 * This node and its pods are led straight to the backend, whichever node they address: at that node, policy would see
 * another source, and a backend here could not be reached at all, since no node takes a packet from its own address.
 */
export function ownNodePort(family: Family): Rule {
  return [
    isFamily(family),
    inSet([destination(family)], SETS.nodes(family)),
    { kind: 'vmap', key: ['meta l4proto', 'th dport'], map: SETS.ownNodePorts(family) },
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

/** External addresses may be the node's own. */
function ownAddressRefusal(families: readonly Family[]): Rule[] {
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

/** What policy is not asked about: connections that are cut, those that are known, and what belongs to none. */
export const CONNECTIONS: readonly Rule[] = [
  [hasCtMark(CT_MARK.CUT), drop],
  [hasState(CT_STATE.ESTABLISHED | CT_STATE.RELATED), accept],
  // Translation passes over what belongs to no connection: a late answer would show a Service's client the backend's
  // own address, and the client would reset the connection.
  [hasState(CT_STATE.INVALID), drop],
  [...isNotOpening, drop],
];

/**
 * Policy of one direction, for packets that cross this node. Those between the node itself and its pods pass other hooks,
 * where those of the node are always allowed (for those of the pods see own-node.ts). An accept here ends only this base chain, so both directions must agree.
 */
function policyRules(
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
function sharedRules(direction: 'egress' | 'ingress', families: readonly Family[]): readonly Rule[] {
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

/**
 * What came in by a NodePort and leaves for another node. Such a backend would answer the client directly, which knows
 * nothing of it; pods are led back to here where there are return paths. That does not help clients of the cluster, which
 * come here only by an address that no Node object shows: their own node would answer them, and no node takes a packet
 * from its own address from outside.
 */
function nodePortRules(family: Family, { returnPaths, tunnels }: BaseOptions): Rule[] {
  const remote = [hasCtMark(CT_MARK.NODE_PORT), isFamily(family), OWN_INTERFACES.notTo];
  const masquerade: Statement = { kind: 'masquerade' };
  const [foreign, toNoPod] = [
    notInSet([source(family)], SETS.pools(family)),
    notInSet([destination(family)], SETS.pools(family)),
  ];
  const fromPodElsewhere = [OWN_INTERFACES.notFrom, inSet([source(family)], SETS.pools(family))];
  // The backend's node could not tell whom to lead the answers back to.
  const silent = tunnels.filter(({ tellsPeer }) => !tellsPeer);
  const rules: Rule[] = [
    [...remote, ...fromPodElsewhere, masquerade],
    ...silent.map(({ interface: device }) => [...remote, leavesBy(device), masquerade]),
  ];
  if (!returnPaths) return [...rules, [...remote, foreign, masquerade]];
  return [
    ...rules,
    [...remote, inSet([source(family)], SETS.nodes(family)), masquerade],
    [...remote, foreign, toNoPod, masquerade],
    // Nodes may be in a pool, too, lest pods come to them masqueraded; their answers are not led back.
    [...remote, foreign, inSet([destination(family)], SETS.nodes(family)), masquerade],
  ];
}

function postroutingRules(options: BaseOptions): Rule[] {
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
