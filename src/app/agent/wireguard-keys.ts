import type { Family } from '../../base/ip/index.ts';
import { newPrivateKey, publicKeyOf } from '../../host/wireguard/key.ts';
import type { TextStore } from './text-file.ts';

interface StoredKey {
  readonly privateKey: string;
  /** The wish for another key, as the Node expressed it when this one was made. */
  readonly rotation: string;
}

/**
 * The keys of this node, one for each family, as Calico has it. A key lives until the wish for another one, a text that
 * anybody may choose, is not the same any more as when it was made.
 */
export class WireguardNodeKeys {
  readonly #store: TextStore;
  readonly #keys = new Map<Family, StoredKey & { readonly publicKey: string }>();

  constructor(store: TextStore) {
    this.#store = store;
    for (const [family, key] of readKeys(store.load())) this.#keys.set(family, withPublic(key));
  }

  /** The key to use now; made, and kept, when there is none or another one is wished for. */
  get(family: Family, rotation: string): { readonly privateKey: string; readonly publicKey: string } {
    const known = this.#keys.get(family);
    if (known?.rotation === rotation) return known;
    const key = withPublic({ privateKey: newPrivateKey(), rotation });
    this.#keys.set(family, key);
    const stored = [...this.#keys].map(([of, { privateKey, rotation: made }]) => [of, { privateKey, rotation: made }]);
    this.#store.save(JSON.stringify(Object.fromEntries(stored)));
    return key;
  }
}

function withPublic(key: StoredKey): StoredKey & { readonly publicKey: string } {
  return { ...key, publicKey: publicKeyOf(key.privateKey) };
}

/** What of the text are keys; a file that somebody spoiled is as good as none. */
function readKeys(text: string | undefined): readonly (readonly [Family, StoredKey])[] {
  try {
    const stored = JSON.parse(text ?? '{}') as Partial<Record<Family, StoredKey>>;
    return ([4, 6] as const).flatMap((family) => {
      const key = stored[family];
      if (key === undefined) return [];
      publicKeyOf(key.privateKey);
      return [[family, { privateKey: key.privateKey, rotation: String(key.rotation) }] as const];
    });
  } catch {
    return [];
  }
}
