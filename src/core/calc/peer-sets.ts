import type { Family } from '../../base/ip/index.ts';
import { intervalKeys, isEverything } from '../nft/condition-matches.ts';
import type { SetNames } from '../nft/condition-matches.ts';
import { portKey, protoKey } from '../nft/key.ts';
import type { ElementKey } from '../nft/model.ts';
import { IPPROTO } from '../nft/model.ts';
import { digest } from '../nft/names.ts';
import type { TrackedRuleset } from '../nft/tracked-ruleset.ts';
import { effectiveRanges } from '../policy/blocks.ts';
import { podSetKey } from '../policy/model.ts';
import type { BlockPeer, PodSet, PortMatch } from '../policy/model.ts';
import { AddressSets, addressType } from './address-sets.ts';
import type { NameOf } from './address-sets.ts';
import { CountedSet } from './counted-set.ts';
import { podSetOf } from './pod-set-of.ts';
import type { PodEntry, PodTable } from './pod-table.ts';
import { RangeSets } from './range-sets.ts';
import { RefilledSets } from './refilled-sets.ts';
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
  readonly #refilled: RefilledSets;
  /** What nodes, Services and names have for addresses: feed it. */
  readonly addresses: AddressSets;
  /** What network sets and host endpoints have for addresses: feed it. */
  readonly ranges: RangeSets;
  /** Digests of texts in names of sets that exist. */
  readonly #digests = new Map<string, string>();

  constructor(ruleset: TrackedRuleset, pods: PodTable, families: readonly Family[]) {
    this.#ruleset = ruleset;
    this.#pods = pods;
    this.#families = families;
    this.#refilled = new RefilledSets(ruleset);
    this.addresses = new AddressSets(this.#refilled, families);
    this.ranges = new RangeSets(this.#refilled, families);
  }

  /** Names for one compilation; `held` collects what the caller must {@link PeerSets.release} later. */
  names(held: Set<string>): SetNames {
    const hold = (key: string, make: () => () => void): void => {
      if (held.has(key)) return;
      held.add(key);
      this.#shared.acquire(key, make);
    };
    /** Holds the sets of one identity and returns their name for a family. */
    const named = (prefix: string, identity: string, make: (name: NameOf) => () => void): NameOf => {
      const name: NameOf = (family) => this.#name(prefix, family, identity);
      hold(`${prefix} ${identity}`, () => {
        const drop = make(name);
        return () => {
          this.#digests.delete(identity);
          drop();
        };
      });
      return name;
    };
    /** The same for sets that no rule looks into while they are empty. */
    const optional =
      (prefix: string, identity: string, make: (name: NameOf, optional: string) => () => void) =>
      (family: Family): readonly string[] => {
        const own = `${prefix} ${identity}`;
        const name = named(prefix, identity, (each) => make(each, own));
        return this.#refilled.isUsed(own, family) ? [name(family)] : [];
      };
    return {
      pods: (peer, family) => named('pods', peer.key, (name) => this.#makePods(peer.key, peer, name))(family),
      block: (peer) => {
        if (peer.ranges.length === 0) return 'nothing';
        if (isEverything(peer.family, peer.ranges)) return 'everything';
        return { set: named('block', peer.key, (name) => this.#makeBlock(peer, name))(peer.family) };
      },
      nodes: (peer, family) => named('nodes', peer.key, (name) => this.addresses.holdNodes(peer, name))(family),
      endpoints: (peer, family) => {
        const chosen = podSetOf(peer.selector);
        const key = podSetKey(chosen);
        const pods = named('pods', key, (name) => this.#makePods(key, chosen, name));
        const ranges = optional('ranges', peer.key, (name, own) => this.ranges.hold(peer, own, name));
        return [pods(family), ...ranges(family)];
      },
      service: (peer, side, family) => {
        const prefix = side === 'source' ? 'service' : 'service-ports';
        return named(prefix, peer.key, (name) => this.addresses.holdService(peer, side, name))(family);
      },
      domain: (peer, family) => named('domain', peer.key, (name) => this.addresses.holdDomain(peer, name))(family),
      namedPort: (port, family) => {
        const key = `${port.protocol}/${port.name}`;
        const pods = named('named', key, (name) => this.#makeNamedPort(port, name));
        const hosts = optional('host-named', key, (name, own) => this.ranges.holdNamedPort(port, own, name));
        return [pods(family), ...hosts(family)];
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

  /** Brings the sets up to date and returns what rules hold that must be compiled anew, since its sets are now others. */
  settle(): Holding {
    this.addresses.settle();
    this.#refilled.settle();
    return this.#refilled.takeReshaped();
  }

  #makePods(key: string, chosen: PodSet, name: NameOf): () => void {
    const sets = this.#perFamily((family) => ({ name: name(family), key: [addressType(family)] }));
    const each = (pod: PodEntry, act: (set: CountedSet, key: ElementKey) => void): void => {
      for (const address of pod.addresses) {
        const set = sets.get(familyOf(address));
        if (set !== undefined) act(set, address);
      }
    };
    this.#pods.index.watch(key, chosen, {
      enter: (pod) => each(pod, (set, address) => set.claim(address)),
      leave: (pod) => each(pod, (set, address) => set.release(address)),
    });
    return () => {
      this.#pods.index.unwatch(key);
      for (const set of sets.values()) set.drop();
    };
  }

  #makeNamedPort(port: NamedPortMatch, name: NameOf): () => void {
    const sets = this.#perFamily((family) => ({
      name: name(family),
      key: [addressType(family), 'inet_proto' as const, 'inet_service' as const],
    }));
    const each = (pod: PodEntry, act: (set: CountedSet, key: ElementKey) => void): void => {
      for (const { name: own, protocol, port: number } of pod.ports) {
        if (own !== port.name || protocol !== port.protocol) continue;
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
      for (const set of sets.values()) set.drop();
    };
  }

  #makeBlock(peer: BlockPeer, name: NameOf): () => void {
    return this.#refilled.hold({
      families: [peer.family],
      spec: (family) => ({ name: name(family), key: [addressType(family)], interval: true }),
      elements: (family, aliases) => intervalKeys(family, effectiveRanges(peer, aliases)),
    });
  }

  #makePorts(name: string, elements: readonly ElementKey[]): () => void {
    this.#ruleset.addSet({ name, key: ['inet_proto', 'inet_service'], interval: true });
    for (const key of elements) this.#ruleset.put(name, key);
    return () => this.#ruleset.deleteSet(name);
  }

  /** Users of one set ask for its name many times; hashing it once is enough. */
  #name(prefix: string, family: Family, identity: string): string {
    let known = this.#digests.get(identity);
    if (known === undefined) this.#digests.set(identity, (known = digest(identity)));
    return `${prefix}${family}-${known}`;
  }

  #perFamily(spec: (family: Family) => ConstructorParameters<typeof CountedSet>[1]): Map<Family, CountedSet> {
    return new Map(this.#families.map((family) => [family, new CountedSet(this.#ruleset, spec(family))]));
  }
}

function familyOf(address: ElementKey): Family {
  return address.length === 8 ? 4 : 6;
}

function portSetName(elements: readonly ElementKey[]): string {
  return `ports-${digest(elements.join())}`;
}
