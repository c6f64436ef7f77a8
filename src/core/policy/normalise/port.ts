import { portProtocol } from '../endpoints.ts';
import type { PortMatch } from '../model.ts';
import { isRecord } from './scope.ts';
import type { Scope } from './scope.ts';

const FIELDS = ['protocol', 'port', 'endPort'];

/** One entry of a rule's `ports`; the protocol defaults to TCP. Undefined, and reported, when not understood. */
export function normalisePort(entry: unknown, path: string, scope: Scope): PortMatch | undefined {
  if (!isRecord(entry)) return scope.report(path, 'must be an object');
  const strange = Object.keys(entry).filter((name) => !FIELDS.includes(name));
  for (const name of strange) scope.report(`${path}.${name}`, `unknown field; a port has ${FIELDS.join(', ')}`);
  if (strange.length > 0) return undefined;
  const text = entry['protocol'] ?? undefined;
  const protocol = text === undefined || typeof text === 'string' ? portProtocol(text) : undefined;
  if (protocol === undefined) return scope.report(`${path}.protocol`, 'must be TCP, UDP or SCTP');
  const port = entry['port'] ?? undefined;
  const endPort = entry['endPort'] ?? undefined;
  const source = scope.source(path);
  if (typeof port === 'string' && port !== '' && endPort === undefined)
    return { kind: 'named', protocol, name: port, source };
  if (endPort !== undefined && !isPort(port))
    return scope.report(`${path}.endPort`, 'may only be given together with a numeric port');
  if (port === undefined) return { kind: 'all', protocol, source };
  if (!isPort(port))
    return scope.report(`${path}.port`, 'must be between 1 and 65535, or the name of a container port');
  if (endPort === undefined) return { kind: 'range', protocol, first: port, last: port, source };
  if (!isPort(endPort) || endPort < port) return scope.report(`${path}.endPort`, 'must be between port and 65535');
  return { kind: 'range', protocol, first: port, last: endPort, source };
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65535;
}
