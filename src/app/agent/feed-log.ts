import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { PolicyIssue } from '../../core/policy/model.ts';

/** Between two complaints about the API, milliseconds. */
const EVERY = 60_000;

/** What of the watches is worth a line in the log. */
export class FeedLog {
  readonly #log: Logger;
  readonly #now: () => number;
  #complainedAt = -Infinity;

  constructor({ log, now }: { readonly log: Logger; readonly now: () => number }) {
    this.#log = log;
    this.#now = now;
  }

  /** One line per outage and minute, not one per collection and attempt. */
  onError(what: string, error: unknown): void {
    if (this.#now() - this.#complainedAt < EVERY) return;
    this.#complainedAt = this.#now();
    this.#log.warn(`${what} failed, trying again; the node goes on with what it knows`, { error: messageOf(error) });
  }

  /** Every part of a policy, or of what it speaks of, that is not understood. */
  onIssues(issues: readonly PolicyIssue[]): void {
    for (const { policy, source, message } of issues)
      this.#log.warn('a policy is not understood; the part allows nothing', {
        policy,
        path: source.path,
        problem: message,
      });
  }
}
