import { SluiceError } from '../base/errors.ts';
import { formatIp, rangeOf, type Family } from '../base/ip/index.ts';
import type { PolicyEngine } from '../core/policy/evaluate.ts';
import type { Entry, FlowProtocol, Party } from '../core/policy/flow.ts';
import type { PortProtocol } from '../core/policy/model.ts';
import { resolveService, type ServiceBackend } from '../core/policy/services.ts';
import { Boundaries } from './check/boundaries.ts';
import { HostPorts } from './check/host-ports.ts';
import { NodePorts } from './check/node-ports.ts';
import { mergeOutcomes, namedExtent, outsideExtent, rangeExtent, type Extent, type Outcome } from './check/outcome.ts';
import { OutsideParts } from './check/outside-parts.ts';
import { formatAskedPort, type AskedPort } from './check/port-text.ts';
import { ServiceAddresses } from './check/service-addresses.ts';
import { isShutOut, sourceRangesText } from './check/source-ranges.ts';
import { OUTSIDE, describePlace, familiesOf, findPlace, type Place } from './place.ts';

/** The connection that is asked about. */
export interface Question {
  readonly from: Place;
  readonly to: Place;
  readonly protocol: FlowProtocol;
  /** Of a pod or node its own port, of a Service the Service's. */
  readonly port: AskedPort | undefined;
  /** By default all that both ends have. */
  readonly family: Family | undefined;
}

/** The answer: several outcomes when not everything that the question covers is treated alike. */
export interface Answer {
  readonly allowed: boolean;
  /** Those that deny first; never none. */
  readonly outcomes: readonly Outcome[];
  /** What the question came to on the way, such as a Service's translation. */
  readonly remarks: readonly string[];
}

/** More connections than this are a job for `sluice reach`. */
const LIMIT = 2_000_000;

/** Judges questions in one cluster. */
export class Judge {
  readonly engine: PolicyEngine;
  readonly #boundaries: Boundaries;
  readonly #outside: OutsideParts;
  readonly #nodePorts: NodePorts;
  readonly #hostPorts: HostPorts;
  readonly #serviceAddresses: ServiceAddresses;
  /** Of places that are asked about again and again. */
  readonly #families = new WeakMap<Place, readonly Family[]>();

  constructor(engine: PolicyEngine) {
    this.engine = engine;
    this.#boundaries = new Boundaries(engine.state);
    this.#outside = new OutsideParts(engine);
    this.#nodePorts = new NodePorts(engine.state);
    this.#hostPorts = new HostPorts(engine.state);
    this.#serviceAddresses = new ServiceAddresses(engine.state);
  }

  /** Throws `bad-question` when it cannot be asked that way. */
  judge(asked: Question): Answer {
    const remarks: string[] = [];
    const question = this.#behindAddress(asked, remarks);
    const outcomes = this.#familiesAsked(question).flatMap((family) => this.#judgeFamily(question, family, remarks));
    if (outcomes.length === 0) throw wrong(this.#refusalByNodePort(question) ?? noSharedFamily(question));
    const merged = outcomes.length === 1 ? outcomes : mergeOutcomes(outcomes).sort(deniedFirst);
    return {
      allowed: merged.every(({ verdict }) => verdict.allowed),
      outcomes: merged,
      remarks: [...new Set(remarks)],
    };
  }

  /** An address that a Service has is translated, as the kernel does it: policies never see it as a destination. */
  #behindAddress(question: Question, remarks: string[]): Question {
    const { from, to, port, protocol } = question;
    if (to.kind === 'service') remarks.push(...present(sourceRangesText(to.service)));
    if (to.kind !== 'address') return question;
    const service = this.#serviceAddresses.find(to.ip, protocol, port);
    if (service === undefined) return question;
    const place = findPlace(`${service.namespace}/service/${service.name}`, this.engine.state, service.namespace);
    const isShut = isShutOut(service, to.ip, from);
    if (isShut === true)
      throw wrong(`${sourceRangesText(service)}: ${describePlace(from)} is not among them, whatever the policies say`);
    remarks.push(`${describePlace(to)} is an address of ${describePlace(place)}`);
    if (isShut === undefined) remarks.push(...present(sourceRangesText(service)));
    return { ...question, to: place, family: to.ip.family };
  }

  /** Those that both ends have, or may have; for two ends without any known address IPv4. */
  #familiesAsked({ from, to, family }: Question): readonly Family[] {
    if (family !== undefined) return [family];
    const [own, other] = [this.#familiesOf(from), this.#familiesOf(to)];
    const shared = own.filter((each) => other.includes(each));
    return shared.length === 2 && isUnknown(from) && isUnknown(to) ? [4] : shared;
  }

  #familiesOf(place: Place): readonly Family[] {
    const known = this.#families.get(place);
    if (known !== undefined) return known;
    const families = familiesOf(place);
    this.#families.set(place, families);
    return families;
  }

  #judgeFamily(question: Question, family: Family, remarks: string[]): Outcome[] {
    const { from, to, protocol } = question;
    const sources = this.#ends(from, family, remarks);
    const targets = this.#targets(question, family, remarks);
    const count = sources.length * targets.length;
    if (count > LIMIT) throw wrong(`that is ${count} connections: narrow the question, or use 'sluice reach'`);
    const judge = (source: End, { end, port, entry }: Target): Outcome => {
      const ends = { source: source.party, destination: end.party, family, ...(entry === undefined ? {} : { entry }) };
      const flow = { ...ends, protocol, ...(port === undefined ? {} : { port: port.first }) };
      const ports = port === undefined ? [] : [{ first: BigInt(port.first), last: BigInt(port.last) }];
      const verdict = this.engine.evaluate(flow);
      return { verdict, families: [family], sources: source.extent, destinations: end.extent, ports };
    };
    return sources.flatMap((source) =>
      targets.flatMap((target) => {
        if (from.kind === 'outside') {
          const parts = this.#parts(target.end, 'ingress', family);
          return allOutside(
            parts.map((part) => judge(part, target)),
            'sources',
          );
        }
        if (to.kind !== 'outside') return judge(source, target);
        const parts = this.#parts(source, 'egress', family);
        return allOutside(
          parts.map((end) => judge(source, { ...target, end })),
          'destinations',
        );
      }),
    );
  }

  /** The outside as the policies of the other end divide it. */
  #parts(other: End, direction: 'ingress' | 'egress', family: Family): End[] {
    return this.#outside.of(other.party, direction, family).map(({ party, ranges }) => ({
      party,
      extent: outsideExtent(family, ranges),
    }));
  }

  /** The destinations with their ports, after translation of a Service. */
  #targets(question: Question, family: Family, remarks: string[]): Target[] {
    const { to, port, protocol } = question;
    if (to.kind === 'service') return this.#serviceTargets({ ...question, to }, family, remarks);
    const ends = this.#ends(to, family, remarks);
    if (port === undefined || protocol === 'ICMP') return ends.map((end) => ({ end, port: undefined }));
    return ends.flatMap((end) =>
      this.#portsAt(end, port, protocol).flatMap(
        (each) => this.#behindNodePort(question, end, each, family, remarks) ?? { end, port: each },
      ),
    );
  }

  /** Why nothing answers at the NodePort that is asked about, if it is one. */
  #refusalByNodePort({ to, port, protocol }: Question): string | undefined {
    const found = port?.kind === 'range' ? this.#nodePorts.find(protocol, port.first) : undefined;
    if (found === undefined) return undefined;
    const { namespace, name } = found.service;
    return `${describePlace(to)} ${protocol} ${found.port.nodePort} is a port of ${namespace}/service/${name}, which has no ready backend: connections to it are refused, whatever the policies say`;
  }

  /** Where a port of a node leads that a Service has there; undefined when it is the node's own. */
  #behindNodePort(
    { from, protocol }: Question,
    { party }: End,
    port: PortRange,
    family: Family,
    remarks: string[],
  ): Target[] | undefined {
    if (party.kind !== 'node' || party.ip === undefined || port.first !== port.last) return undefined;
    const found = this.#nodePorts.find(protocol, port.first);
    if (found === undefined)
      return this.#behindHostPort(from, protocol, { node: party.node, ip: party.ip, port: port.first }, remarks);
    const { service, port: own } = found;
    const resolution = resolveService(this.engine.state, service, { ...own, family });
    const backends = resolution.kind === 'backends' ? resolution.backends : [];
    const name = `node/${party.node.name} ${protocol} ${port.first}`;
    const title = `${service.namespace}/service/${service.name}`;
    const entry: Entry = { node: party.node, ip: party.ip, port: port.first };
    if (backends.length > 0)
      remarks.push(`${name} is a port of ${title}, and is translated to ${backends.map(backendText).join(', ')}`);
    return backends.map((backend) => ({ ...this.#targetOf(backend, family), entry }));
  }

  /** Where a port of a node leads that a pod has there. Of pods and nodes as clients it depends on how they come to the node. */
  #behindHostPort(from: Place, protocol: FlowProtocol, entry: Entry, remarks: string[]): Target[] | undefined {
    const { node, ip, port: number } = entry;
    const found = this.#hostPorts.find(node, ip, protocol, number);
    if (found === undefined) return undefined;
    const { pod, port } = found;
    const name = `node/${node.name} ${protocol} ${number}`;
    const isOutside =
      from.kind === 'outside' || (from.kind === 'address' && this.engine.address(from.ip).kind === 'outside');
    if (!isOutside) {
      remarks.push(
        `${name} is a host port of ${pod.key}, whose policies are not asked here: ask about its port ${port.containerPort}`,
      );
      return undefined;
    }
    remarks.push(`${name} is a host port of ${pod.key}, and is translated to its port ${port.containerPort}`);
    return [
      {
        ...this.#targetOf({ pod, port: port.containerPort, protocol: port.protocol, ready: pod.ready }, ip.family),
        entry,
      },
    ];
  }

  #portsAt({ party }: End, port: AskedPort, protocol: FlowProtocol): PortRange[] {
    if (port.kind === 'range')
      return port.first === port.last ? [port] : this.#boundaries.splitPorts(port.first, port.last);
    const numbers = [...new Set(this.engine.namedPorts(party, { name: port.name, protocol }))];
    if (numbers.length > 0) return numbers.map((each) => ({ first: each, last: each }));
    if (party.kind !== 'pod')
      throw wrong(`port ${port.name}: only pods and services have ports by name; give the number`);
    const known = party.pod.ports.map((each) => `${each.name} (${each.protocol} ${each.port})`);
    const has = known.length === 0 ? 'it names none' : `it has ${known.join(', ')}`;
    throw wrong(`${party.pod.key} has no ${protocol} port named ${port.name}; ${has}`);
  }

  #serviceTargets(question: ServiceQuestion, family: Family, remarks: string[]): Target[] {
    const { to, protocol, port } = question;
    const name = describePlace(to);
    if (protocol === 'ICMP')
      throw wrong(`${name} is a service: its address answers on its ports alone, never to a ping`);
    if (port === undefined) throw wrong(`say which port of ${name}: ${to.service.ports.map(portText).join(', ')}`);
    if (port.kind === 'range' && port.first !== port.last)
      throw wrong(`port ${formatAskedPort(port)}: of a service ask for one port at a time`);
    const wanted = port.kind === 'name' ? port.name : port.first;
    const resolution = resolveService(this.engine.state, to.service, {
      port: wanted,
      protocol: protocol as PortProtocol,
      family,
    });
    if (resolution.kind === 'external-name')
      throw wrong(`${name} is an alias (ExternalName): it has no backends to judge`);
    if (resolution.kind === 'no-such-port')
      throw wrong(`${name} has no ${protocol} port ${wanted}; it has ${resolution.ports.map(portText).join(', ')}`);
    const { backends } = resolution;
    if (backends.length === 0) return [];
    remarks.push(`${name} ${protocol} ${wanted} is translated to ${backends.map(backendText).join(', ')}`);
    return backends.map((backend) => this.#targetOf(backend, family));
  }

  #targetOf({ ip, pod, port }: ServiceBackend, family: Family): Target {
    const party = pod === undefined ? this.engine.address(ip!) : this.engine.pod(pod, family);
    const extent = namedExtent(pod?.key ?? addressText(ip));
    return { end: { party, extent }, port: { first: port, last: port } };
  }

  #ends(place: Place, family: Family, remarks: string[]): End[] {
    const { engine } = this;
    switch (place.kind) {
      case 'pods':
      case 'service': {
        const pods = place.pods.filter(({ addresses }) => hasFamily(addresses, family));
        return pods.map((pod) => ({ party: engine.pod(pod, family), extent: namedExtent(pod.key) }));
      }
      case 'node':
        return [{ party: engine.node(place.node, family), extent: namedExtent(describePlace(place)) }];
      case 'address':
        return [{ party: engine.address(place.ip), extent: namedExtent(describePlace(place)) }];
      case 'block':
        return this.#boundaries.splitAddresses(rangeOf(place.cidr), family).map((part) => ({
          party: engine.address({ family, value: part.first }),
          extent: rangeExtent(family, [part]),
        }));
      case 'outside':
        return [{ party: engine.address(OUTSIDE[family]), extent: namedExtent('outside') }];
      case 'domain':
        return this.#domainEnds(place, family, remarks);
    }
  }

  #domainEnds(place: Extract<Place, { kind: 'domain' }>, family: Family, remarks: string[]): End[] {
    const known = place.addresses.filter((ip) => ip.family === family);
    const extent = namedExtent(describePlace(place));
    if (place.addresses.length > 0)
      return known.map((ip) => ({ party: { kind: 'outside', ip, domain: place.name }, extent }));
    const ip = OUTSIDE[family];
    remarks.push(`the addresses of ${place.name} are not known here: judged by its name, and as ${formatIp(ip)}`);
    return [{ party: { kind: 'outside', ip, domain: place.name }, extent }];
  }
}

function present(text: string | undefined): readonly string[] {
  return text === undefined ? [] : [text];
}

function deniedFirst(a: Outcome, b: Outcome): number {
  return Number(a.verdict.allowed) - Number(b.verdict.allowed);
}

interface End {
  readonly party: Party;
  readonly extent: Extent;
}

interface PortRange {
  readonly first: number;
  readonly last: number;
}

interface Target {
  readonly end: End;
  readonly port: PortRange | undefined;
  /** What of a node was asked for, when that is translated. */
  readonly entry?: Entry;
}

/** Parts of the outside that are treated alike are one, and if all are, simply the outside. */
function allOutside(outcomes: readonly Outcome[], side: 'sources' | 'destinations'): Outcome[] {
  const merged = mergeOutcomes(outcomes);
  return merged.length === 1 ? [{ ...merged[0]!, [side]: namedExtent('outside') }] : merged;
}

type ServiceQuestion = Question & { readonly to: Extract<Place, { kind: 'service' }> };

/** Whether the place exists in whichever family it is asked about. */
function isUnknown(place: Place): boolean {
  if (place.kind === 'pods' || place.kind === 'service')
    return place.pods.every(({ addresses }) => addresses.length === 0);
  return place.kind === 'outside' || (place.kind === 'domain' && place.addresses.length === 0);
}

function hasFamily(addresses: readonly { readonly family: Family }[], family: Family): boolean {
  return addresses.length === 0 || addresses.some((ip) => ip.family === family);
}

function noSharedFamily({ from, to, family }: Question): string {
  if (family !== undefined && !familiesOf(from).includes(family))
    return `${describePlace(from)} has no IPv${family} address`;
  if (to.kind === 'service') {
    const wanted = family === undefined ? '' : ` with an IPv${family} address`;
    return `${describePlace(to)} has no ready backend${wanted}: connections to it are refused, whatever the policies say`;
  }
  return `${describePlace(from)} and ${describePlace(to)} have no address family in common`;
}

function backendText({ ip, pod, port }: ServiceBackend): string {
  return `${pod?.key ?? addressText(ip)} port ${port}`;
}

function addressText(ip: Parameters<typeof formatIp>[0] | undefined): string {
  return ip === undefined ? 'an unknown address' : formatIp(ip);
}

function portText({
  name,
  port,
  protocol,
}: {
  readonly name?: string;
  readonly port: number;
  readonly protocol: string;
}): string {
  return name === undefined ? `${protocol} ${port}` : `${protocol} ${port} (${name})`;
}

function wrong(message: string): SluiceError<'bad-question'> {
  return new SluiceError('bad-question', message);
}
