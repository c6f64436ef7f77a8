import { bitsOf, intervalSet } from '../../base/ip/index.ts';
import type { Family, IntervalSet } from '../../base/ip/index.ts';
import type { BlockPeer, Direction, Peer, PodPeer, Policy, PortMatch, Rule as PolicyRule } from '../policy/model.ts';
import { portKey, protoKey, rangeKey } from './key.ts';
import { IPPROTO } from './model.ts';
import type { ElementKey, Rule, Statement } from './model.ts';
import { destination, inSet, isFamily, isProtocol, source, verdict } from './statements.ts';

/** Where compiled rules find their sets. Naming one also keeps it alive, so call each only for what a rule will read. */
export interface SetNames {
  /** Addresses of the pods of the peer. */
  pods(peer: PodPeer, family: Family): string;
  /** The block's addresses; `everything` when no address of the family is missing, `nothing` when all are. */
  block(peer: BlockPeer): { readonly set: string } | 'everything' | 'nothing';
  /** `address . protocol . port` of every pod that declares the named port. */
  namedPort(port: PortMatch & { readonly kind: 'named' }, family: Family): string;
  /** An interval set of `protocol . port` with exactly these elements. */
  ports(elements: readonly ElementKey[]): string;
}

/** Up to so many port ranges are compared one by one; more go into a set. */
const INLINE_RANGES = 2;

/**
 * The rules of one policy in one direction: a packet that some rule allows is accepted, any other falls through. The
 * number of rules is peers × ports (× families), whatever number of pods they stand for.
 */
export function compilePolicy(
  policy: Policy,
  direction: Direction,
  families: readonly Family[],
  names: SetNames,
): readonly Rule[] {
  return policy[direction].flatMap((rule) => compileRule(rule, direction, families, names));
}

function compileRule(rule: PolicyRule, direction: Direction, families: readonly Family[], names: SetNames): Rule[] {
  // No v1 NetworkPolicy passes or logs; an action without meaning here must not open anything.
  if (rule.action !== 'allow' && rule.action !== 'deny') return [];
  const end = verdict(rule.action === 'allow' ? 'accept' : 'drop');
  const peers =
    rule.peers === 'any' ? [ANYTHING] : rule.peers.flatMap((peer) => peerMatches(peer, direction, families, names));
  const ports = rule.ports === 'any' ? [ANYTHING] : portMatches(rule.ports, families, names);
  const rules: Rule[] = [];
  for (const peer of peers) {
    for (const port of ports) {
      if (peer.family !== undefined && port.family !== undefined && peer.family !== port.family) continue;
      const family = peer.family ?? port.family;
      const guard = family === undefined ? [] : [isFamily(family)];
      rules.push([...guard, ...port.statements, ...peer.statements, end]);
    }
  }
  return rules;
}

/** One way to match; with `family`, only after a check of the packet's family. */
interface Match {
  readonly family?: Family;
  readonly statements: readonly Statement[];
}

const ANYTHING: Match = { statements: [] };

function peerMatches(peer: Peer, direction: Direction, families: readonly Family[], names: SetNames): Match[] {
  const side = direction === 'ingress' ? source : destination;
  switch (peer.kind) {
    case 'pods':
      return families.map((family) => ({ family, statements: [inSet([side(family)], names.pods(peer, family))] }));
    case 'block': {
      const { family } = peer;
      if (!families.includes(family)) return [];
      const block = names.block(peer);
      if (block === 'nothing') return [];
      return [{ family, statements: block === 'everything' ? [] : [inSet([side(family)], block.set)] }];
    }
    case 'nodes':
    case 'endpoints':
    case 'service':
    case 'domain':
      // Not in the v1 API: matches nothing.
      return [];
  }
}

function portMatches(ports: readonly PortMatch[], families: readonly Family[], names: SetNames): Match[] {
  const matches: Match[] = [];
  const whole = new Set(ports.filter((port) => port.kind === 'all').map((port) => port.protocol));
  for (const protocol of whole) matches.push({ statements: [isProtocol(IPPROTO[protocol])] });
  const ranges = mergedRanges(ports.filter((port) => !whole.has(port.protocol)));
  if (ranges.length <= INLINE_RANGES) matches.push(...ranges.map((range) => ({ statements: rangeMatch(range) })));
  else {
    const set = names.ports(ranges.map(portRangeKey));
    matches.push({ statements: [inSet(['meta l4proto', 'th dport'], set)] });
  }
  for (const port of ports) {
    if (port.kind !== 'named') continue;
    for (const family of families) {
      const key = [destination(family), 'meta l4proto', 'th dport'] as const;
      matches.push({ family, statements: [inSet(key, names.namedPort(port, family))] });
    }
  }
  return matches;
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

function rangeMatch({ protocol, first, last }: PortRange): Statement[] {
  const port: Statement =
    first === last
      ? { kind: 'compare', field: 'th dport', op: '==', value: first }
      : { kind: 'range', field: 'th dport', first, last };
  return [isProtocol(protocol), port];
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
