import { SluiceError } from '../../base/errors.ts';
import type { FlowProtocol } from '../../core/policy/flow.ts';

/** The destination ports that are asked about: one number, all of a range, or those that the destination calls so. */
export type AskedPort =
  | { readonly kind: 'range'; readonly first: number; readonly last: number }
  | { readonly kind: 'name'; readonly name: string };

/** Protocols that can be asked about by name. */
export const PROTOCOLS: readonly FlowProtocol[] = ['TCP', 'UDP', 'SCTP', 'ICMP'];

/** Reads `80`, `80-90` or `http`; throws `bad-question` for anything else. */
export function readPort(text: string): AskedPort {
  const range = /^(\d+)(?:-(\d+))?$/u.exec(text);
  if (range === null) {
    if (/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/u.test(text)) return { kind: 'name', name: text };
    throw wrong(`port ${text}: give a number, a range such as 80-90, or a name`);
  }
  const [first, last] = [Number(range[1]), Number(range[2] ?? range[1])];
  if (first < 1 || last > 65_535) throw wrong(`port ${text}: ports are from 1 to 65535`);
  if (last < first) throw wrong(`port ${text}: the range ends before it begins`);
  return { kind: 'range', first, last };
}

/** Reads a protocol, in capitals or not; throws `bad-question` when it is none of those with names. */
export function readProtocol(text: string): FlowProtocol {
  const protocol = PROTOCOLS.find((each) => each === text.toUpperCase());
  if (protocol === undefined) throw wrong(`protocol ${text}: must be ${PROTOCOLS.join(', ')}`);
  return protocol;
}

/** The port as it was asked for. */
export function formatAskedPort(port: AskedPort): string {
  if (port.kind === 'name') return port.name;
  return port.first === port.last ? String(port.first) : `${port.first}-${port.last}`;
}

function wrong(message: string): SluiceError<'bad-question'> {
  return new SluiceError('bad-question', message);
}
