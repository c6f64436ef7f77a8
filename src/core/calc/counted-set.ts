import type { ElementKey, SetSpec } from '../nft/model.ts';
import type { TrackedRuleset } from '../nft/tracked-ruleset.ts';

/** A set of the ruleset whose elements may be claimed more than once, as when a new pod has an old one's address. */
export class CountedSet {
  readonly name: string;
  readonly #ruleset: TrackedRuleset;
  /** Claims beyond the first; almost never there. */
  #extra: Map<ElementKey, number> | undefined;

  constructor(ruleset: TrackedRuleset, spec: SetSpec) {
    this.name = spec.name;
    this.#ruleset = ruleset;
    ruleset.addSet(spec);
  }

  claim(key: ElementKey): void {
    if (!this.#ruleset.has(this.name, key)) this.#ruleset.put(this.name, key);
    else {
      this.#extra ??= new Map();
      this.#extra.set(key, (this.#extra.get(key) ?? 0) + 1);
    }
  }

  release(key: ElementKey): void {
    const extra = this.#extra?.get(key);
    if (extra === undefined) this.#ruleset.remove(this.name, key);
    else if (extra > 1) this.#extra!.set(key, extra - 1);
    else this.#extra!.delete(key);
  }

  /** Takes the set out of the ruleset. */
  drop(): void {
    this.#ruleset.deleteSet(this.name);
  }
}
