import { necessaryRequirements } from '../kube/labels.ts';
import type { Labels, Requirement, Selector } from '../kube/labels.ts';

/**
 * Files things under one requirement of a selector and finds those whose requirement some labels meet: never fewer than
 * the selectors that match, and far fewer than all.
 */
export class Shelf<Item> {
  readonly #anywhere = new Set<Item>();
  readonly #present = new Map<string, Set<Item>>();
  readonly #equal = new Map<string, Map<string, Set<Item>>>();
  #size = 0;

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  add(selector: Selector, item: Item): void {
    for (const set of this.#placesOf(selector)) set.add(item);
    this.#size++;
  }

  delete(selector: Selector, item: Item): void {
    for (const set of this.#placesOf(selector)) set.delete(item);
    this.#size--;
    this.#forgetEmpty(selector);
  }

  /** Calls `visit` for every candidate, for some more than once. */
  find(labels: Labels, visit: (item: Item) => void): void {
    if (this.isEmpty) return;
    this.#anywhere.forEach(visit);
    if (this.#present.size === 0 && this.#equal.size === 0) return;
    for (const key in labels) {
      this.#present.get(key)?.forEach(visit);
      this.#equal.get(key)?.get(labels[key]!)?.forEach(visit);
    }
  }

  #forgetEmpty(selector: Selector): void {
    if (selector.kind === 'nothing') return;
    for (const { key, values } of necessaryRequirements(selector)) {
      if (this.#present.get(key)?.size === 0) this.#present.delete(key);
      const sets = this.#equal.get(key);
      for (const value of values) if (sets?.get(value)?.size === 0) sets.delete(value);
      if (sets?.size === 0) this.#equal.delete(key);
    }
  }

  #placesOf(selector: Selector): Set<Item>[] {
    if (selector.kind === 'nothing') return [];
    const equality = narrowest(necessaryRequirements(selector).filter((each) => each.operator === 'In'));
    if (equality !== undefined) {
      const values = getOrMake(this.#equal, equality.key, () => new Map<string, Set<Item>>());
      return equality.values.map((value) => getOrMake(values, value, () => new Set<Item>()));
    }
    const presence = necessaryRequirements(selector).find((each) => each.operator === 'Exists');
    return [presence === undefined ? this.#anywhere : getOrMake(this.#present, presence.key, () => new Set<Item>())];
  }
}

function narrowest(requirements: readonly Requirement[]): Requirement | undefined {
  return requirements.toSorted((a, b) => a.values.length - b.values.length)[0];
}

function getOrMake<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
