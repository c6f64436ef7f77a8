import type { Family } from '../../base/ip/index.ts';
import { addressKey, etherKey } from '../nft/key.ts';
import type { ElementData, ElementKey } from '../nft/model.ts';
import { outerPeerChainName, peerChainName, SETS } from '../nft/names.ts';
import { outerPeerChain, peerChain } from '../nft/return-paths.ts';
import type { TrackedRuleset } from '../nft/tracked-ruleset.ts';
import type { PeerSpec } from './model.ts';

/** By what a peer is known, as an element. */
type Sign = readonly [set: string, key: ElementKey, data: ElementData];

/**
 * The peers that answers are led back through. Should two claim one sign, as when a node has the address of another one
 * that is gone but not forgotten, the first by name has it.
 */
export class Peers {
  readonly #ruleset: TrackedRuleset;
  readonly #families: readonly Family[];
  readonly #peers = new Map<string, PeerSpec>();
  readonly #claims = new Map<string, Map<string, Sign>>();

  constructor(ruleset: TrackedRuleset, families: readonly Family[]) {
    this.#ruleset = ruleset;
    this.#families = families;
  }

  get size(): number {
    return this.#peers.size;
  }

  set(node: string, peer: PeerSpec | undefined): void {
    const before = this.#signsOf(node, this.#peers.get(node));
    const now = this.#signsOf(node, peer);
    if (peer === undefined) this.#peers.delete(node);
    else this.#peers.set(node, peer);
    this.#setChains(node, peer);
    for (const [set, key] of before) this.#claims.get(`${set} ${key}`)?.delete(node);
    for (const sign of now) this.#claim(node, sign);
    for (const sign of [...before, ...now]) this.#settle(sign);
  }

  #setChains(node: string, peer: PeerSpec | undefined): void {
    const [chain, outerChain] = [peerChainName(node), outerPeerChainName(node)];
    if (peer === undefined) this.#ruleset.deleteChain(chain);
    else this.#ruleset.setChain(peerChain(chain, peer.mark));
    if (peer === undefined || peer.outers.length === 0) this.#ruleset.deleteChain(outerChain);
    else this.#ruleset.setChain(outerPeerChain(outerChain, peer.mark));
  }

  #signsOf(node: string, peer: PeerSpec | undefined): readonly Sign[] {
    if (peer === undefined) return [];
    const hops = peer.hops.filter(({ family }) => this.#families.includes(family));
    return [
      ...peer.macs.map((mac): Sign => [SETS.peers, etherKey(mac), `goto ${peerChainName(node)}`]),
      ...peer.outers.map((ip): Sign => [SETS.outerPeers, addressKey(ip), `goto ${outerPeerChainName(node)}`]),
      ...hops.map((ip): Sign => [SETS.directPeers(ip.family), addressKey(ip), '']),
    ];
  }

  #claim(node: string, sign: Sign): void {
    const id = `${sign[0]} ${sign[1]}`;
    const claims = this.#claims.get(id);
    if (claims === undefined) this.#claims.set(id, new Map([[node, sign]]));
    else claims.set(node, sign);
  }

  #settle([set, key]: Sign): void {
    const id = `${set} ${key}`;
    const claims = this.#claims.get(id);
    if (claims === undefined || claims.size === 0) {
      this.#claims.delete(id);
      this.#ruleset.remove(set, key);
      return;
    }
    const first = [...claims.keys()].reduce((least, name) => (name < least ? name : least));
    this.#ruleset.put(set, key, claims.get(first)![2]);
  }
}
