import { equalIp, formatIp, parseIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';

/** One entry of the capability `portMappings` (CNI CONVENTIONS.md): a port of the node that leads to one of the pod. */
export interface PortMapping {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly hostPort: number;
  readonly containerPort: number;
  /** The only address of the node that it is offered at; absent: any, of both families. `0.0.0.0` and `::` mean any of theirs. */
  readonly hostIp?: Ip;
}

const PROTOCOLS: ReadonlySet<string> = new Set(['TCP', 'UDP', 'SCTP']);

/** Reads the capability, absent for none. Entries that say the same count once. What is wrong goes to `problems`. */
export function parsePortMappings(value: unknown, problems: string[]): readonly PortMapping[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    problems.push('portMappings is not a list');
    return [];
  }
  const mappings: PortMapping[] = [];
  for (const [index, entry] of (value as readonly unknown[]).entries()) {
    const report = (problem: string): number => problems.push(`portMappings[${index}]: ${problem}`);
    const before = problems.length;
    const mapping = parseMapping(entry, report);
    if (problems.length > before) continue;
    const other = mappings.find((each) => overlaps(each, mapping));
    if (other === undefined) mappings.push(mapping);
    else if (!isSame(other, mapping))
      report(`host port ${describeHostPort(mapping)} leads to container port ${other.containerPort} already`);
  }
  return mappings;
}

/** Inverse of {@link parsePortMappings}. */
export function formatPortMappings(mappings: readonly PortMapping[]): readonly object[] {
  return mappings.map(({ hostIp, ...rest }) => (hostIp === undefined ? rest : { ...rest, hostIP: formatIp(hostIp) }));
}

/** Whether one packet could be meant by both. */
export function overlaps(a: PortMapping, b: PortMapping): boolean {
  if (a.protocol !== b.protocol || a.hostPort !== b.hostPort) return false;
  if (a.hostIp === undefined || b.hostIp === undefined) return true;
  if (a.hostIp.family !== b.hostIp.family) return false;
  return isAny(a.hostIp) || isAny(b.hostIp) || equalIp(a.hostIp, b.hostIp);
}

/** Whether it is `0.0.0.0` or `::`. */
function isAny(ip: Ip): boolean {
  return ip.value === 0n;
}

/** `8080/TCP`, or `192.0.2.1:8080/TCP`. */
export function describeHostPort({ protocol, hostPort, hostIp }: PortMapping): string {
  const port = `${hostPort}/${protocol}`;
  if (hostIp === undefined) return port;
  return hostIp.family === 4 ? `${formatIp(hostIp)}:${port}` : `[${formatIp(hostIp)}]:${port}`;
}

function parseMapping(value: unknown, report: (problem: string) => void): PortMapping {
  const entry = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  const named = entry['protocol'] ?? 'TCP';
  const protocol = typeof named === 'string' ? named.toUpperCase() : '';
  if (!PROTOCOLS.has(protocol)) report(`protocol ${JSON.stringify(named)} is not tcp, udp or sctp`);
  const port = (key: 'hostPort' | 'containerPort'): number => {
    const number = entry[key];
    if (typeof number === 'number' && Number.isInteger(number) && number >= 1 && number <= 65_535) return number;
    report(`${key} ${JSON.stringify(number)} is not a port from 1 to 65535`);
    return 0;
  };
  const [hostPort, containerPort] = [port('hostPort'), port('containerPort')];
  const hostIp = parseHostIp(entry['hostIP'] ?? '', report);
  return {
    protocol: protocol as PortMapping['protocol'],
    hostPort,
    containerPort,
    ...(hostIp === undefined ? {} : { hostIp }),
  };
}

function parseHostIp(value: unknown, report: (problem: string) => void): Ip | undefined {
  if (value === '') return undefined;
  const ip = typeof value === 'string' ? parseIp(value) : undefined;
  if (ip === undefined) report(`hostIP ${JSON.stringify(value)} is not an IP address`);
  else if (isLoopback(ip))
    report(
      `hostIP ${formatIp(ip)} is the node's loopback, from where no pod can be reached; leave it out, or have the plugin "portmap" serve host ports`,
    );
  return ip;
}

function isLoopback({ family, value }: Ip): boolean {
  return family === 4 ? value >> 24n === 127n : value === 1n;
}

function isSame(a: PortMapping, b: PortMapping): boolean {
  const sameAddress =
    a.hostIp === undefined || b.hostIp === undefined ? a.hostIp === b.hostIp : equalIp(a.hostIp, b.hostIp);
  return sameAddress && a.containerPort === b.containerPort;
}
