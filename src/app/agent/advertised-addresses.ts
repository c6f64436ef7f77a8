import { formatCidr } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import type { Delta } from '../../core/calc/model.ts';

/** Tells the packet filter which addresses of Services this node draws to itself by BGP. */
export class AdvertisedAddresses {
  readonly #apply: (delta: Delta) => void;
  #known: readonly Cidr[] = [];

  constructor(apply: (delta: Delta) => void) {
    this.#apply = apply;
  }

  update(cidrs: readonly Cidr[]): void {
    if (cidrs.map(formatCidr).join() === this.#known.map(formatCidr).join()) return;
    this.#known = cidrs;
    this.#apply({ kind: 'advertised', key: '', value: cidrs });
  }

  /** For a new calculation. */
  snapshot(): Delta[] {
    return [{ kind: 'advertised', key: '', value: this.#known }];
  }
}
