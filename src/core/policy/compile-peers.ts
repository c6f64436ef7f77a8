import { hostCidr, intervalSet, rangeOf } from '../../base/ip/index.ts';
import type { Family, IntervalSet, Ip } from '../../base/ip/index.ts';
import { matchesLabels, selectorKey } from '../kube/labels.ts';
import type { Selector } from '../kube/labels.ts';
import { effectiveRanges, tunnelAliases } from './blocks.ts';
import type { TunnelAlias } from './blocks.ts';
import { namespaceOf } from './cluster.ts';
import type { ClusterState, NamespaceInfo } from './cluster.ts';
import { domainMatches } from './domain-name.ts';
import { effectiveLabels } from './effective-labels.ts';
import { MemberList } from './member-list.ts';
import type { AnswerSpace, MemberTest } from './member-list.ts';
import type { DomainPeer, EndpointPeer, Peer, PodPeer, ServicePeer, Side } from './model.ts';
import { serviceEndpoints } from './services.ts';

/** A list of peers of one side, sorted by how they are matched. */
export interface CompiledPeers {
  /** What chooses pods by labels. */
  readonly members: MemberList;
  /** Whatever is chosen by address, of all peers together; tunnel addresses already judged as their node's. */
  readonly ranges: Readonly<Record<Family, IntervalSet>>;
  readonly nodes: readonly Selector[];
  /** {@link socketKey} of what Services choose; as a source the address is in `ranges` instead. */
  readonly sockets: ReadonlySet<string>;
  /** Pods without an address that Services choose, for sources: their keys. */
  readonly pods: ReadonlySet<string>;
  /** Patterns of names, for destinations. */
  readonly domains: readonly string[];
  /** There are only `members` and `ranges`, as nearly always. */
  readonly plain: boolean;
  /** There are only `members`. */
  readonly onlyMembers: boolean;
}

/** Identity of an address, or of a pod that has none, with a port. */
export function socketKey(owner: Ip | string, protocol: string, port: number): string {
  const text = typeof owner === 'string' ? owner : `${owner.family}/${owner.value}`;
  return `${text} ${protocol} ${port}`;
}

/** For what the lists of peers of one engine remember; enough for thousands of lists in the largest clusters. */
const ANSWER_BYTES = 64 << 20;

/** Compiles lists of peers in one cluster state, equal ones once. */
export class PeerCompiler {
  readonly #state: ClusterState;
  readonly #aliases: readonly TunnelAlias[];
  readonly #known = new Map<string, CompiledPeers>();
  readonly #undeclared = new Map<string, NamespaceInfo>();
  readonly #chosen = new Map<string, ReadonlySet<NamespaceInfo>>();
  readonly #space: AnswerSpace = { left: ANSWER_BYTES };

  constructor(state: ClusterState) {
    this.#state = state;
    this.#aliases = tunnelAliases(state.nodes.values());
  }

  /** The namespace; one that is not in the state has only its name label. Always the same object for one name. */
  namespace(name: string): NamespaceInfo {
    const known = this.#state.namespaces.get(name) ?? this.#undeclared.get(name);
    if (known !== undefined) return known;
    const made = namespaceOf(this.#state, name);
    this.#undeclared.set(name, made);
    return made;
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
    const plain = nodes.length + sockets.size + pods.size + domains.length === 0;
    const ranges = { 4: this.#ranges(parts, 4), 6: this.#ranges(parts, 6) };
    return {
      members: new MemberList(members, this.#space),
      nodes,
      sockets,
      pods,
      domains,
      plain,
      ranges,
      onlyMembers: plain && ranges[4].length + ranges[6].length === 0,
    };
  }

  #add(peer: Peer, side: Side, parts: PeerParts): void {
    switch (peer.kind) {
      case 'pods':
        parts.members.push(this.#podTest(peer));
        return;
      case 'block':
        parts.ranges[peer.family].push(...peer.ranges);
        return;
      case 'nodes':
        parts.nodes.push(peer.nodes);
        return;
      case 'endpoints':
        parts.members.push({ namespace: undefined, namespaces: undefined, ...labelTest(peer.selector) });
        this.#addLabelled(peer, parts);
        return;
      case 'service':
        this.#addService(peer, side, parts);
        return;
      case 'domain':
        if (side === 'destination') this.#addDomain(peer, parts);
    }
  }

  #podTest({ namespaces, pods }: PodPeer): MemberTest {
    return namespaces.kind === 'name'
      ? { namespace: this.namespace(namespaces.name), namespaces: undefined, ...labelTest(pods) }
      : { namespace: undefined, namespaces: this.#choose(namespaces.selector), ...labelTest(pods) };
  }

  /** Undefined for all namespaces. */
  #choose(selector: Selector): ReadonlySet<NamespaceInfo> | undefined {
    const key = selectorKey(selector);
    if (key === '*') return undefined;
    const known = this.#chosen.get(key);
    if (known !== undefined) return known;
    const names = new Set([
      ...this.#state.namespaces.keys(),
      ...[...this.#state.pods.values()].map((pod) => pod.namespace),
    ]);
    const all = [...names].map((name) => this.namespace(name));
    const chosen = new Set(all.filter(({ labels }) => matchesLabels(selector, labels)));
    this.#chosen.set(key, chosen);
    return chosen;
  }

  /** The ranges of network sets and the addresses of host endpoints. */
  #addLabelled({ selector }: EndpointPeer, parts: PeerParts): void {
    for (const set of this.#state.networkSets.values()) {
      const namespace = set.namespace === undefined ? undefined : this.namespace(set.namespace);
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
        for (const each of typeof owner === 'string' ? [owner] : this.judgedAs(owner))
          for (const { protocol, port } of sockets) parts.sockets.add(socketKey(each, protocol, port));
      else if (typeof owner === 'string') parts.pods.add(owner);
      else parts.addAddress(owner);
    }
  }

  /** The addresses that packets to or from `ip` may carry, as in {@link effectiveRanges}. */
  judgedAs(ip: Ip): Ip[] {
    const own = this.#aliases.filter(({ family }) => family === ip.family);
    const aliased = own.filter(({ address }) => address === ip.value);
    const plain = own.some(({ tunnel }) => tunnel === ip.value) ? [] : [ip];
    return [...plain, ...aliased.map(({ family, tunnel }) => ({ family, value: tunnel }))];
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

function labelTest(selector: Selector): Pick<MemberTest, 'label' | 'selector'> {
  if (selector.kind !== 'all-of') return { label: undefined, selector };
  const [first, ...others] = selector.requirements;
  if (first === undefined) return { label: undefined, selector: undefined };
  if (others.length > 0 || first.operator !== 'In' || first.values.length !== 1) return { label: undefined, selector };
  return { label: { key: first.key, value: first.values[0]! }, selector: undefined };
}

class PeerParts {
  readonly members: MemberTest[] = [];
  readonly ranges: Record<Family, { first: bigint; last: bigint }[]> = { 4: [], 6: [] };
  readonly nodes: Selector[] = [];
  readonly sockets = new Set<string>();
  readonly pods = new Set<string>();
  readonly domains: string[] = [];

  addAddress(ip: Ip): void {
    this.ranges[ip.family].push(rangeOf(hostCidr(ip)));
  }
}
