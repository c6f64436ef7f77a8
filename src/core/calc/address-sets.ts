import type { Family, Ip } from '../../base/ip/index.ts';
import { matchesLabels } from '../kube/labels.ts';
import { addressKey, portKey, protoKey } from '../nft/key.ts';
import { IPPROTO } from '../nft/model.ts';
import type { ElementKey, FieldType } from '../nft/model.ts';
import type { TunnelAlias } from '../policy/blocks.ts';
import type { NodeEndpoint } from '../policy/cluster.ts';
import { domainMatches } from '../policy/domain-name.ts';
import type { DomainPeer, NodePeer, ServicePeer, Side } from '../policy/model.ts';
import type { SliceSpec } from '../service/model.ts';
import type { Content, RefilledSets } from './refilled-sets.ts';

/** The name that a set has for a family. */
export type NameOf = (family: Family) => string;

/** The addresses of nodes, of Services' endpoints and of names, as sets for the peers that mean them. */
export class AddressSets {
  readonly #sets: RefilledSets;
  readonly #families: readonly Family[];
  readonly #nodes = new Map<string, NodeEndpoint>();
  readonly #slices = new Map<string, SliceSpec>();
  readonly #slicesOf = new Map<string, Map<string, SliceSpec>>();
  readonly #domains = new Map<string, readonly Ip[]>();
  readonly #ofNodes = new Set<Content>();
  readonly #ofService = new Map<Content, string>();
  readonly #ofDomain = new Map<Content, DomainPeer>();
  #nodesChanged = false;

  constructor(sets: RefilledSets, families: readonly Family[]) {
    this.#sets = sets;
    this.#families = families;
  }

  setNode(name: string, node: NodeEndpoint | undefined): void {
    put(this.#nodes, name, node);
    this.#nodesChanged = true;
  }

  setSlice(key: string, slice: SliceSpec | undefined): void {
    const before = this.#slices.get(key);
    put(this.#slices, key, slice);
    for (const service of new Set([before?.service, slice?.service])) {
      if (service === undefined) continue;
      const slices = this.#slicesOf.get(service) ?? new Map<string, SliceSpec>();
      put(slices, key, slice?.service === service ? slice : undefined);
      put(this.#slicesOf, service, slices.size === 0 ? undefined : slices);
      for (const [content, each] of this.#ofService) if (each === service) this.#sets.touch(content);
    }
  }

  /** Whether some set follows what domain names stand for. */
  get hasDomains(): boolean {
    return this.#ofDomain.size > 0;
  }

  setDomain(name: string, addresses: readonly Ip[] | undefined): void {
    put(this.#domains, name, addresses);
    for (const [content, { pattern }] of this.#ofDomain) if (domainMatches(pattern, name)) this.#sets.touch(content);
  }

  /** Makes the sets of the peer; they are kept up to date until the returned function is called. */
  holdNodes(peer: NodePeer, name: NameOf): () => void {
    const content = this.#content(name, [], (family) =>
      [...this.#nodes.values()]
        .filter((node) => matchesLabels(peer.nodes, node.labels))
        .flatMap((node) => [...node.addresses, ...node.tunnelAddresses])
        .filter((ip) => ip.family === family)
        .map(addressKey),
    );
    this.#ofNodes.add(content);
    return this.#hold(content, () => this.#ofNodes.delete(content));
  }

  /** As {@link AddressSets.holdNodes}. Ready or not, all endpoints count. */
  holdService({ key }: ServicePeer, side: Side, name: NameOf): () => void {
    const rest = side === 'source' ? [] : (['inet_proto', 'inet_service'] as const);
    const content = this.#content(name, rest, (family, aliases) =>
      [...(this.#slicesOf.get(key)?.values() ?? [])].flatMap(({ endpoints, idle = [], ports }) => {
        const addresses = aliased([...endpoints.map((each) => each.address), ...idle], family, aliases);
        if (side === 'source') return addresses;
        const tails = ports.map(({ protocol, port }) => protoKey(IPPROTO[protocol]) + portKey(port));
        return addresses.flatMap((address) => tails.map((tail) => address + tail));
      }),
    );
    this.#ofService.set(content, key);
    return this.#hold(content, () => this.#ofService.delete(content));
  }

  /** As {@link AddressSets.holdNodes}. */
  holdDomain(peer: DomainPeer, name: NameOf): () => void {
    const content = this.#content(name, [], (family, aliases) =>
      [...this.#domains]
        .filter(([each]) => domainMatches(peer.pattern, each))
        .flatMap(([, addresses]) => aliased(addresses, family, aliases)),
    );
    this.#ofDomain.set(content, peer);
    return this.#hold(content, () => this.#ofDomain.delete(content));
  }

  /** Call before the sets are filled. */
  settle(): void {
    if (!this.#nodesChanged) return;
    this.#nodesChanged = false;
    this.#sets.setNodes(this.#nodes.values());
    for (const content of this.#ofNodes) this.#sets.touch(content);
  }

  #content(name: NameOf, rest: readonly FieldType[], elements: Content['elements']): Content {
    const spec = (family: Family) => ({ name: name(family), key: [addressType(family), ...rest] });
    return { families: this.#families, spec, elements };
  }

  #hold(content: Content, forget: () => void): () => void {
    const drop = this.#sets.hold(content);
    return () => {
      forget();
      drop();
    };
  }
}

/** The type of a family's addresses. */
export function addressType(family: Family): 'ipv4_addr' | 'ipv6_addr' {
  return family === 4 ? 'ipv4_addr' : 'ipv6_addr';
}

/** The addresses of the family, tunnel addresses among them exactly where their node's InternalIP is. */
export function aliased(addresses: readonly Ip[], family: Family, aliases: readonly TunnelAlias[]): ElementKey[] {
  const own = addresses.filter((ip) => ip.family === family);
  const relevant = aliases.filter((alias) => alias.family === family);
  const plain = own.filter((ip) => !relevant.some((alias) => alias.tunnel === ip.value));
  const tunnels = relevant.filter((alias) => own.some((ip) => ip.value === alias.address));
  return [...plain, ...tunnels.map((alias) => ({ family, value: alias.tunnel }))].map(addressKey);
}

/** Sets the value under the key, or takes the key away. */
export function put<Key, Value>(map: Map<Key, Value>, key: Key, value: Value | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
