import type { FlowProtocol } from '../../core/policy/index.ts';
import { join, type SpecReader } from './reader.ts';
import type { PortSpec } from './party-set.ts';

/** Protocols that a spec names. */
export const PROTOCOLS: readonly FlowProtocol[] = ['TCP', 'UDP', 'SCTP', 'ICMP'];

/** A port's name as Kubernetes allows it: letters, digits and dashes, at least one letter, at most 15 characters. */
const PORT_NAME = /^(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$/u;

/**
 * Reads `port` and `protocol`. Neither is every port of every protocol: undefined in `ports`. Returns undefined, and reports,
 * when they are not understood.
 */
export function readPorts(
  fields: Readonly<Record<string, unknown>>,
  path: string,
  reader: SpecReader,
): { readonly ports: readonly PortSpec[] | undefined } | undefined {
  const { port, protocol: text } = fields;
  if (port === undefined && text === undefined) return { ports: undefined };
  const protocol = text === undefined ? 'TCP' : readProtocol(text, join(path, 'protocol'), reader);
  if (protocol === undefined) return undefined;
  if (port === undefined) return { ports: [{ kind: 'protocol', protocol }] };
  if (protocol === 'ICMP') return reader.wrong(join(path, 'port'), 'ICMP has no ports; leave it out');
  const list: readonly unknown[] = Array.isArray(port) ? port : [port];
  if (list.length === 0) return reader.wrong(join(path, 'port'), 'must not be empty');
  const at = (index: number) => (Array.isArray(port) ? `${join(path, 'port')}[${index}]` : join(path, 'port'));
  const ports = list.map((each, index) => readPort(each, protocol, at(index), reader));
  return ports.every((each) => each !== undefined) ? { ports } : undefined;
}

function readProtocol(text: unknown, path: string, reader: SpecReader): FlowProtocol | undefined {
  return reader.choice(typeof text === 'string' ? text.toUpperCase() : text, path, PROTOCOLS);
}

function readPort(value: unknown, protocol: FlowProtocol, path: string, reader: SpecReader): PortSpec | undefined {
  if (value === 'all') return { kind: 'protocol', protocol };
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string') return reader.wrong(path, FORMS);
  const range = /^(\d+)(?:-(\d+))?$/u.exec(text);
  if (range === null)
    return PORT_NAME.test(text)
      ? { kind: 'named', protocol, name: text }
      : reader.wrong(path, `${FORMS}, not "${text}"`);
  const [first, last] = [Number(range[1]), Number(range[2] ?? range[1])];
  if (first < 1 || last > 65_535) return reader.wrong(path, `ports are from 1 to 65535, not ${text}`);
  if (last < first) return reader.wrong(path, `${text} ends before it begins`);
  return { kind: 'range', protocol, first, last };
}

const FORMS = 'must be a number, a range such as "80-90", the name of a container port, or all';
