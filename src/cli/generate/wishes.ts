import { bitsOf, parseCidr, rangeOf } from '../../base/ip/index.ts';
import { SluiceError } from '../../base/errors.ts';
import type { ClusterState, PodEndpoint, PortProtocol } from '../../core/policy/index.ts';
import { resolveService } from '../../core/policy/services.ts';
import { ALL_PORTS, portRange, protocolPorts, trafficSet, union } from '../../core/reach/index.ts';
import type { PortSet, Wish, WishedEnd } from '../../core/reach/index.ts';
import { readPort, readProtocol } from '../check/port-text.ts';
import { readPartyOption } from '../party/read-party-text.ts';
import type { ConnectionRecord } from './read-records.ts';

/** The wishes of a record: several when its port means other numbers for other pods. Throws `bad-question`. */
export function wishesOf(record: ConnectionRecord, state: ClusterState, namespace: string): Wish[] {
  const { port, protocol } = record;
  const text = `${record.from} > ${record.to}${port === undefined ? '' : ` ${port}`}${protocol === undefined ? '' : ` ${protocol}`}`;
  const from = endOf('from', record.from, namespace, state);
  const service = serviceOf(record.to, namespace, state);
  if (service !== undefined && port !== undefined) return ofService(service, record, from, state, text);
  const to = endOf('to', record.to, namespace, state);
  const asked = port === undefined ? undefined : readPort(port);
  if (asked?.kind === 'name') return ofNamedPort(asked.name, portProtocol(protocol), to, { from, text });
  if (asked === undefined) return [{ from, to, text, ports: allOf(protocol) }];
  return [{ from, to, text, ports: portRange(portProtocol(protocol), asked.first, asked.last) }];
}

/** Who is meant, as in every command; but a block of more than one address means nobody in the cluster. */
function endOf(side: string, text: string, namespace: string, state: ClusterState): WishedEnd {
  const block = parseCidr(text);
  if (block !== undefined && block.prefix < bitsOf(block.ip.family))
    return { pods: [], nodes: [], ranges: { 4: [], 6: [], [block.ip.family]: [rangeOf(block)] } };
  const members = readPartyOption(side, [text], namespace, state);
  const pods = [...state.pods.values()].filter((pod) => !pod.hostNetwork && !pod.completed && members.pod(pod));
  const nodes = [...state.nodes.values()].filter(members.node);
  const isSomeone = pods.length + nodes.length > 0;
  if (!isSomeone && members.outside[4].length + members.outside[6].length === 0)
    throw wrong(`${side} ${text}: no running pod is meant`);
  return { pods, nodes, ranges: isSomeone ? { 4: [], 6: [] } : members.outside };
}

function serviceOf(text: string, namespace: string, state: ClusterState) {
  const parts = text.split('/');
  const kind = parts.at(-2);
  if (kind !== 'service' && kind !== 'svc') return undefined;
  return state.services.get(`${parts.length === 3 ? parts[0]! : namespace}/${parts.at(-1)!}`);
}

/** A Service's port is translated: the wish is for the ports of the pods behind it. */
function ofService(
  service: NonNullable<ReturnType<typeof serviceOf>>,
  { port, protocol }: ConnectionRecord,
  from: WishedEnd,
  state: ClusterState,
  text: string,
): Wish[] {
  const asked = readPort(port!);
  if (asked.kind === 'range' && asked.first !== asked.last)
    throw wrong(`${text}: a Service is asked for one port at a time`);
  const wanted = { port: asked.kind === 'name' ? asked.name : asked.first, protocol: portProtocol(protocol) };
  const byPort = new Map<string, { ports: PortSet; pods: PodEndpoint[] }>();
  for (const family of [4, 6] as const) {
    const found = resolveService(state, service, { ...wanted, family }, { includeNotReady: true });
    if (found.kind !== 'backends')
      throw wrong(`${text}: Service ${service.key} has no ${wanted.protocol} port ${port}`);
    for (const { pod, port: number, protocol: of } of found.backends) {
      if (pod === undefined) continue;
      const known = byPort.get(`${of} ${number}`) ?? { ports: portRange(of, number, number), pods: [] };
      byPort.set(`${of} ${number}`, known);
      if (!known.pods.includes(pod)) known.pods.push(pod);
    }
  }
  if (byPort.size === 0)
    throw wrong(`${text}: Service ${service.key} has no pod with an address behind it; name the workload`);
  return Array.from(byPort.values(), ({ ports, pods }) => ({
    from,
    to: { pods, nodes: [], ranges: { 4: [], 6: [] } },
    ports,
    text,
  }));
}

function ofNamedPort(name: string, protocol: PortProtocol, to: WishedEnd, wish: Pick<Wish, 'from' | 'text'>): Wish[] {
  const byPorts = new Map<string, { ports: PortSet; pods: PodEndpoint[] }>();
  for (const pod of to.pods) {
    const own = pod.ports.filter((each) => each.name === name && each.protocol === protocol);
    if (own.length === 0) throw wrong(`${wish.text}: pod ${pod.key} has no ${protocol} port called ${name}`);
    const ports = own.reduce<PortSet>((set, { port }) => union(set, portRange(protocol, port, port)), []);
    const known = byPorts.get(ports.join()) ?? { ports, pods: [] };
    byPorts.set(ports.join(), known);
    known.pods.push(pod);
  }
  if (byPorts.size === 0) throw wrong(`${wish.text}: only pods have named ports`);
  return Array.from(byPorts.values(), ({ ports, pods }) => ({ ...wish, to: { ...to, pods }, ports }));
}

/** Everything of a protocol, or everything. */
function allOf(protocol: string | undefined): PortSet {
  if (protocol === undefined || protocol.toLowerCase() === 'any') return ALL_PORTS;
  if (/^\d+$/.test(protocol)) return union(protocolPorts(Number(protocol), 4), protocolPorts(Number(protocol), 6));
  return trafficSet({ protocol: readProtocol(protocol) });
}

function portProtocol(protocol: string | undefined): PortProtocol {
  const read = readProtocol(protocol ?? 'TCP');
  if (read === 'TCP' || read === 'UDP' || read === 'SCTP') return read;
  throw wrong(`protocol ${read} has no ports; leave port out`);
}

function wrong(message: string): SluiceError<'bad-question'> {
  return new SluiceError('bad-question', message);
}
