/** What a round of work on one key came to. */
export interface RoundResult {
  /** Look again after this many milliseconds, even if nothing changes. */
  readonly againInMs?: number;
}

/** How a {@link WorkQueue} works. */
export interface WorkQueueOptions {
  /** How many keys are worked on at once; never one key twice. */
  readonly concurrency: number;
  /** Wait before the first retry of a failed key in milliseconds; doubles up to 256 times this. */
  readonly backoffMs: number;
}

/**
 * Keys that need work. A key that is added many times before its turn is worked on once; added while it is worked on, once more
 * afterwards; a failed one again after a growing pause. Work starts on the next turn of the event loop, so that a burst of changes is one round.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #work: (key: string) => Promise<RoundResult>;
  readonly #onFailure: (key: string, error: unknown, retryInMs: number) => void;
  readonly #signal: AbortSignal;
  readonly #ready = new Set<string>();
  readonly #active = new Map<string, Promise<void>>();
  readonly #timers = new Map<string, { readonly due: number; readonly timer: NodeJS.Timeout }>();
  readonly #failures = new Map<string, number>();
  #scheduled = false;

  constructor(
    options: WorkQueueOptions,
    work: (key: string) => Promise<RoundResult>,
    onFailure: (key: string, error: unknown, retryInMs: number) => void,
    signal: AbortSignal,
  ) {
    this.#options = options;
    this.#work = work;
    this.#onFailure = onFailure;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#stop(), { once: true });
  }

  /** Asks for a round on `key` as soon as possible. */
  add(key: string): void {
    if (this.#signal.aborted) return;
    this.#ready.add(key);
    this.#schedule();
  }

  /** Asks for a round on `key` in `ms` milliseconds, unless an earlier one is already due. */
  addAfter(key: string, ms: number): void {
    if (this.#signal.aborted) return;
    const due = performance.now() + ms;
    const pending = this.#timers.get(key);
    if (pending !== undefined && pending.due <= due) return;
    clearTimeout(pending?.timer);
    const fire = (): void => {
      this.#timers.delete(key);
      this.add(key);
    };
    this.#timers.set(key, { due, timer: setTimeout(fire, ms) });
  }

  /** Resolves when no round is running any more; new ones do not start once the signal has aborted. */
  async idle(): Promise<void> {
    while (this.#active.size > 0) await Promise.all(this.#active.values());
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#drain();
    });
  }

  #drain(): void {
    if (this.#signal.aborted) return;
    for (const key of this.#ready) {
      if (this.#active.size >= this.#options.concurrency) return;
      if (this.#active.has(key)) continue;
      this.#ready.delete(key);
      this.#active.set(key, this.#round(key));
    }
  }

  async #round(key: string): Promise<void> {
    try {
      const { againInMs } = await this.#work(key);
      this.#failures.delete(key);
      if (againInMs !== undefined) this.addAfter(key, againInMs);
    } catch (error) {
      if (!this.#signal.aborted) this.#retry(key, error);
    } finally {
      this.#active.delete(key);
      if (this.#ready.size > 0) this.#schedule();
    }
  }

  #retry(key: string, error: unknown): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const retryInMs = this.#options.backoffMs * 2 ** Math.min(failures, 8);
    this.#onFailure(key, error, retryInMs);
    this.addAfter(key, retryInMs);
  }

  #stop(): void {
    for (const { timer } of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#ready.clear();
  }
}
