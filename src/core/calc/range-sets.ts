import { intervalSet, union } from '../../base/ip/index.ts';
import type { Family, IntervalSet } from '../../base/ip/index.ts';
import { EVERYTHING } from '../kube/labels.ts';
import { intervalKeys } from '../nft/condition-matches.ts';
import { portKey, protoKey } from '../nft/key.ts';
import { IPPROTO } from '../nft/model.ts';
import { effectiveRanges } from '../policy/blocks.ts';
import type { TunnelAlias } from '../policy/blocks.ts';
import type { HostEndpointInfo, NamespaceInfo, NetworkSetInfo } from '../policy/cluster.ts';
import type { EndpointPeer, PortMatch } from '../policy/model.ts';
import { addressType, aliased, put } from './address-sets.ts';
import type { NameOf } from './address-sets.ts';
import { LabelIndex } from './label-index.ts';
import type { Content, RefilledSets } from './refilled-sets.ts';

/**
 * The addresses that selectors on labels choose besides pods': the ranges of network sets and the addresses of host
 * endpoints. Most selectors choose none; rules look into a set of ranges only when it holds something.
 */
export class RangeSets {
  readonly #sets: RefilledSets;
  readonly #families: readonly Family[];
  readonly #networkSets = new LabelIndex<NetworkSetInfo>();
  readonly #networkSetOf = new Map<string, NetworkSetInfo>();
  readonly #hosts = new LabelIndex<HostEndpointInfo>();
  readonly #hostOf = new Map<string, HostEndpointInfo>();
  readonly #ofHosts = new Set<Content>();

  constructor(sets: RefilledSets, families: readonly Family[]) {
    this.#sets = sets;
    this.#families = families;
  }

  setNamespace(name: string, info: NamespaceInfo | undefined): void {
    this.#networkSets.setNamespace(name, info?.labels);
  }

  setNetworkSet(key: string, set: NetworkSetInfo | undefined): void {
    const before = this.#networkSetOf.get(key);
    if (before !== undefined) this.#networkSets.unassign(before);
    put(this.#networkSetOf, key, set);
    if (set !== undefined) this.#networkSets.assign(set, set);
  }

  setHostEndpoint(key: string, host: HostEndpointInfo | undefined): void {
    const before = this.#hostOf.get(key);
    if (before !== undefined) this.#hosts.unassign(before);
    put(this.#hostOf, key, host);
    if (host !== undefined) this.#hosts.assign(host, { labels: host.labels });
    for (const content of this.#ofHosts) this.#sets.touch(content);
  }

  /** Makes the optional sets for the peer; they are kept up to date until the returned function is called. */
  hold(peer: EndpointPeer, optional: string, name: NameOf): () => void {
    const networkSets = new Set<NetworkSetInfo>();
    const hosts = new Set<HostEndpointInfo>();
    const content: Content = {
      families: this.#families,
      spec: (family) => ({ name: name(family), key: [addressType(family)], interval: true }),
      elements: (family, aliases) => intervalKeys(family, rangesOf(networkSets, hosts, family, aliases)),
      optional,
    };
    const keep = <Member>(members: Set<Member>) => ({
      enter: (member: Member): void => {
        members.add(member);
        this.#sets.touch(content);
      },
      leave: (member: Member): void => {
        members.delete(member);
        this.#sets.touch(content);
      },
    });
    const chosen = { namespaces: { kind: 'selector', selector: EVERYTHING } as const, pods: peer.selector };
    this.#networkSets.watch(peer.key, chosen, keep(networkSets));
    this.#hosts.watch(peer.key, chosen, keep(hosts));
    const drop = this.#sets.hold(content);
    return () => {
      this.#networkSets.unwatch(peer.key);
      this.#hosts.unwatch(peer.key);
      drop();
    };
  }

  /** As {@link RangeSets.hold}, for the `address . protocol . port` of host endpoints that declare the named port. */
  holdNamedPort(port: NamedPort, optional: string, name: NameOf): () => void {
    const content: Content = {
      families: this.#families,
      spec: (family) => ({ name: name(family), key: [addressType(family), 'inet_proto', 'inet_service'] }),
      elements: (family, aliases) =>
        [...this.#hostOf.values()].flatMap(({ ports, expectedIps }) => {
          const own = ports.filter((each) => each.name === port.name && each.protocol === port.protocol);
          const tails = own.map((each) => protoKey(IPPROTO[each.protocol]) + portKey(each.port));
          return aliased(expectedIps, family, aliases).flatMap((address) => tails.map((tail) => address + tail));
        }),
      optional,
    };
    this.#ofHosts.add(content);
    const drop = this.#sets.hold(content);
    return () => {
      this.#ofHosts.delete(content);
      drop();
    };
  }
}

/** What a rule asks for by name. */
type NamedPort = PortMatch & { readonly kind: 'named' };

function rangesOf(
  networkSets: Iterable<NetworkSetInfo>,
  hosts: Iterable<HostEndpointInfo>,
  family: Family,
  aliases: readonly TunnelAlias[],
): IntervalSet {
  const addresses = [...hosts].flatMap((host) => host.expectedIps).filter((ip) => ip.family === family);
  let ranges = intervalSet(addresses.map(({ value }) => ({ first: value, last: value })));
  for (const set of networkSets) ranges = union(ranges, set.ranges[family]);
  return effectiveRanges({ family, ranges }, aliases);
}
