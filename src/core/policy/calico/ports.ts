import { calicoPort } from '../../kube/calico-values.ts';
import type { CalicoPort } from '../../kube/calico-values.ts';
import type { PortMatch, PortProtocol, SourceRef } from '../model.ts';
import { readList } from '../normalise/scope.ts';
import type { AskedProtocol } from './protocol.ts';
import type { CalicoScope } from './scope.ts';

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
  const port = calicoPort(value);
  if (typeof port === 'string') return scope.report(path, port);
  return portMatch(port, protocol, scope.source(path));
}

function portMatch(port: CalicoPort, protocol: PortProtocol, source: SourceRef): PortMatch {
  return 'name' in port
    ? { kind: 'named', protocol, name: port.name, source }
    : { kind: 'range', protocol, first: port.first, last: port.last, source };
}
