import { bitsOf, intervalSet } from '../../base/ip/index.ts';
import type { Family, IntervalSet } from '../../base/ip/index.ts';
import type {
  BlockPeer,
  Condition,
  DomainPeer,
  EndpointPeer,
  NodePeer,
  Peer,
  PodPeer,
  PortMatch,
  ServicePeer,
  Side,
} from '../policy/model.ts';
import { portKey, protoKey, rangeKey } from './key.ts';
import type { Match } from './match.ts';
import { ANYTHING, product } from './match.ts';
import { IPPROTO } from './model.ts';
import type { ElementKey, Operand, Statement } from './model.ts';
import { destination, inSet, notInSet, source } from './statements.ts';

/** Where compiled rules find their sets. Naming one also keeps it alive, so call each only for what a rule will read. */
export interface SetNames {
  /** Addresses of the pods of the peer. */
  pods(peer: PodPeer, family: Family): string;
  /** The block's addresses; `everything` when no address of the family is missing, `nothing` when all are. */
  block(peer: BlockPeer): { readonly set: string } | 'everything' | 'nothing';
  /** Addresses of the nodes of the peer. */
  nodes(peer: NodePeer, family: Family): string;
  /** Sets that hold the addresses of the peer's endpoints between them. */
  endpoints(peer: EndpointPeer, family: Family): readonly string[];
  /** `address . protocol . port` of the Service's endpoints as destinations, their addresses as sources. */
  service(peer: ServicePeer, side: Side, family: Family): string;
  /** The addresses that the names of the peer are known to have. */
  domain(peer: DomainPeer, family: Family): string;
  /** Sets that hold between them the `address . protocol . port` of every pod and host endpoint with the named port. */
  namedPort(port: PortMatch & { readonly kind: 'named' }, family: Family): readonly string[];
  /** An interval set of `protocol . port` with exactly these elements. */
  ports(elements: readonly ElementKey[]): string;
}

/** Up to so many port ranges are compared one by one; more go into a set. */
const INLINE_RANGES = 2;

/** The packets for which the condition holds. */
export function conditionMatches(condition: Condition, families: readonly Family[], names: SetNames): Match[] {
  switch (condition.kind) {
    case 'family':
      return [{ family: condition.family, statements: [] }];
    case 'protocol': {
      const { protocol, negate } = condition;
      return [negate ? { notProtocols: [protocol], statements: [] } : { protocol, statements: [] }];
    }
    case 'icmp':
      return icmpMatches(condition);
    case 'peer': {
      const { side, peers, negate } = condition;
      return negate
        ? peersExcluded(peers, side, families, names)
        : peers.flatMap((peer) => peerMatches(peer, side, families, names));
    }
    case 'port': {
      const { side, ports, negate } = condition;
      return negate ? portsExcluded(ports, side, families, names) : portMatches(ports, side, families, names);
    }
  }
}

function icmpMatches({ type, code, negate }: Condition & { readonly kind: 'icmp' }): Match[] {
  return ([4, 6] as const).flatMap((family) => {
    const name = family === 4 ? ('icmp' as const) : ('icmpv6' as const);
    const is = (part: 'type' | 'code', op: '==' | '!=', value: number): Statement => ({
      kind: 'compare',
      field: `${name} ${part}`,
      op,
      value,
    });
    const icmp = { family, protocol: family === 4 ? IPPROTO.ICMP : IPPROTO.ICMPV6 };
    const both = code === undefined ? [is('type', '==', type)] : [is('type', '==', type), is('code', '==', code)];
    if (!negate) return [{ ...icmp, statements: both }];
    const other: Match = { ...icmp, statements: [is('type', '!=', type)] };
    if (code === undefined) return [other];
    return [other, { ...icmp, statements: [is('type', '==', type), is('code', '!=', code)] }];
  });
}

/** The packets whose `side` is of the peer. */
export function peerMatches(peer: Peer, side: Side, families: readonly Family[], names: SetNames): Match[] {
  return families.flatMap((family) => {
    const sets = peerSets(peer, side, family, names);
    if (sets === 'everything') return [{ family, statements: [] }];
    return sets.map(({ key, set }) => ({ family, statements: [inSet(key, set)] }));
  });
}

/** The packets whose `side` is of none of the peers: one way per family, since no set may hold it. */
function peersExcluded(peers: readonly Peer[], side: Side, families: readonly Family[], names: SetNames): Match[] {
  if (peers.length === 0) return [ANYTHING];
  return families.flatMap((family) => {
    const sets = peers.map((peer) => peerSets(peer, side, family, names));
    if (sets.includes('everything')) return [];
    const statements = sets.flatMap((each) => (each === 'everything' ? [] : each));
    return [{ family, statements: statements.map(({ key, set }) => notInSet(key, set)) }];
  });
}

interface SetLookup {
  readonly key: readonly Operand[];
  readonly set: string;
}

/** The sets that hold the peer's addresses between them. */
function peerSets(peer: Peer, side: Side, family: Family, names: SetNames): readonly SetLookup[] | 'everything' {
  const key = [addressOf(side, family)];
  switch (peer.kind) {
    case 'pods':
      return [{ key, set: names.pods(peer, family) }];
    case 'block': {
      const block = peer.family === family ? names.block(peer) : 'nothing';
      if (block === 'everything') return 'everything';
      return block === 'nothing' ? [] : [{ key, set: block.set }];
    }
    case 'nodes':
      return [{ key, set: names.nodes(peer, family) }];
    case 'endpoints':
      return names.endpoints(peer, family).map((set) => ({ key, set }));
    case 'service': {
      const set = names.service(peer, side, family);
      return [{ key: side === 'source' ? key : [...key, 'meta l4proto', 'th dport'], set }];
    }
    case 'domain':
      return side === 'source' ? [] : [{ key, set: names.domain(peer, family) }];
  }
}

/** The packets whose port on `side` is one of the list; never a protocol without ports. */
export function portMatches(
  ports: readonly PortMatch[],
  side: Side,
  families: readonly Family[],
  names: SetNames,
): Match[] {
  const whole = wholeProtocols(ports);
  const matches: Match[] = [...whole].map((protocol) => ({ protocol, statements: [] }));
  const ranges = mergedRanges(ports.filter((port) => !whole.has(IPPROTO[port.protocol])));
  const field = portOf(side);
  if (ranges.length <= INLINE_RANGES)
    matches.push(...ranges.map((range) => ({ protocol: range.protocol, statements: [portIs(field, range, false)] })));
  else {
    const set = names.ports(ranges.map(portRangeKey));
    matches.push({ statements: [inSet(['meta l4proto', field], set)] });
  }
  for (const port of ports) {
    if (port.kind !== 'named') continue;
    for (const family of families) {
      const key = [addressOf(side, family), 'meta l4proto', field] as const;
      for (const set of names.namedPort(port, family)) matches.push({ family, statements: [inSet(key, set)] });
    }
  }
  return matches;
}

/** The packets whose port on `side` is none of the list: of protocols that are not in it, or with other ports. */
function portsExcluded(ports: readonly PortMatch[], side: Side, families: readonly Family[], names: SetNames): Match[] {
  const whole = wholeProtocols(ports);
  const listed = new Set(ports.map((port) => IPPROTO[port.protocol]));
  const matches: Match[] = [{ notProtocols: [...listed], statements: [] }];
  for (const protocol of listed) {
    if (whole.has(protocol)) continue;
    const own = ports.filter((port) => IPPROTO[port.protocol] === protocol);
    matches.push(
      ...product([[{ protocol, statements: [] }], otherPorts(own, side, names), notNamed(own, side, families, names)]),
    );
  }
  return matches;
}

function otherPorts(ports: readonly PortMatch[], side: Side, names: SetNames): Match[] {
  const field = portOf(side);
  const ranges = mergedRanges(ports);
  if (ranges.length <= INLINE_RANGES) return [{ statements: ranges.map((range) => portIs(field, range, true)) }];
  return [{ statements: [notInSet(['meta l4proto', field], names.ports(ranges.map(portRangeKey)))] }];
}

function notNamed(ports: readonly PortMatch[], side: Side, families: readonly Family[], names: SetNames): Match[] {
  const named = ports.filter((port) => port.kind === 'named');
  if (named.length === 0) return [ANYTHING];
  return families.map((family) => {
    const key = [addressOf(side, family), 'meta l4proto', portOf(side)] as const;
    return {
      family,
      statements: named.flatMap((port) => names.namedPort(port, family).map((set) => notInSet(key, set))),
    };
  });
}

function wholeProtocols(ports: readonly PortMatch[]): Set<number> {
  return new Set(ports.filter((port) => port.kind === 'all').map((port) => IPPROTO[port.protocol]));
}

function addressOf(side: Side, family: Family): Operand {
  return side === 'source' ? source(family) : destination(family);
}

function portOf(side: Side): 'th sport' | 'th dport' {
  return side === 'source' ? 'th sport' : 'th dport';
}

interface PortRange {
  readonly protocol: number;
  readonly first: number;
  readonly last: number;
}

/** The numeric ports, overlaps merged, since intervals of one set must not overlap. */
function mergedRanges(ports: readonly PortMatch[]): PortRange[] {
  const byProtocol = new Map<number, { first: bigint; last: bigint }[]>();
  for (const port of ports) {
    if (port.kind !== 'range') continue;
    const protocol = IPPROTO[port.protocol];
    const list = byProtocol.get(protocol) ?? [];
    list.push({ first: BigInt(port.first), last: BigInt(port.last) });
    byProtocol.set(protocol, list);
  }
  return [...byProtocol].flatMap(([protocol, list]) =>
    intervalSet(list).map(({ first, last }) => ({ protocol, first: Number(first), last: Number(last) })),
  );
}

function portIs(field: 'th sport' | 'th dport', { first, last }: PortRange, negate: boolean): Statement {
  if (first === last) return { kind: 'compare', field, op: negate ? '!=' : '==', value: first };
  return { kind: 'range', field, first, last, ...(negate ? { negate } : {}) };
}

function portRangeKey({ protocol, first, last }: PortRange): ElementKey {
  return rangeKey(protoKey(protocol) + portKey(first), protoKey(protocol) + portKey(last));
}

/** The elements of an interval set of addresses. */
export function intervalKeys(family: Family, ranges: IntervalSet): ElementKey[] {
  const digits = bitsOf(family) / 4;
  const hex = (value: bigint) => value.toString(16).padStart(digits, '0');
  return ranges.map(({ first, last }) => rangeKey(hex(first), hex(last)));
}

/** Whether the ranges are all addresses of the family. */
export function isEverything(family: Family, ranges: IntervalSet): boolean {
  return ranges.length === 1 && ranges[0]!.first === 0n && ranges[0]!.last === (1n << BigInt(bitsOf(family))) - 1n;
}
