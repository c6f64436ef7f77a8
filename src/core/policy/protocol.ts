import type { Family } from '../../base/ip/index.ts';
import type { FlowProtocol } from './flow.ts';

/** IANA protocol numbers of the protocols with names; ICMP has one for each family. */
const NUMBERS = { TCP: 6, UDP: 17, SCTP: 132 } as const;
const ICMP: Readonly<Record<Family, number>> = { 4: 1, 6: 58 };

/** The IANA number of a protocol in packets of `family`. */
export function protocolNumber(protocol: FlowProtocol, family: Family): number {
  if (protocol === 'ICMP') return ICMP[family];
  if (protocol === 'TCP' || protocol === 'UDP' || protocol === 'SCTP') return NUMBERS[protocol];
  return Number(protocol);
}

/** Whether the number is that of `family`'s own ICMP. */
export function isIcmp(number: number, family: Family): boolean {
  return number === ICMP[family];
}

/** The type and code of an echo request of `family`. */
export function echoRequest(family: Family): { readonly type: number; readonly code: number } {
  return { type: family === 4 ? 8 : 128, code: 0 };
}
