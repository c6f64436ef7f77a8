/** Things that several users need under one key: made for the first, dropped after the last. */
export class Shared {
  readonly #entries = new Map<string, { users: number; readonly drop: () => void }>();

  /** One more user. `make` runs for the first one and returns what undoes it. */
  acquire(key: string, make: () => () => void): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) this.#entries.set(key, { users: 1, drop: make() });
    else entry.users++;
  }

  /** One user less. */
  release(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || --entry.users > 0) return;
    this.#entries.delete(key);
    entry.drop();
  }
}
