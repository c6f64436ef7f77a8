import { formatIp } from '../../base/ip/index.ts';
import type { Delta } from '../../core/calc/model.ts';
import type { ReturnPeer } from '../../core/routing/index.ts';

/** Tells the packet filter of the peers that answers are led back through, as routing brings them about. */
export class ReturnPeers {
  readonly #apply: (delta: Delta) => void;
  #known = new Map<string, ReturnPeer>();

  constructor(apply: (delta: Delta) => void) {
    this.#apply = apply;
  }

  update(peers: readonly ReturnPeer[]): void {
    const now = new Map(peers.map((peer) => [peer.node, peer]));
    for (const node of this.#known.keys()) if (!now.has(node)) this.#apply({ kind: 'peer', key: node });
    for (const peer of peers) {
      const before = this.#known.get(peer.node);
      if (before === undefined || textOf(before) !== textOf(peer)) this.#apply(deltaOf(peer));
    }
    this.#known = now;
  }

  /** All of them, for a new calculation. */
  snapshot(): Delta[] {
    return [...this.#known.values()].map(deltaOf);
  }
}

function deltaOf({ node, ...value }: ReturnPeer): Delta {
  return { kind: 'peer', key: node, value };
}

function textOf({ macs, outers, hops, mark }: ReturnPeer): string {
  return [...macs, ...outers.map(formatIp), ...hops.map(formatIp), mark].join();
}
