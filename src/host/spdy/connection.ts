import type { Duplex } from 'node:stream';
import { FLAG_FIN, FRAME, PROTOCOL_ERROR, controlFrame, dataFrame, readFrames, words } from './frames.ts';
import type { Frame } from './frames.ts';
import { HeaderBlocks } from './header-block.ts';

/** Calls for what the client does on one stream. */
export interface SpdyListeners {
  readonly onData?: (data: Buffer) => void;
  /** The client sends nothing more. */
  readonly onEnd?: () => void;
}

const SYN_STREAM_FIELDS = 10;
/** What one frame of data carries at most, so that the streams of a connection take turns. */
const MOST_DATA = 64 * 1024;

/** One stream of a connection that a client has opened. */
export class SpdyStream {
  readonly #id: number;
  readonly #socket: Duplex;
  #listeners: SpdyListeners | undefined;
  #early: Buffer[] = [];
  #ended = false;
  #closed = false;

  constructor(id: number, socket: Duplex) {
    this.#id = id;
    this.#socket = socket;
  }

  /** Hands over what has come already, and then what comes. */
  listen(listeners: SpdyListeners): void {
    this.#listeners = listeners;
    for (const data of this.#early.splice(0)) listeners.onData?.(data);
    if (this.#ended) listeners.onEnd?.();
  }

  /** False when the client is slow: the caller should wait for `sent` before it writes more. */
  write(data: Buffer, sent: () => void = () => undefined): boolean {
    if (this.#closed || !this.#socket.writable) return true;
    for (let start = 0; start < data.length - MOST_DATA; start += MOST_DATA)
      this.#socket.write(dataFrame(this.#id, data.subarray(start, start + MOST_DATA)));
    const last = data.subarray(Math.floor(Math.max(0, data.length - 1) / MOST_DATA) * MOST_DATA);
    return this.#socket.write(dataFrame(this.#id, last), sent);
  }

  /** Nothing more comes from this side. */
  end(): void {
    if (this.#closed || !this.#socket.writable) return;
    this.#closed = true;
    this.#socket.write(dataFrame(this.#id, Buffer.alloc(0), FLAG_FIN));
  }

  /** Frames of the client arrive here; not for users of the stream. */
  receive(data: Buffer, isLast: boolean): void {
    if (data.length > 0) {
      if (this.#listeners === undefined) this.#early.push(data);
      else this.#listeners.onData?.(data);
    }
    if (isLast && !this.#ended) {
      this.#ended = true;
      this.#listeners?.onEnd?.();
    }
  }
}

/**
 * Serves a client that speaks SPDY/3.1 on a connection that has been upgraded, as kubectl before 1.30 does for exec and
 * attach. Every stream that it opens is accepted and handed to `onStream`. Flow control is left to TCP, as with the
 * client's own library. Resolves when the connection has ended, however it did.
 */
export async function serveSpdy(
  socket: Duplex,
  head: Buffer,
  onStream: (headers: ReadonlyMap<string, string>, stream: SpdyStream) => void,
): Promise<void> {
  const blocks = new HeaderBlocks();
  const streams = new Map<number, SpdyStream>();
  if (head.length > 0) socket.unshift(head);
  try {
    for await (const frame of readFrames(socket)) {
      if (frame.kind === 'data') {
        streams.get(frame.stream)?.receive(frame.payload, (frame.flags & FLAG_FIN) !== 0);
      } else if (frame.type === FRAME.goAway) return;
      else await control(frame);
    }
  } catch {
    // A broken connection, or one whose other end does not speak the protocol, is over.
  } finally {
    blocks.close();
    for (const stream of streams.values()) stream.receive(Buffer.alloc(0), true);
    socket.destroy();
  }

  async function control({ type, flags, payload }: Extract<Frame, { kind: 'control' }>): Promise<void> {
    if (type === FRAME.ping) return void socket.write(controlFrame(FRAME.ping, payload));
    if (type === FRAME.reset) return streams.get(payload.readUInt32BE())?.receive(Buffer.alloc(0), true);
    if (type !== FRAME.synStream) return;
    const id = payload.readUInt32BE();
    const headers = await blocks.unpack(payload.subarray(SYN_STREAM_FIELDS));
    if (id % 2 === 0 || streams.has(id)) return void socket.write(controlFrame(FRAME.reset, words(id, PROTOCOL_ERROR)));
    const stream = new SpdyStream(id, socket);
    streams.set(id, stream);
    socket.write(controlFrame(FRAME.synReply, Buffer.concat([words(id), await blocks.pack(new Map())])));
    if ((flags & FLAG_FIN) !== 0) stream.receive(Buffer.alloc(0), true);
    onStream(headers, stream);
  }
}
