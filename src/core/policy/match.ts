import { contains } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import { matchesLabels } from '../kube/labels.ts';
import type { NamedPort } from './cluster.ts';
import { socketKey } from './compile-peers.ts';
import type { CompiledPeers } from './compile-peers.ts';
import { domainMatches } from './domain-name.ts';
import type { EndpointClass } from './endpoint-class.ts';
import type { Flow, Party } from './flow.ts';
import type { PortMatch, Side } from './model.ts';
import { echoRequest, isIcmp } from './protocol.ts';

/** A flow with what is derived from it once for all rules. */
export interface JudgedFlow {
  readonly flow: Flow;
  readonly family: Family;
  /** IANA number. */
  readonly protocol: number;
  /** Classes of the ends that are pods. */
  readonly source: EndpointClass | undefined;
  readonly destination: EndpointClass | undefined;
  /** Undefined when no host endpoint names a port. */
  readonly hostPorts: HostPorts | undefined;
}

// V8 reads a property by a name that varies an order of magnitude more slowly.

/** The party at one side of the flow. */
export function partyOf(flow: Flow, side: Side): Party {
  return side === 'source' ? flow.source : flow.destination;
}

/** The class of one side of the flow, if that is a pod. */
export function classOf(judged: JudgedFlow, side: Side): EndpointClass | undefined {
  return side === 'source' ? judged.source : judged.destination;
}

/** The ports that host endpoints name, by {@link addressKey} of the addresses that they expect. */
export type HostPorts = ReadonlyMap<string, readonly NamedPort[]>;

/** An address as a key of maps. */
export function addressKey({ family, value }: Ip): string {
  return `${family}/${value}`;
}

/** Whether any of the ports is the flow's destination port. A list never matches a protocol without ports. */
export function portsMatch(ports: 'any' | readonly PortMatch[], flow: Flow, hostPorts?: HostPorts): boolean {
  if (ports === 'any') return true;
  for (const port of ports) if (portMatches(port, flow, 'destination', hostPorts)) return true;
  return false;
}

/** Whether one entry is the port of one side of the flow; a named one is looked up in that side's endpoint. */
export function portMatches(match: PortMatch, flow: Flow, side: Side, hostPorts: HostPorts | undefined): boolean {
  const port = side === 'destination' ? flow.port : flow.sourcePort;
  if (match.protocol !== flow.protocol || port === undefined) return false;
  switch (match.kind) {
    case 'all':
      return true;
    case 'range':
      return port >= match.first && port <= match.last;
    case 'named': {
      for (const each of portsOf(partyOf(flow, side), hostPorts))
        if (each.port === port && each.name === match.name && each.protocol === match.protocol) return true;
      return false;
    }
  }
}

/** The numbers that an end gives to a named port: none unless it is a pod or host endpoint that has the name. */
export function namedPortsOf(
  party: Party,
  match: { readonly name: string; readonly protocol: string },
  hostPorts: HostPorts | undefined,
): number[] {
  return portsOf(party, hostPorts)
    .filter((each) => each.name === match.name && each.protocol === match.protocol)
    .map((each) => each.port);
}

const NO_PORTS: readonly NamedPort[] = [];

function portsOf(party: Party, hostPorts: HostPorts | undefined): readonly NamedPort[] {
  if (party.kind === 'pod') return party.pod.ports;
  return party.ip === undefined ? NO_PORTS : (hostPorts?.get(addressKey(party.ip)) ?? NO_PORTS);
}

/** Whether any of the peers is that side of the flow. */
export function peersMatch(peers: CompiledPeers, side: Side, judged: JudgedFlow): boolean {
  const party = partyOf(judged.flow, side);
  const endpoints = classOf(judged, side);
  if (endpoints !== undefined && peers.members.has(endpoints)) return true;
  const { ip } = party;
  if (ip !== undefined) {
    const ranges = ip.family === 4 ? peers.ranges[4] : peers.ranges[6];
    if (ranges.length > 0 && contains(ranges, ip.value)) return true;
  }
  if (peers.plain) return false;
  if (party.kind === 'node') for (const nodes of peers.nodes) if (matchesLabels(nodes, party.node.labels)) return true;
  if (party.kind === 'pod' && ip === undefined && peers.pods.has(party.pod.key)) return true;
  if (party.kind === 'outside' && party.domain !== undefined)
    for (const pattern of peers.domains) if (domainMatches(pattern, party.domain)) return true;
  return peers.sockets.size > 0 && isSocket(peers, judged.flow);
}

/** Peers with sockets are always destinations. */
function isSocket({ sockets }: CompiledPeers, { destination, protocol, port }: Flow): boolean {
  if (port === undefined) return false;
  const owner = destination.ip ?? (destination.kind === 'pod' ? destination.pod.key : undefined);
  return owner !== undefined && sockets.has(socketKey(owner, protocol, port));
}

/** Whether the flow is ICMP of its own family with that type, and that code if one is given. Undefined when no ICMP. */
export function icmpMatches(
  wanted: { readonly type: number; readonly code?: number },
  { flow, family, protocol }: JudgedFlow,
): boolean | undefined {
  if (!isIcmp(protocol, family)) return undefined;
  const { type, code } = flow.icmp ?? echoRequest(family);
  return type === wanted.type && (wanted.code === undefined || code === wanted.code);
}
