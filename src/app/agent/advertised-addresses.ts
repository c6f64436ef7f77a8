import { formatCidr } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import type { Delta } from '../../core/calc/model.ts';

/** Tells the packet filter which addresses of Services this node draws to itself, by BGP or as a neighbour on a segment. */
export class AdvertisedAddresses {
  readonly #apply: (delta: Delta) => void;
  readonly #known = new Map<'bgp' | 'segment', readonly Cidr[]>();

  constructor(apply: (delta: Delta) => void) {
    this.#apply = apply;
  }

  update(by: 'bgp' | 'segment', cidrs: readonly Cidr[]): void {
    if (cidrs.map(formatCidr).join() === (this.#known.get(by) ?? []).map(formatCidr).join()) return;
    this.#known.set(by, cidrs);
    for (const delta of this.snapshot()) this.#apply(delta);
  }

  /** For a new calculation. */
  snapshot(): Delta[] {
    return [{ kind: 'advertised', key: '', value: [...this.#known.values()].flat() }];
  }
}
