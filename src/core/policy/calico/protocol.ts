import type { PortProtocol } from '../model.ts';
import type { CalicoScope } from './scope.ts';

/** A protocol as a rule asks for it. */
export interface RuleProtocol {
  /** IANA number. */
  readonly number: number;
  /** For those whose ports rules may ask for. */
  readonly withPorts?: PortProtocol;
}

/** The protocol that a rule asks for; absent, or there and not understood, which is reported once. */
export type AskedProtocol = RuleProtocol | undefined | 'unreadable';

/** Names that Calico knows, with IANA numbers; upper and lower case are the same to it. */
const NUMBERS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1, icmpv6: 58, sctp: 132, udplite: 136 };
const WITH_PORTS: Readonly<Record<number, PortProtocol>> = { 6: 'TCP', 17: 'UDP', 132: 'SCTP' };

/** `protocol` or `notProtocol`, by name or number. */
export function readProtocol(value: unknown, path: string, scope: CalicoScope): AskedProtocol {
  if (value === undefined || value === null) return undefined;
  const number = protocolNumber(value);
  if (number === undefined) {
    scope.report(path, 'must be TCP, UDP, SCTP, ICMP, ICMPv6, UDPLite or a number from 1 to 255');
    return 'unreadable';
  }
  const withPorts = WITH_PORTS[number];
  return { number, ...(withPorts === undefined ? {} : { withPorts }) };
}

/** The IANA number of a protocol as Calico's rules name it; undefined when it is none. */
export function protocolNumber(value: unknown): number | undefined {
  if (typeof value === 'string' && Object.hasOwn(NUMBERS, value.toLowerCase())) return NUMBERS[value.toLowerCase()];
  const number = typeof value === 'string' && /^\d{1,3}$/.test(value) ? Number(value) : value;
  return Number.isInteger(number) && (number as number) >= 1 && (number as number) <= 255
    ? (number as number)
    : undefined;
}
