import { EtcdError } from './errors.ts';

/** Flag (one byte: compressed or not) and length (four, big-endian) before each message. */
const PREFIX = 5;

/** A message larger than this is a sign of something that is not etcd, bytes. etcd's own limit for a request is 1.5 MiB. */
const MAX_MESSAGE = 512 * 1024 * 1024;

/** The message as it goes into a stream: length-prefixed, not compressed. */
export function framed(message: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, PREFIX);
  return frame;
}

/** Cuts a stream of length-prefixed messages, in whatever pieces it arrives, into its messages. */
export class MessageSplitter {
  #pieces: Buffer[] = [];
  #length = 0;

  /** The messages that `chunk` completes; throws EtcdError `bad-response`. */
  push(chunk: Buffer): readonly Buffer[] {
    this.#pieces.push(chunk);
    this.#length += chunk.length;
    const messages: Buffer[] = [];
    for (let next = this.#next(); next !== undefined; next = this.#next()) messages.push(next);
    return messages;
  }

  #next(): Buffer | undefined {
    if (this.#length < PREFIX) return undefined;
    if (this.#pieces[0]!.length < PREFIX) this.#pieces = [Buffer.concat(this.#pieces)];
    const head = this.#pieces[0]!;
    const size = head.readUInt32BE(1);
    if (head[0] !== 0 || size > MAX_MESSAGE)
      throw new EtcdError('bad-response', 'etcd sent a message that is compressed or impossibly long');
    if (this.#length < PREFIX + size) return undefined;
    const all = this.#pieces.length === 1 ? head : Buffer.concat(this.#pieces);
    const rest = all.subarray(PREFIX + size);
    this.#pieces = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
    return all.subarray(PREFIX, PREFIX + size);
  }
}
