import type { Place } from './positions.ts';

/** What the plain reader has read of one value. */
export interface Read {
  readonly value: unknown;
  readonly inner?: Place['inner'];
}

/** More values than this that come from aliases are for the complete parser, which knows when it is an attack. */
const COPIED_LIMIT = 10_000;

/**
 * The anchors of one plain document. A name means one value, and no value with a name has another name or an alias in it:
 * all else is for the complete parser.
 */
export class PlainAnchors {
  readonly #values = new Map<string, Read>();
  #isOpen = false;
  #copied = 0;

  /** Keeps what `read` reads under the name; undefined when that is not plain. */
  define(name: string, read: () => Read): Read | undefined {
    if (this.#isOpen || this.#values.has(name)) return undefined;
    this.#isOpen = true;
    const value = read();
    this.#isOpen = false;
    this.#values.set(name, value);
    return value;
  }

  /** The value of that name once more, with the places that it has there; undefined when that is not plain. */
  use(name: string): Read | undefined {
    const known = this.#isOpen ? undefined : this.#values.get(name);
    if (known === undefined) return undefined;
    const value = this.#copy(known.value);
    return this.#copied > COPIED_LIMIT ? undefined : { ...known, value };
  }

  #copy(value: unknown): unknown {
    if (++this.#copied > COPIED_LIMIT || typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((each) => this.#copy(each));
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.#copy(each)]));
  }
}
