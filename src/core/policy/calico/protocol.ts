import { calicoProtocol } from '../../kube/calico-values.ts';
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

const WITH_PORTS: Readonly<Record<number, PortProtocol>> = { 6: 'TCP', 17: 'UDP', 132: 'SCTP' };

/** `protocol` or `notProtocol`, by name or number. */
export function readProtocol(value: unknown, path: string, scope: CalicoScope): AskedProtocol {
  if (value === undefined || value === null) return undefined;
  const number = calicoProtocol(value);
  if (number === undefined) {
    scope.report(path, 'must be TCP, UDP, SCTP, ICMP, ICMPv6, UDPLite or a number from 1 to 255');
    return 'unreadable';
  }
  const withPorts = WITH_PORTS[number];
  return { number, ...(withPorts === undefined ? {} : { withPorts }) };
}
