import { rangeOf } from '../../base/ip/index.ts';
import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import { intervalKeys } from './condition-matches.ts';
import { addressKey } from './key.ts';
import { CT_STATE, ETHERTYPE, IPPROTO, TCP_FLAG } from './model.ts';
import type { Chain, Field, FieldType, NamedSet, Operand, Rule, Ruleset, SetSpec, Statement } from './model.ts';
import type { TunnelSpec } from './overlay.ts';
import {
  comesNotFrom,
  destination,
  hasMark,
  hasState,
  isTcp,
  OWN_INTERFACES,
  PACKET_MARK,
  setMark,
  source,
  verdict,
} from './statements.ts';

/** What the fast path of a node depends on. */
export interface FastPath {
  /** Interfaces of this node's pods, with the pods' addresses. */
  readonly pods: readonly { readonly interface: string; readonly addresses: readonly Ip[] }[];
  /** Devices by which packets of pods go to other nodes and come from there. */
  readonly devices: readonly string[];
  /** Where pods of other nodes are, and the neighbour on the way to them. They do not overlap. */
  readonly hops: readonly { readonly destination: Cidr; readonly via: Ip }[];
}

/** What the fast path knows of connections lives so long, seconds: then a packet passes all rules again. */
const MEMORY = 30;
/** Connections that it knows at once, of each direction and family; others go the usual way. */
const MOST = 65_536;
/** A connection is learnt by one packet of so many: those that end soon are not worth it. */
const CHANCE = 32;

/** IPS_SRC_NAT and IPS_DST_NAT (linux/netfilter/nf_conntrack_common.h). */
const TRANSLATED = 0x30;

export const FAST_PATH_CHAIN = 'fast-path';

/**
 * In the node's table, before known packets are let pass: some of those of TCP that nothing is to be done to are marked as such
 * that {@link fastPathTable} may learn.
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

/** Sets of the fast path that packets fill. */
export const LEARNT: readonly string[] = ([4, 6] as const).flatMap((family) => [leaving(family), arriving(family)]);

/**
 * The table of family `netdev` by which packets of known connections between a pod and another node pass from device to device,
 * before the kernel routes, tracks or filters them. Nobody tells it of connections: it learns, by the packets that leave after
 * having passed all rules, which device they leave by. What begins or ends a connection goes the usual way, and so does everything
 * that the usual way would do something to: fragments, options, a hop limit that ends here. Without `learns` nothing is learnt of
 * what leaves.
 */
export function fastPathTable({ pods, devices, hops }: FastPath, learns = true): Ruleset {
  if (devices.length === 0) return { chains: new Map(), sets: new Map() };
  const chains = [
    ...pods.flatMap(({ interface: device, addresses }) => [
      chainAt(device, 'ingress', addresses.map(leavingRule)),
      chainAt(device, 'egress', learningRules(PACKET_MARK.ARRIVES, arriving)),
    ]),
    ...devices.flatMap((device) => [
      chainAt(device, 'ingress', FAMILIES.map(arrivingRule)),
      chainAt(device, 'egress', learns ? learningRules(PACKET_MARK.LEAVES, leaving) : []),
    ]),
  ];
  const sets = FAMILIES.flatMap((family): NamedSet[] => [
    { spec: connections(leaving(family), family), elements: new Map() },
    { spec: connections(arriving(family), family), elements: new Map() },
    hopsOf(family, hops),
  ]);
  return {
    chains: new Map(chains.map((chain) => [chain.name, chain])),
    sets: new Map(sets.map((set) => [set.spec.name, set])),
  };
}

const FAMILIES: readonly Family[] = [4, 6];
const accept = verdict('accept');

/** Of connections from this node's pods. */
function leaving(family: Family): string {
  return `leaving${family}`;
}

/** Of connections to this node's pods. */
function arriving(family: Family): string {
  return `arriving${family}`;
}

function hopsName(family: Family): string {
  return `hops${family}`;
}

/** Source, destination, both ports. */
function connections(name: string, family: Family): SetSpec {
  const address: FieldType = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
  return { name, key: [address, address, 'mark'], data: ['iface_index'], dynamic: true, size: MOST };
}

function hopsOf(family: Family, hops: FastPath['hops']): NamedSet {
  const address: FieldType = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
  const elements = hops
    .filter(({ destination, via }) => destination.ip.family === family && via.family === family)
    .map(({ destination, via }) => [intervalKeys(family, [rangeOf(destination)])[0]!, addressKey(via)] as const);
  return {
    spec: { name: hopsName(family), key: [address], data: [address], interval: true },
    elements: new Map(elements),
  };
}

function chainAt(device: string, hook: 'ingress' | 'egress', rules: readonly Rule[]): Chain {
  return { name: `${hook}-${device}`, hook: { type: 'filter', hook, device, priority: 0 }, rules };
}

/** From its own address only: the interface is the pod's. */
function leavingRule(ip: Ip): Rule {
  const { family } = ip;
  return [
    isUntagged(family),
    { kind: 'address', field: source(family), op: '==', address: addressKey(ip) },
    ...isPlain(family),
    { kind: 'pass-on', family, key: keyOf(family), map: leaving(family), hops: hopsName(family) },
  ];
}

function arrivingRule(family: Family): Rule {
  return [
    isUntagged(family),
    ...isPlain(family),
    { kind: 'pass-on', family, key: keyOf(family), map: arriving(family) },
  ];
}

function learningRules(mark: number, name: (family: Family) => string): readonly Rule[] {
  return [
    [{ ...hasMark(mark), op: '==' } as Statement, accept],
    ...FAMILIES.map((family): Rule => [
      isEther(family),
      { kind: 'learn-device', key: keyOf(family), map: name(family), seconds: MEMORY },
    ]),
  ];
}

/** Both addresses and both ports. */
function keyOf(family: Family): readonly Operand[] {
  return [source(family), destination(family), '@th,0,32'];
}

function isEther(family: Family): Extract<Statement, { kind: 'compare' }> {
  return { kind: 'compare', field: 'meta protocol', op: '==', value: family === 4 ? ETHERTYPE.IP : ETHERTYPE.IPV6 };
}

/** A frame of this network: the tag of another one would leave with what is passed on, and lead it there. */
function isUntagged(family: Family): Statement {
  return { ...isEther(family), field: '@ll,96,16' };
}

/** No fragment: neither MF nor an offset (RFC 791, 3.1). */
const FRAGMENT = 0x3fff;
/** Hop limits that are not used up: the kernel counts down and does not look whether there is one left. */
const HOPS = 0xfe;

/**
 * TCP in the midst of a connection, in a packet that a router has nothing to do to but to send it on. Fields of up to 4 bytes that
 * lie at a multiple of their length cost the kernel far less to load than others.
 */
function isPlain(family: Family): readonly Statement[] {
  const ends: Statement = compare('tcp flags', 0, TCP_FLAG.FIN | TCP_FLAG.SYN | TCP_FLAG.RST);
  if (family === 6) return [compare('@nh,48,8', IPPROTO.TCP), { ...compare('@nh,56,8', 0, HOPS), op: '!=' }, ends];
  return [
    // Version 4, and a header without options.
    compare('@nh,0,8', 0x45),
    compare('@nh,48,16', 0, FRAGMENT),
    { ...compare('@nh,64,8', 0, HOPS), op: '!=' },
    compare('@nh,72,8', IPPROTO.TCP),
    ends,
  ];
}

function compare(field: Field, value: number, mask?: number): Extract<Statement, { kind: 'compare' }> {
  return { kind: 'compare', field, ...(mask === undefined ? {} : { mask }), op: '==', value };
}
