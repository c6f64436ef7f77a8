import { ITEM_KINDS, KEYS } from './network-items.ts';
import type { ItemKind, ItemKinds, Items, ItemTables } from './network-items.ts';
import type { DesiredLink } from './types.ts';

/** Something that somebody claims to be needed under a key. */
interface Claim<T> {
  readonly by: string;
  readonly item: T;
}

/**
 * Items by key that several may claim: of the claims the one whose claimant comes first in the alphabet counts, so what
 * counts does not depend on the order in which they came. Remembers which keys were touched.
 */
export class KeyedItems<T> {
  readonly #keyOf: (item: T) => string;
  readonly #claims = new Map<string, readonly Claim<T>[]>();
  readonly #items = new Map<string, T>();
  #touched = new Set<string>();

  constructor(keyOf: (item: T) => string) {
    this.#keyOf = keyOf;
  }

  /** What counts, by key. */
  get items(): ReadonlyMap<string, T> {
    return this.#items;
  }

  add(by: string, items: readonly T[]): void {
    for (const item of items) this.#set(this.#keyOf(item), by, { by, item });
  }

  /** Takes back what `by` claims; `items` are those of {@link add}. */
  remove(by: string, items: readonly T[]): void {
    for (const item of items) this.#set(this.#keyOf(item), by, undefined);
  }

  /** The keys under which something may have changed since the last call. */
  takeTouched(): ReadonlySet<string> {
    const touched = this.#touched;
    if (touched.size > 0) this.#touched = new Set();
    return touched;
  }

  #set(key: string, by: string, claim: Claim<T> | undefined): void {
    this.#touched.add(key);
    const known = this.#claims.get(key);
    const others = known === undefined ? [] : known.filter((each) => each.by !== by);
    const claims = claim === undefined ? others : [...others, claim];
    const [first, ...rest] = claims;
    if (first === undefined) {
      this.#claims.delete(key);
      this.#items.delete(key);
      return;
    }
    this.#claims.set(key, claims);
    this.#items.set(key, rest.reduce((best, each) => (each.by < best.by ? each : best), first).item);
  }
}

/** The keys of each kind under which something may have changed. */
export type TouchedKeys = { readonly [K in ItemKind]: ReadonlySet<string> };

/** {@link KeyedItems} of every kind. */
export class ClaimedItems {
  readonly #tables: { readonly [K in ItemKind]: KeyedItems<ItemKinds<DesiredLink>[K]> } = {
    links: new KeyedItems<DesiredLink>(KEYS.links),
    addresses: new KeyedItems(KEYS.addresses),
    neighbours: new KeyedItems(KEYS.neighbours),
    fdb: new KeyedItems(KEYS.fdb),
    routes: new KeyedItems(KEYS.routes),
    returnRoutes: new KeyedItems(KEYS.returnRoutes),
    rules: new KeyedItems(KEYS.rules),
  };

  /** What counts; later changes show in it. */
  readonly items: ItemTables = Object.fromEntries(
    ITEM_KINDS.map((kind) => [kind, this.#tables[kind].items]),
  ) as unknown as ItemTables;

  /** What `by` claims is `after`, where it was `before`. */
  replace(by: string, before: Items | undefined, after: Items | undefined): void {
    for (const kind of ITEM_KINDS) this.#replace(kind, by, before?.[kind], after?.[kind]);
  }

  takeTouched(): TouchedKeys {
    return Object.fromEntries(ITEM_KINDS.map((kind) => [kind, this.#tables[kind].takeTouched()])) as TouchedKeys;
  }

  #replace<K extends ItemKind>(kind: K, by: string, before: Items[K], after: Items[K]): void {
    const table = this.#tables[kind] as unknown as KeyedItems<unknown>;
    if (before !== undefined) table.remove(by, before);
    if (after !== undefined) table.add(by, after);
  }
}
