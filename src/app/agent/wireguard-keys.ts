import type { Family } from '../../base/ip/index.ts';
import { newPrivateKey, publicKeyOf } from '../../host/wireguard/key.ts';
import type { TextStore } from './text-file.ts';

interface StoredKey {
  readonly privateKey: string;
  /** The wish for another key, as the Node expressed it when this one was made. */
  readonly rotation: string;
}

/** Both halves of a key of this node's. */
export interface NodeKey extends StoredKey {
  readonly publicKey: string;
}

interface FamilyKeys<K extends StoredKey> {
  readonly present: K;
  /** The one that peers are being told of. */
  readonly next?: K;
}

/**
 * The keys of this node, one for each family, as Calico has it. A key lives until the wish for another one, a text that
 * anybody may choose, is not the same any more as when it was made; then the next one is prepared, and adopted later.
 */
export class WireguardNodeKeys {
  readonly #store: TextStore;
  readonly #keys = new Map<Family, FamilyKeys<NodeKey>>();

  constructor(store: TextStore) {
    this.#store = store;
    for (const [family, { present, next }] of readKeys(store.load()))
      this.#keys.set(family, { present: withPublic(present), ...(next && { next: withPublic(next) }) });
  }

  /** The key in use; made, and kept, when there is none. */
  present(family: Family, rotation: string): NodeKey {
    const known = this.#keys.get(family);
    return known === undefined ? this.replace(family, rotation) : known.present;
  }

  next(family: Family): NodeKey | undefined {
    return this.#keys.get(family)?.next;
  }

  /** Whether the wish is another than the one that the latest key was made for. */
  wantsAnother(family: Family, rotation: string): boolean {
    const known = this.#keys.get(family);
    return known !== undefined && (known.next ?? known.present).rotation !== rotation;
  }

  /** A new key at once. */
  replace(family: Family, rotation: string): NodeKey {
    const present = withPublic({ privateKey: newPrivateKey(), rotation });
    this.#keep(family, { present });
    return present;
  }

  /** Makes the key that comes after the present one. */
  prepare(family: Family, rotation: string): void {
    const present = this.present(family, rotation);
    this.#keep(family, { present, next: withPublic({ privateKey: newPrivateKey(), rotation }) });
  }

  /** The next key becomes the present one. */
  adopt(family: Family): void {
    const next = this.next(family);
    if (next !== undefined) this.#keep(family, { present: next });
  }

  #keep(family: Family, keys: FamilyKeys<NodeKey>): void {
    this.#keys.set(family, keys);
    const stored = [...this.#keys].map(([of, { present, next }]) => [
      of,
      { ...withoutPublic(present), ...(next && { next: withoutPublic(next) }) },
    ]);
    this.#store.save(JSON.stringify(Object.fromEntries(stored)));
  }
}

function withPublic(key: StoredKey): NodeKey {
  return { ...key, publicKey: publicKeyOf(key.privateKey) };
}

function withoutPublic({ privateKey, rotation }: StoredKey): StoredKey {
  return { privateKey, rotation };
}

/** What of the text are keys; a file that somebody spoiled is as good as none. */
function readKeys(text: string | undefined): readonly (readonly [Family, FamilyKeys<StoredKey>])[] {
  try {
    const stored = JSON.parse(text ?? '{}') as Partial<Record<Family, StoredKey & { readonly next?: StoredKey }>>;
    return ([4, 6] as const).flatMap((family) => {
      const key = stored[family];
      if (key === undefined) return [];
      return [[family, { present: checked(key), ...(key.next && { next: checked(key.next) }) }] as const];
    });
  } catch {
    return [];
  }
}

/** Throws for what is no key. */
function checked({ privateKey, rotation }: StoredKey): StoredKey {
  publicKeyOf(privateKey);
  return { privateKey, rotation: String(rotation) };
}
