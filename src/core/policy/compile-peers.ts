import { hostCidr, intervalSet, rangeOf } from '../../base/ip/index.ts';
import type { Family, IntervalSet, Ip } from '../../base/ip/index.ts';
import { matchesLabels } from '../kube/labels.ts';
import type { Selector } from '../kube/labels.ts';
import { effectiveRanges, tunnelAliases } from './blocks.ts';
import type { TunnelAlias } from './blocks.ts';
import { namespaceOf } from './cluster.ts';
import type { ClusterState } from './cluster.ts';
import { domainMatches } from './domain-name.ts';
import { effectiveLabels } from './effective-labels.ts';
import { selects } from './endpoint-class.ts';
import type { EndpointClass } from './endpoint-class.ts';
import type { DomainPeer, EndpointPeer, Peer, PodPeer, ServicePeer, Side } from './model.ts';
import { serviceEndpoints } from './services.ts';

/** A list of peers of one side, sorted by how they are matched. */
export interface CompiledPeers {
  /** Equal lists of the same side have one id, so that a class's membership is computed once. */
  readonly id: number;
  /** What chooses pods by labels. */
  readonly members: readonly (PodPeer | EndpointPeer)[];
  /** Whatever is chosen by address, of all peers together; tunnel addresses already judged as their node's. */
  readonly ranges: Readonly<Record<Family, IntervalSet>>;
  readonly nodes: readonly Selector[];
  /** {@link socketKey} of what Services choose; as a source the address is in `ranges` instead. */
  readonly sockets: ReadonlySet<string>;
  /** Pods without an address that Services choose, for sources: their keys. */
  readonly pods: ReadonlySet<string>;
  /** Patterns of names, for destinations. */
  readonly domains: readonly string[];
}

/** Identity of an address, or of a pod that has none, with a port. */
export function socketKey(owner: Ip | string, protocol: string, port: number): string {
  const text = typeof owner === 'string' ? owner : `${owner.family}/${owner.value}`;
  return `${text} ${protocol} ${port}`;
}

/** Whether the class is chosen by one of the peers. */
export function isMember(endpoints: EndpointClass, peers: CompiledPeers): boolean {
  return (endpoints.memberships[peers.id] ??= peers.members.some((peer) =>
    peer.kind === 'pods'
      ? selects(peer, endpoints.namespace, endpoints.labels)
      : matchesLabels(peer.selector, endpoints.labels),
  ));
}

/** Compiles lists of peers in one cluster state, equal ones once. */
export class PeerCompiler {
  readonly #state: ClusterState;
  readonly #aliases: readonly TunnelAlias[];
  readonly #known = new Map<string, CompiledPeers>();

  constructor(state: ClusterState) {
    this.#state = state;
    this.#aliases = tunnelAliases(state.nodes.values());
  }

  /** The peers as what `side` of a flow is matched against. */
  compile(peers: readonly Peer[], side: Side): CompiledPeers {
    const key = [side, ...peers.map((peer) => `${peer.kind} ${peer.key}`)].join('\n');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const compiled = this.#compile(peers, side);
    this.#known.set(key, compiled);
    return compiled;
  }

  #compile(peers: readonly Peer[], side: Side): CompiledPeers {
    const parts = new PeerParts();
    for (const peer of peers) this.#add(peer, side, parts);
    const { members, nodes, sockets, pods, domains } = parts;
    return {
      id: this.#known.size,
      members,
      nodes,
      sockets,
      pods,
      domains,
      ranges: { 4: this.#ranges(parts, 4), 6: this.#ranges(parts, 6) },
    };
  }

  #add(peer: Peer, side: Side, parts: PeerParts): void {
    switch (peer.kind) {
      case 'pods':
        parts.members.push(peer);
        return;
      case 'block':
        parts.ranges[peer.family].push(...peer.ranges);
        return;
      case 'nodes':
        parts.nodes.push(peer.nodes);
        return;
      case 'endpoints':
        parts.members.push(peer);
        this.#addLabelled(peer, parts);
        return;
      case 'service':
        this.#addService(peer, side, parts);
        return;
      case 'domain':
        if (side === 'destination') this.#addDomain(peer, parts);
    }
  }

  /** The ranges of network sets and the addresses of host endpoints. */
  #addLabelled({ selector }: EndpointPeer, parts: PeerParts): void {
    for (const set of this.#state.networkSets.values()) {
      const namespace = set.namespace === undefined ? undefined : namespaceOf(this.#state, set.namespace);
      const labels = effectiveLabels(set.labels, namespace === undefined ? {} : { namespace });
      if (!matchesLabels(selector, labels)) continue;
      parts.ranges[4].push(...set.ranges[4]);
      parts.ranges[6].push(...set.ranges[6]);
    }
    for (const host of this.#state.hostEndpoints.values())
      if (matchesLabels(selector, host.labels)) host.expectedIps.forEach((ip) => parts.addAddress(ip));
  }

  #addService({ key }: ServicePeer, side: Side, parts: PeerParts): void {
    for (const { owner, sockets } of serviceEndpoints(this.#state, key)) {
      if (side === 'destination')
        for (const { protocol, port } of sockets) parts.sockets.add(socketKey(owner, protocol, port));
      else if (typeof owner === 'string') parts.pods.add(owner);
      else parts.addAddress(owner);
    }
  }

  #addDomain({ pattern }: DomainPeer, parts: PeerParts): void {
    parts.domains.push(pattern);
    for (const [name, addresses] of this.#state.domains)
      if (domainMatches(pattern, name)) addresses.forEach((ip) => parts.addAddress(ip));
  }

  #ranges(parts: PeerParts, family: Family): IntervalSet {
    return effectiveRanges({ family, ranges: intervalSet(parts.ranges[family]) }, this.#aliases);
  }
}

class PeerParts {
  readonly members: (PodPeer | EndpointPeer)[] = [];
  readonly ranges: Record<Family, { first: bigint; last: bigint }[]> = { 4: [], 6: [] };
  readonly nodes: Selector[] = [];
  readonly sockets = new Set<string>();
  readonly pods = new Set<string>();
  readonly domains: string[] = [];

  addAddress(ip: Ip): void {
    this.ranges[ip.family].push(rangeOf(hostCidr(ip)));
  }
}
