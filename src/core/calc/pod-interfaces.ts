import { ifnameKey, rangeKey } from '../nft/key.ts';
import { SETS } from '../nft/names.ts';
import { OWN_PREFIX } from '../nft/statements.ts';
import type { TrackedRuleset } from '../nft/tracked-ruleset.ts';

/** The set of interfaces that belong to pods where another network names them: prefixes, and endpoints' that have none of them. */
export class PodInterfaces {
  readonly #ruleset: TrackedRuleset;
  readonly #prefixes: readonly string[];
  readonly #claims = new Map<string, number>();

  constructor(ruleset: TrackedRuleset, prefixes: readonly string[]) {
    this.#ruleset = ruleset;
    const all = [...new Set([OWN_PREFIX, ...prefixes])];
    // Ranges must not overlap.
    this.#prefixes = all.filter((each) => !all.some((other) => other !== each && each.startsWith(other)));
    for (const prefix of this.#prefixes) ruleset.put(SETS.podInterfaces, prefixKey(prefix));
  }

  claim(name: string): void {
    if (this.#hasPrefix(name)) return;
    const claims = this.#claims.get(name) ?? 0;
    this.#claims.set(name, claims + 1);
    if (claims === 0) this.#ruleset.put(SETS.podInterfaces, nameKey(name));
  }

  release(name: string): void {
    const claims = this.#claims.get(name);
    if (claims === undefined) return;
    if (claims > 1) this.#claims.set(name, claims - 1);
    else {
      this.#claims.delete(name);
      this.#ruleset.remove(SETS.podInterfaces, nameKey(name));
    }
  }

  #hasPrefix(name: string): boolean {
    return this.#prefixes.some((prefix) => name.startsWith(prefix));
  }
}

function nameKey(name: string): string {
  return rangeKey(ifnameKey(name), ifnameKey(name));
}

/** Every name that begins so: the kernel compares all 16 bytes. */
function prefixKey(prefix: string): string {
  const first = ifnameKey(prefix);
  return rangeKey(first, first.slice(0, prefix.length * 2).padEnd(first.length, 'f'));
}
