import type { FlowProtocol, PortProtocol } from '../policy/index.ts';
import { EMPTY, equal, has, intersect, range, subtract, union } from './int-set.ts';
import type { IntSet } from './int-set.ts';

/**
 * What of all traffic between two endpoints: protocols with ports by destination port, ICMP (of the connection's own
 * family) by type and code, every other protocol by its IANA number. Canonical: equal sets are equal lists. Each kind has
 * a stretch of the integers of its own, with a gap after it, so that runs never reach from one into the next.
 */
export type PortSet = IntSet;

/** One entry of a set in readable form. `to` is included; of ICMP an absent code, and type, mean every one. */
export type PortEntry =
  | { readonly protocol: 'any' }
  | { readonly protocol: PortProtocol; readonly from: number; readonly to: number }
  | { readonly protocol: 'ICMP'; readonly type?: number; readonly code?: number }
  /** IANA numbers of protocols without ports, from–to. */
  | { readonly protocol: 'other'; readonly from: number; readonly to: number };

/** Protocols with ports, in the order of their stretches. */
export const PORT_PROTOCOLS: readonly PortProtocol[] = ['TCP', 'UDP', 'SCTP'];

const STRETCH = 0x20000;
const ICMP_AT = 3 * STRETCH;
const OTHER_AT = 4 * STRETCH;
const IANA: Readonly<Record<PortProtocol, number>> = { TCP: 6, UDP: 17, SCTP: 132 };
/** ICMP's own numbers, over IPv4 and IPv6; each belongs to its own family only. */
const ICMP_NUMBERS: readonly number[] = [1, 58];

/** Every other protocol: all numbers but those that have a stretch. */
const OTHERS = subtract(
  range(OTHER_AT, OTHER_AT + 255),
  [...Object.values(IANA), ...ICMP_NUMBERS].sort((a, b) => a - b).flatMap((n) => [OTHER_AT + n, OTHER_AT + n]),
);

/** No traffic. */
export const NO_PORTS: PortSet = EMPTY;

/** All ICMP of the connection's family. */
export const ALL_ICMP: PortSet = range(ICMP_AT, ICMP_AT + 0xffff);

/** All traffic. */
export const ALL_PORTS: PortSet = [
  ...PORT_PROTOCOLS.flatMap((protocol) => portRange(protocol, 1, 65535)),
  ...ALL_ICMP,
  ...OTHERS,
];

/** Ports `first` to `last` of a protocol; ports outside 1–65535 do not exist and are left out. */
export function portRange(protocol: PortProtocol, first = 1, last = 65535): PortSet {
  const at = PORT_PROTOCOLS.indexOf(protocol) * STRETCH;
  return range(at + Math.max(1, first), at + Math.min(65535, last));
}

/** ICMP messages of a type, and of a code unless it is absent. */
export function icmpPorts(type: number, code?: number): PortSet {
  const at = ICMP_AT + type * 256;
  return code === undefined ? range(at, at + 255) : range(at + code, at + code);
}

/** All traffic of an IANA protocol number over a family; ICMP's numbers are nothing over the other family. */
export function protocolPorts(number: number, family: 4 | 6): PortSet {
  for (const protocol of PORT_PROTOCOLS) if (IANA[protocol] === number) return portRange(protocol);
  if (ICMP_NUMBERS.includes(number)) return number === (family === 4 ? 1 : 58) ? ALL_ICMP : NO_PORTS;
  return intersect(OTHERS, range(OTHER_AT + number, OTHER_AT + number));
}

/** Everything that is not in `set`. */
export function complementPorts(set: PortSet): PortSet {
  return subtract(ALL_PORTS, set);
}

/** Traffic of one kind, as flows tell it. ICMP without a type is an echo request. */
export interface Traffic {
  readonly protocol: FlowProtocol;
  readonly port?: number;
  readonly icmp?: { readonly type: number; readonly code: number };
}

/** Whether `set` holds the traffic, which is of `family`. A port protocol without a port: whether it holds any port. */
export function includesTraffic(set: PortSet, { protocol, port, icmp }: Traffic, family: 4 | 6): boolean {
  if (protocol === 'ICMP') {
    const { type, code } = icmp ?? { type: family === 4 ? 8 : 128, code: 0 };
    return has(set, ICMP_AT + type * 256 + code);
  }
  if (isPortProtocol(protocol)) {
    if (port === undefined) return intersect(set, portRange(protocol)).length > 0;
    return has(set, PORT_PROTOCOLS.indexOf(protocol) * STRETCH + port);
  }
  const wanted = protocolPorts(Number(protocol), family);
  return wanted.length > 0 && intersect(set, wanted).length > 0;
}

/** The traffic that flows of that protocol and port, or type, are; everything of the protocol without one. */
export function trafficSet({ protocol, port, icmp }: Traffic, family: 4 | 6 = 4): PortSet {
  if (protocol === 'ICMP') return icmp === undefined ? ALL_ICMP : icmpPorts(icmp.type, icmp.code);
  if (!isPortProtocol(protocol)) return protocolPorts(Number(protocol), family);
  return port === undefined ? portRange(protocol) : portRange(protocol, port, port);
}

/** The set as entries, in a fixed order; all traffic is one entry `any`. */
export function portEntries(set: PortSet): readonly PortEntry[] {
  if (equal(set, ALL_PORTS)) return [{ protocol: 'any' }];
  const entries: PortEntry[] = [];
  for (const protocol of PORT_PROTOCOLS) {
    const at = PORT_PROTOCOLS.indexOf(protocol) * STRETCH;
    const ports = intersect(set, portRange(protocol));
    for (let i = 0; i < ports.length; i += 2) entries.push({ protocol, from: ports[i]! - at, to: ports[i + 1]! - at });
  }
  entries.push(...icmpEntries(intersect(set, ALL_ICMP)));
  const others = intersect(set, OTHERS);
  // Numbers with a stretch of their own lie inside what reads best as one run.
  const merged = union(others, subtract(range(OTHER_AT, OTHER_AT + 255), OTHERS));
  for (let i = 0; i < merged.length; i += 2) {
    const within = intersect(others, range(merged[i]!, merged[i + 1]!));
    if (within.length > 0)
      entries.push({ protocol: 'other', from: within[0]! - OTHER_AT, to: within.at(-1)! - OTHER_AT });
  }
  return entries;
}

/** The set that {@link portEntries} describes so. */
export function portsOfEntries(entries: Iterable<PortEntry>): PortSet {
  let set = NO_PORTS;
  for (const entry of entries) set = union(set, ofEntry(entry));
  return set;
}

/** The set for people: `TCP 80, TCP 8080-8090, UDP (all), ICMP type 8`; `all traffic` and `nothing` for the extremes. */
export function formatPorts(set: PortSet): string {
  if (set.length === 0) return 'nothing';
  return portEntries(set).map(formatEntry).join(', ');
}

function formatEntry(entry: PortEntry): string {
  switch (entry.protocol) {
    case 'any':
      return 'all traffic';
    case 'ICMP':
      if (entry.type === undefined) return 'ICMP';
      return `ICMP type ${entry.type}${entry.code === undefined ? '' : ` code ${entry.code}`}`;
    case 'other':
      return entry.from === entry.to ? `protocol ${entry.from}` : `other protocols ${entry.from}-${entry.to}`;
    case 'TCP':
    case 'UDP':
    case 'SCTP':
      if (entry.from === 1 && entry.to === 65535) return `${entry.protocol} (all)`;
      return `${entry.protocol} ${entry.from === entry.to ? entry.from : `${entry.from}-${entry.to}`}`;
  }
}

function ofEntry(entry: PortEntry): PortSet {
  switch (entry.protocol) {
    case 'any':
      return ALL_PORTS;
    case 'ICMP':
      return entry.type === undefined ? ALL_ICMP : icmpPorts(entry.type, entry.code);
    case 'other':
      return intersect(OTHERS, range(OTHER_AT + entry.from, OTHER_AT + entry.to));
    case 'TCP':
    case 'UDP':
    case 'SCTP':
      return portRange(entry.protocol, entry.from, entry.to);
  }
}

/** Whole types as one entry each, the others code by code. */
function icmpEntries(set: PortSet): PortEntry[] {
  if (equal(set, ALL_ICMP)) return [{ protocol: 'ICMP' }];
  const entries: PortEntry[] = [];
  for (let i = 0; i < set.length; i += 2)
    for (let n = set[i]! - ICMP_AT; n <= set[i + 1]! - ICMP_AT;) {
      const type = n >> 8;
      const whole = n % 256 === 0 && set[i + 1]! - ICMP_AT >= n + 255;
      entries.push(whole ? { protocol: 'ICMP', type } : { protocol: 'ICMP', type, code: n % 256 });
      n += whole ? 256 : 1;
    }
  return entries;
}

function isPortProtocol(protocol: FlowProtocol): protocol is PortProtocol {
  return protocol === 'TCP' || protocol === 'UDP' || protocol === 'SCTP';
}
