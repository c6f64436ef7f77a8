import { hostCidr, intervalSet, parseCidr, rangeOf } from '../../base/ip/index.ts';
import type { Family, Interval, IntervalSet, Ip } from '../../base/ip/index.ts';
import { matchesLabels } from '../kube/labels.ts';
import type { Selector } from '../kube/labels.ts';
import { domainMatches, effectiveLabels, namespaceOf, serviceEndpoints } from '../policy/index.ts';
import type { ClusterState, NamedPort, Peer, Policy, PortProtocol, Rule } from '../policy/index.ts';
import type { AddressSetId } from './address-atoms.ts';
import { union } from './int-set.ts';
import { LabelSets } from './label-sets.ts';
import type { LabelSetId } from './label-sets.ts';
import { NO_PORTS, portRange } from './port-set.ts';
import type { PortSet } from './port-set.ts';

/** How the members of one peer are found. */
export interface PeerMembers {
  readonly labelSet?: LabelSetId;
  readonly addresses: Readonly<Partial<Record<Family, AddressSetId>>>;
  /** Key in {@link Catalogue.nodeSelectors}. */
  readonly nodes?: string;
  /** Pattern in {@link Catalogue.domains}. */
  readonly domain?: string;
  /** Of a Service: members that are only so on certain ports, as destinations. */
  readonly sockets?: readonly SocketMembers[];
}

/** Endpoints of a Service that serve it on the same ports. */
export interface SocketMembers {
  readonly ports: PortSet;
  readonly addresses: Readonly<Partial<Record<Family, AddressSetId>>>;
  /** Those that are pods without an address, by key. */
  readonly pods: readonly string[];
}

/** Everything about endpoints that the policies of a state ask for: what groups are told apart by. */
export class Catalogue {
  readonly state: ClusterState;
  readonly labelSets = new LabelSets();
  /** By family: the sets of addresses, in the order of their numbers. */
  readonly addressSets: Readonly<Record<Family, IntervalSet[]>> = { 4: [], 6: [] };
  readonly nodeSelectors = new Map<string, Selector>();
  readonly domains = new Set<string>();
  /** Names of ports, as {@link portName} writes them. */
  readonly portNames = new Set<string>();
  /** Pods without an address that some Service in a rule has, with the Service. */
  readonly podsOfServices = new Map<string, string[]>();
  /** Ports that host endpoints name, with the addresses that these expect. */
  readonly hostPorts: readonly { readonly ports: readonly NamedPort[]; readonly addresses: PeerMembers['addresses'] }[];
  /** Blocks of ports that stay open; there, unlike in policies, a tunnel address is just itself. */
  readonly failsafeNets: ReadonlySet<string>;
  readonly #peers = new Map<string, PeerMembers>();
  readonly #blocks = new Map<string, AddressSetId>();

  /** `domains`: patterns to know beside those of the policies. */
  constructor(state: ClusterState, domains: readonly string[]) {
    this.state = state;
    for (const pattern of domains) this.domains.add(pattern);
    for (const tier of state.tiers) for (const policy of tier.policies) this.#addPolicy(policy);
    this.hostPorts = [...state.hostEndpoints.values()]
      .filter(({ ports, expectedIps }) => ports.length > 0 && expectedIps.length > 0)
      .map(({ ports, expectedIps }) => ({ ports, addresses: this.#bothFamilies(expectedIps.map(single)) }));
    for (const { ingress, egress } of state.profiles.values())
      for (const rule of [...ingress, ...egress]) this.#addRule(rule);
    const failsafe = [...state.settings.failsafeInbound, ...state.settings.failsafeOutbound];
    this.failsafeNets = new Set(failsafe.flatMap(({ net }) => net ?? []));
    for (const net of this.failsafeNets) this.block(net);
  }

  /** How to find the members of a peer of some rule. */
  membersOf(peer: Peer): PeerMembers {
    const key = `${peer.kind} ${peer.key}`;
    let members = this.#peers.get(key);
    if (members === undefined) {
      members = this.#find(peer);
      this.#peers.set(key, members);
    }
    return members;
  }

  /** The set of the addresses of a block in text form; nothing when it does not parse. */
  block(net: string): { readonly family: Family; readonly id: AddressSetId } | undefined {
    const cidr = parseCidr(net);
    if (cidr === undefined) return undefined;
    const { family } = cidr.ip;
    let id = this.#blocks.get(net);
    if (id === undefined) {
      id = this.#addressSet(family, intervalSet([rangeOf(cidr)]));
      this.#blocks.set(net, id);
    }
    return { family, id };
  }

  #addPolicy(policy: Policy): void {
    this.labelSets.ofPods(policy.subject);
    for (const rule of policy.ingress) this.#addRule(rule);
    for (const rule of policy.egress) this.#addRule(rule);
  }

  #addRule({ peers, ports, conditions }: Rule): void {
    if (peers !== 'any') for (const peer of peers) this.membersOf(peer);
    const lists = ports === 'any' ? [] : [ports];
    for (const condition of conditions ?? []) {
      if (condition.kind === 'peer') for (const peer of condition.peers) this.membersOf(peer);
      else if (condition.kind === 'port') lists.push(condition.ports);
    }
    for (const list of lists)
      for (const port of list) if (port.kind === 'named') this.portNames.add(portName(port.protocol, port.name));
  }

  #find(peer: Peer): PeerMembers {
    switch (peer.kind) {
      case 'pods':
        return { labelSet: this.labelSets.ofPods(peer), addresses: {} };
      case 'block':
        return { addresses: { [peer.family]: this.#addressSet(peer.family, peer.ranges) } };
      case 'nodes':
        this.nodeSelectors.set(peer.key, peer.nodes);
        return { nodes: peer.key, addresses: {} };
      case 'endpoints':
        return {
          labelSet: this.labelSets.ofLabelled(peer.selector),
          addresses: this.#bothFamilies(this.#labelledRanges(peer.selector)),
        };
      case 'service':
        return { addresses: {}, sockets: this.#sockets(peer.key) };
      case 'domain':
        this.domains.add(peer.pattern);
        return { domain: peer.pattern, addresses: this.#bothFamilies(this.#answers(peer.pattern).map(single)) };
    }
  }

  /** The ranges of network sets and the expected addresses of host endpoints. */
  #labelledRanges(selector: Selector): FamilyRange[] {
    const ranges: FamilyRange[] = [];
    for (const set of this.state.networkSets.values()) {
      const namespace = set.namespace === undefined ? undefined : namespaceOf(this.state, set.namespace);
      if (!matchesLabels(selector, effectiveLabels(set.labels, namespace === undefined ? {} : { namespace }))) continue;
      for (const family of FAMILIES)
        for (const { first, last } of set.ranges[family]) ranges.push({ family, first, last });
    }
    for (const { labels, expectedIps } of this.state.hostEndpoints.values())
      if (matchesLabels(selector, labels)) ranges.push(...expectedIps.map(single));
    return ranges;
  }

  #answers(pattern: string): Ip[] {
    return [...this.state.domains].flatMap(([name, ips]) => (domainMatches(pattern, name) ? ips : []));
  }

  #sockets(key: string): SocketMembers[] {
    const ownersByPorts = new Map<string, { ports: PortSet; ips: Ip[]; pods: string[] }>();
    for (const [owner, ports] of this.#portsByOwner(key)) {
      const known = ownersByPorts.get(ports.ports.join()) ?? { ports: ports.ports, ips: [], pods: [] };
      ownersByPorts.set(ports.ports.join(), known);
      if (typeof ports.owner !== 'string') known.ips.push(ports.owner);
      else {
        known.pods.push(owner);
        this.podsOfServices.set(owner, [...(this.podsOfServices.get(owner) ?? []), key]);
      }
    }
    return Array.from(ownersByPorts.values(), ({ ports, ips, pods }) => ({
      ports,
      pods,
      addresses: this.#bothFamilies(ips.map(single)),
    }));
  }

  /** The ports of each endpoint of a Service, all slices taken together. */
  #portsByOwner(key: string): Map<string, { readonly owner: Ip | string; readonly ports: PortSet }> {
    const result = new Map<string, { owner: Ip | string; ports: PortSet }>();
    for (const { owner, sockets } of serviceEndpoints(this.state, key)) {
      const text = typeof owner === 'string' ? owner : `${owner.family} ${owner.value}`;
      let ports = result.get(text)?.ports ?? NO_PORTS;
      for (const { protocol, port } of sockets) ports = union(ports, portRange(protocol, port, port));
      result.set(text, { owner, ports });
    }
    return result;
  }

  #bothFamilies(ranges: readonly FamilyRange[]): PeerMembers['addresses'] {
    const result: Partial<Record<Family, AddressSetId>> = {};
    for (const family of FAMILIES) {
      const own = ranges.filter((each) => each.family === family);
      if (own.length > 0) result[family] = this.#addressSet(family, intervalSet(own));
    }
    return result;
  }

  #addressSet(family: Family, ranges: IntervalSet): AddressSetId {
    return this.addressSets[family].push(ranges) - 1;
  }
}

/** Both families, in order. */
export const FAMILIES: readonly Family[] = [4, 6];

/** A port's name with its protocol, as the catalogue files it. */
export function portName(protocol: PortProtocol, name: string): string {
  return `${protocol} ${name}`;
}

type FamilyRange = Interval & { readonly family: Family };

function single(ip: Ip): FamilyRange {
  return rangeOf(hostCidr(ip));
}
