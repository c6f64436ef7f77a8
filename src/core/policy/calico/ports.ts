import type { PortMatch, PortProtocol, SourceRef } from '../model.ts';
import { readList } from '../normalise/scope.ts';
import type { AskedProtocol } from './protocol.ts';
import type { CalicoScope } from './scope.ts';

/** A port of a rule: a number, a range with both ends, or a name. */
export type CalicoPort = { readonly first: number; readonly last: number } | { readonly name: string };

/**
 * `ports` or `notPorts`: undefined when there are none. `problem` when they cannot be understood, which is reported; a
 * rule's ports have no meaning without its protocol.
 */
export function readPorts(
  value: unknown,
  protocol: AskedProtocol,
  path: string,
  scope: CalicoScope,
): readonly PortMatch[] | undefined | 'problem' {
  const list = readList(value, scope, path);
  if (list === undefined) return 'problem';
  if (list.length === 0) return undefined;
  if (protocol === 'unreadable') return 'problem';
  const withPorts = protocol?.withPorts;
  if (withPorts === undefined) {
    scope.report(path, 'needs protocol: TCP, UDP or SCTP in the rule');
    return 'problem';
  }
  const ports = list.map((entry, index) => readPort(entry, withPorts, `${path}[${index}]`, scope));
  return ports.every((each) => each !== undefined) ? ports : 'problem';
}

function readPort(value: unknown, protocol: PortProtocol, path: string, scope: CalicoScope): PortMatch | undefined {
  const port = parseCalicoPort(value);
  if (typeof port === 'string') return scope.report(path, port);
  return portMatch(port, protocol, scope.source(path));
}

function portMatch(port: CalicoPort, protocol: PortProtocol, source: SourceRef): PortMatch {
  return 'name' in port
    ? { kind: 'named', protocol, name: port.name, source }
    : { kind: 'range', protocol, first: port.first, last: port.last, source };
}

/** A port as Calico writes it: 80, "80", "80:90" or "http"; or what is wrong with it. */
export function parseCalicoPort(value: unknown): CalicoPort | string {
  if (typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value))) {
    const number = Number(value);
    return isPort(number) ? { first: number, last: number } : 'must be between 1 and 65535';
  }
  const range = typeof value === 'string' ? /^(\d+):(\d+)$/.exec(value) : null;
  if (range !== null) {
    const [first, last] = [Number(range[1]), Number(range[2])];
    if (!isPort(first) || !isPort(last)) return 'both ends of the range must be between 1 and 65535';
    return first <= last ? { first, last } : `the range begins with ${first}, after its end ${last}`;
  }
  // Calico's own pattern, which is wider than that of container ports.
  if (typeof value === 'string' && /^[A-Za-z0-9_.-]{1,128}$/.test(value)) return { name: value };
  return 'must be a number, a range such as "8080:8090", or the name of a port';
}

function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 65535;
}
