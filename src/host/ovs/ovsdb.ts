import { SluiceError } from '../../base/errors.ts';
import { UnixStream } from './unix-stream.ts';

/** A value of OVSDB: an atom, or `["uuid", …]`, `["set", […]]`, `["map", […]]`, `["named-uuid", …]` (RFC 7047 §5.1). */
export type OvsdbValue = string | number | boolean | readonly OvsdbValue[];
/** A row, or some of its columns, by their names. */
export type OvsdbRow = Readonly<Record<string, OvsdbValue>>;
/** One operation of a transaction (RFC 7047 §5.2). */
export type OvsdbOperation = Readonly<Record<string, unknown>>;
/** What came of one operation: `rows` of a select, `uuid` of an insert, `count` of the others. */
export interface OvsdbResult {
  readonly rows?: readonly OvsdbRow[];
  readonly uuid?: OvsdbValue;
  readonly count?: number;
}

interface Reply {
  readonly id: unknown;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: readonly (OvsdbResult & { readonly error?: string; readonly details?: string })[] | null;
  readonly error?: unknown;
}

const DATABASE = 'Open_vSwitch';

/**
 * Runs one transaction on the Open vSwitch database behind the unix socket at `path`, and waits for its end. All of it
 * happens or, with an exception, nothing.
 */
export function transact(path: string, operations: readonly OvsdbOperation[]): readonly OvsdbResult[] {
  using stream = new UnixStream(path);
  const request = { id: 1, method: 'transact', params: [DATABASE, ...operations] };
  stream.write(Buffer.from(JSON.stringify(request)));
  const { result, error } = readReply(stream);
  const failed = result?.find((each) => each?.error !== undefined);
  if (result === null || result === undefined || failed !== undefined)
    throw new SluiceError('failed', `Open vSwitch refused a change: ${describe(failed ?? error)}`);
  return result;
}

/** The answer to request 1; questions whether we are alive are answered on the way. */
function readReply(stream: UnixStream): Reply {
  const reader = new JsonReader();
  for (;;) {
    for (const text of reader.push(stream.read())) {
      const message = JSON.parse(text) as Reply;
      if (message.method === 'echo')
        stream.write(Buffer.from(JSON.stringify({ id: message.id, result: message.params, error: null })));
      else if (message.id === 1) return message;
    }
  }
}

function describe(error: unknown): string {
  const { error: code, details } = (error ?? {}) as { readonly error?: string; readonly details?: string };
  return code === undefined ? JSON.stringify(error) : details === undefined ? code : `${code}: ${details}`;
}

/** Finds the ends of JSON objects that follow each other without anything between, as JSON-RPC 1.0 over a stream has them. */
export class JsonReader {
  #text = '';
  #at = 0;
  #depth = 0;
  #inString = false;
  readonly #decoder = new TextDecoder();

  /** The objects that `bytes` completes. */
  push(bytes: Uint8Array): readonly string[] {
    const complete: string[] = [];
    this.#text += this.#decoder.decode(bytes, { stream: true });
    for (; this.#at < this.#text.length; this.#at++) {
      if (!this.#endsObject(this.#text[this.#at]!)) continue;
      complete.push(this.#text.slice(0, this.#at + 1));
      this.#text = this.#text.slice(this.#at + 1);
      this.#at = -1;
    }
    return complete;
  }

  #endsObject(char: string): boolean {
    if (this.#inString) {
      // An escaped character says nothing; it may come with the next bytes.
      if (char === '\\') this.#at++;
      else if (char === '"') this.#inString = false;
      return false;
    }
    if (char === '"') this.#inString = true;
    else if (char === '{') this.#depth++;
    else if (char === '}') return --this.#depth === 0;
    return false;
  }
}
