import { setImmediate } from 'node:timers/promises';
import { SluiceError } from '../base/errors.ts';

/** Text is handed on in pieces of about this size. */
const PIECE = 64 * 1024;

/**
 * Prints long answers piece by piece, so that none of it is kept: lines are gathered, and between pieces the event loop
 * runs, which is when a closed pipe or an interrupt is noticed.
 */
export class LineSink {
  readonly #print: (text: string) => void;
  readonly #signal: AbortSignal;
  #lines: string[] = [];
  #length = 0;

  constructor({ print, signal }: { readonly print: (text: string) => void; readonly signal: AbortSignal }) {
    this.#print = print;
    this.#signal = signal;
  }

  /** Adds a line. Undefined, or a promise to wait for before the next one. */
  line(text: string): Promise<void> | undefined {
    this.#lines.push(text);
    this.#length += text.length + 1;
    return this.#length < PIECE ? undefined : this.flush();
  }

  /** Prints what has been gathered; throws when the user has interrupted. */
  async flush(): Promise<void> {
    if (this.#lines.length > 0) this.#print(this.#lines.join('\n'));
    this.#lines = [];
    this.#length = 0;
    await setImmediate();
    if (this.#signal.aborted) throw new SluiceError('interrupted', 'interrupted; the answer is not complete');
  }
}
