import type { Logger } from '../../base/log.ts';
import type { KnownName } from '../../core/ingress/index.ts';
import type { Lookup, NameAnswer } from '../../host/dns/lookup.ts';
import { pause } from '../../host/kube-client/pause.ts';

/** What looking names up needs. */
export interface ExternalNamesDependencies {
  readonly lookup: Lookup;
  readonly log: Logger;
  /** Something is known that was not before. */
  readonly onChange: () => void;
}

/** A name is looked up again after its time, within these bounds; seconds. */
const LEAST = 5;
const MOST = 60;

/**
 * Knows what names stand for, as long as they are wanted. What is known holds while nobody can be asked; when it is
 * known that there is no such name, it does not.
 */
export class ExternalNames {
  readonly #dependencies: ExternalNamesDependencies;
  readonly #signal: AbortSignal;
  readonly #searches = new Map<string, AbortController>();
  #known: ReadonlyMap<string, KnownName> = new Map();
  #servers: readonly string[] = [];

  /** Ends with the signal. */
  constructor(dependencies: ExternalNamesDependencies, signal: AbortSignal) {
    this.#dependencies = dependencies;
    this.#signal = signal;
  }

  /** Looks up these names, from now on, and no others; `servers` are whom to ask. */
  want(names: ReadonlySet<string>, servers: readonly string[]): void {
    this.#servers = servers;
    for (const [name, search] of this.#searches) {
      if (names.has(name)) continue;
      search.abort();
      this.#searches.delete(name);
      this.#set(name, undefined);
    }
    for (const name of names) if (!this.#searches.has(name)) this.#begin(name);
  }

  /** A new map whenever something has changed. */
  known(): ReadonlyMap<string, KnownName> {
    return this.#known;
  }

  #begin(name: string): void {
    const search = new AbortController();
    this.#searches.set(name, search);
    void this.#search(name, AbortSignal.any([search.signal, this.#signal]));
  }

  async #search(name: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const answer = await this.#dependencies.lookup(name, this.#servers);
      if (signal.aborted) return;
      this.#learn(name, answer);
      const seconds = answer.kind === 'found' ? Math.min(Math.max(answer.ttl, LEAST), MOST) : LEAST;
      await pause(seconds * 1000, signal);
    }
  }

  #learn(name: string, answer: NameAnswer): void {
    const before = this.#known.get(name);
    const after = knownOf(answer, before);
    if (JSON.stringify(after) === JSON.stringify(before)) return;
    this.#dependencies.log.info('a name stands for something else', { name, ...after });
    this.#set(name, after);
    this.#dependencies.onChange();
  }

  #set(name: string, what: KnownName | undefined): void {
    const next = new Map(this.#known);
    if (what === undefined) next.delete(name);
    else next.set(name, what);
    this.#known = next;
  }
}

function knownOf(answer: NameAnswer, before: KnownName | undefined): KnownName {
  switch (answer.kind) {
    case 'found':
      return { addresses: answer.addresses };
    case 'absent':
      return { problem: 'is not known to the DNS, or has no address' };
    case 'failed':
      return before !== undefined && 'addresses' in before
        ? before
        : { problem: `cannot be looked up: ${answer.reason}` };
  }
}
