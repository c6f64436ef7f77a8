import { SluiceError } from '../../base/errors.ts';

/** Whether the agent can serve, and why not. Waiting callers are let through once it can. */
export class Readiness {
  #reason: string;
  readonly #first = Promise.withResolvers<void>();

  constructor(reason: string) {
    this.#reason = reason;
  }

  get isReady(): boolean {
    return this.#reason === '';
  }

  /** '' when ready. */
  get reason(): string {
    return this.#reason;
  }

  /** What is being waited for now. */
  waitingFor(reason: string): void {
    this.#reason = reason;
  }

  ready(): void {
    this.#reason = '';
    this.#first.resolve();
  }

  /** Resolves when ready; rejects with the reason after `milliseconds`. */
  async wait(milliseconds: number): Promise<void> {
    if (this.isReady) return;
    const { promise: expired, resolve: expire } = Promise.withResolvers<'expired'>();
    const timer = setTimeout(() => expire('expired'), milliseconds);
    const outcome = await Promise.race([this.#first.promise, expired]);
    clearTimeout(timer);
    if (outcome === 'expired') throw new SluiceError('not-ready', this.#reason);
  }
}
