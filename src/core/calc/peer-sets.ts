import type { Family } from '../../base/ip/index.ts';
import { intervalKeys, isEverything } from '../nft/compile-policy.ts';
import type { SetNames } from '../nft/compile-policy.ts';
import { portKey, protoKey } from '../nft/key.ts';
import type { ElementKey } from '../nft/model.ts';
import { IPPROTO } from '../nft/model.ts';
import { digest } from '../nft/names.ts';
import type { TrackedRuleset } from '../nft/tracked-ruleset.ts';
import { effectiveRanges, tunnelAliases } from '../policy/blocks.ts';
import type { TunnelAlias } from '../policy/blocks.ts';
import type { NodeEndpoint } from '../policy/cluster.ts';
import type { BlockPeer, PodPeer, PortMatch } from '../policy/model.ts';
import { CountedSet } from './counted-set.ts';
import type { PodEntry, PodTable } from './pod-table.ts';
import { Shared } from './shared.ts';

type NamedPortMatch = PortMatch & { readonly kind: 'named' };

/** Sets held by one compiled chain, to be given back together. */
export type Holding = ReadonlySet<string>;

/**
 * The sets that policies read, shared between all rules that mean the same peers or ports and kept up to date while
 * some chain holds them.
 */
export class PeerSets {
  readonly #ruleset: TrackedRuleset;
  readonly #pods: PodTable;
  readonly #families: readonly Family[];
  readonly #shared = new Shared();
  readonly #blocks = new Map<string, BlockPeer>();
  /** Digests of texts in names of sets that exist. */
  readonly #digests = new Map<string, string>();
  #aliases: readonly TunnelAlias[] = [];

  constructor(ruleset: TrackedRuleset, pods: PodTable, families: readonly Family[]) {
    this.#ruleset = ruleset;
    this.#pods = pods;
    this.#families = families;
  }

  /** Names for one compilation; `held` collects what the caller must {@link PeerSets.release} later. */
  names(held: Set<string>): SetNames {
    const hold = (key: string, make: () => () => void): void => {
      if (held.has(key)) return;
      held.add(key);
      this.#shared.acquire(key, make);
    };
    return {
      pods: (peer, family) => {
        hold(`pods ${peer.key}`, () => this.#makePods(peer));
        return this.#name('pods', family, peer.key);
      },
      block: (peer) => {
        if (peer.ranges.length === 0) return 'nothing';
        if (isEverything(peer.family, peer.ranges)) return 'everything';
        hold(`block ${peer.key}`, () => this.#makeBlock(peer));
        return { set: this.#name('block', peer.family, peer.key) };
      },
      namedPort: (port, family) => {
        hold(`named ${port.protocol}/${port.name}`, () => this.#makeNamedPort(port));
        return this.#name('named', family, `${port.protocol}/${port.name}`);
      },
      ports: (elements) => {
        const name = portSetName(elements);
        hold(name, () => this.#makePorts(name, elements));
        return name;
      },
    };
  }

  release(holding: Holding): void {
    for (const key of holding) this.#shared.release(key);
  }

  /** Blocks judge a node's tunnel address as its InternalIP, so they follow the nodes. */
  setNodes(nodes: Iterable<NodeEndpoint>): void {
    this.#aliases = tunnelAliases(nodes);
    for (const peer of this.#blocks.values()) this.#fillBlock(peer);
  }

  #makePods(peer: PodPeer): () => void {
    const sets = this.#perFamily((family) => ({
      name: this.#name('pods', family, peer.key),
      key: [addressType(family)],
    }));
    const each = (pod: PodEntry, act: (set: CountedSet, key: ElementKey) => void): void => {
      for (const address of pod.addresses) {
        const set = sets.get(familyOf(address));
        if (set !== undefined) act(set, address);
      }
    };
    this.#pods.index.watch(peer.key, peer, {
      enter: (pod) => each(pod, (set, key) => set.claim(key)),
      leave: (pod) => each(pod, (set, key) => set.release(key)),
    });
    return () => {
      this.#pods.index.unwatch(peer.key);
      this.#digests.delete(peer.key);
      for (const set of sets.values()) set.drop();
    };
  }

  #makeNamedPort(port: NamedPortMatch): () => void {
    const sets = this.#perFamily((family) => ({
      name: this.#name('named', family, `${port.protocol}/${port.name}`),
      key: [addressType(family), 'inet_proto' as const, 'inet_service' as const],
    }));
    const each = (pod: PodEntry, act: (set: CountedSet, key: ElementKey) => void): void => {
      for (const { name, protocol, port: number } of pod.ports) {
        if (name !== port.name || protocol !== port.protocol) continue;
        for (const address of pod.addresses) {
          const set = sets.get(familyOf(address));
          if (set !== undefined) act(set, address + protoKey(IPPROTO[protocol]) + portKey(number));
        }
      }
    };
    const listener = {
      enter: (pod: PodEntry) => each(pod, (set, key) => set.claim(key)),
      leave: (pod: PodEntry) => each(pod, (set, key) => set.release(key)),
    };
    this.#pods.listen(listener);
    return () => {
      this.#pods.unlisten(listener);
      this.#digests.delete(`${port.protocol}/${port.name}`);
      for (const set of sets.values()) set.drop();
    };
  }

  #makeBlock(peer: BlockPeer): () => void {
    const name = this.#name('block', peer.family, peer.key);
    this.#ruleset.addSet({ name, key: [addressType(peer.family)], interval: true });
    this.#blocks.set(peer.key, peer);
    this.#fillBlock(peer);
    return () => {
      this.#blocks.delete(peer.key);
      this.#digests.delete(peer.key);
      this.#ruleset.deleteSet(name);
    };
  }

  #fillBlock(peer: BlockPeer): void {
    const keys = intervalKeys(peer.family, effectiveRanges(peer, this.#aliases));
    this.#ruleset.replaceElements(this.#name('block', peer.family, peer.key), new Map(keys.map((key) => [key, ''])));
  }

  #makePorts(name: string, elements: readonly ElementKey[]): () => void {
    this.#ruleset.addSet({ name, key: ['inet_proto', 'inet_service'], interval: true });
    for (const key of elements) this.#ruleset.put(name, key);
    return () => this.#ruleset.deleteSet(name);
  }

  /** Users of one set ask for its name many times; hashing it once is enough. */
  #name(kind: 'pods' | 'block' | 'named', family: Family, identity: string): string {
    let known = this.#digests.get(identity);
    if (known === undefined) this.#digests.set(identity, (known = digest(identity)));
    return `${kind}${family}-${known}`;
  }

  #perFamily(spec: (family: Family) => ConstructorParameters<typeof CountedSet>[1]): Map<Family, CountedSet> {
    return new Map(this.#families.map((family) => [family, new CountedSet(this.#ruleset, spec(family))]));
  }
}

function familyOf(address: ElementKey): Family {
  return address.length === 8 ? 4 : 6;
}

function addressType(family: Family): 'ipv4_addr' | 'ipv6_addr' {
  return family === 4 ? 'ipv4_addr' : 'ipv6_addr';
}

function portSetName(elements: readonly ElementKey[]): string {
  return `ports-${digest(elements.join())}`;
}
