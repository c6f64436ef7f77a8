/** Things that are not as they should be, of which only those that stay so are to be touched. */
export class Unsettled {
  readonly #patienceMs: number;
  readonly #since = new Map<string, { readonly state: string; readonly at: number }>();

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** Replaces what is wrong now; returns the keys of what has been so, in this very state, for long enough. */
  observe(wrong: readonly { readonly key: string; readonly state: string }[], now: number): ReadonlySet<string> {
    const before = new Map(this.#since);
    this.#since.clear();
    for (const { key, state } of wrong) {
      const known = before.get(key);
      this.#since.set(key, known?.state === state ? known : { state, at: now });
    }
    return new Set([...this.#since].filter(([, { at }]) => now - at >= this.#patienceMs).map(([key]) => key));
  }

  /** Milliseconds until something will have been wrong for long enough; undefined when nothing is wrong. */
  nextDue(now: number): number | undefined {
    if (this.#since.size === 0) return undefined;
    const first = Math.min(...[...this.#since.values()].map(({ at }) => at));
    return Math.max(0, first + this.#patienceMs - now);
  }
}
