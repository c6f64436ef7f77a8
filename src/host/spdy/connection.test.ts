import { duplexPair } from 'node:stream';
import type { Duplex } from 'node:stream';
import { constants, deflateSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { serveSpdy } from './connection.ts';
import type { SpdyStream } from './connection.ts';
import { HEADER_DICTIONARY } from './dictionary.ts';
import { FLAG_FIN, FRAME, controlFrame, dataFrame, readFrames, words } from './frames.ts';
import type { Frame } from './frames.ts';
import { HeaderBlocks } from './header-block.ts';

/** A client's end of a connection whose other end is served, and what it was served. */
class Client {
  readonly opened: { readonly headers: ReadonlyMap<string, string>; readonly stream: SpdyStream }[] = [];
  readonly over: Promise<void>;
  readonly #socket: Duplex;
  readonly #blocks = new HeaderBlocks();
  readonly #answers: AsyncGenerator<Frame>;

  constructor(head = Buffer.alloc(0)) {
    const [near, far] = duplexPair();
    this.#socket = near.on('error', () => undefined);
    this.over = serveSpdy(far, head, (headers, stream) => void this.opened.push({ headers, stream }));
    this.#answers = readFrames(near);
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  async synStream(id: number, headers: Readonly<Record<string, string>>, flags = 0): Promise<Buffer> {
    const block = await this.#blocks.pack(new Map(Object.entries(headers)));
    return controlFrame(FRAME.synStream, Buffer.concat([words(id, 0), Buffer.alloc(2), block]), flags);
  }

  async next(): Promise<Frame> {
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error('the connection has ended');
    return value;
  }

  end(): Promise<void> {
    this.#socket.end();
    this.#blocks.close();
    return this.over;
  }
}

let client: Client;
afterEach(() => client.end());

describe('a client that speaks SPDY', () => {
  it('has its streams accepted and hears what is written to them', async () => {
    client = new Client();
    client.send(await client.synStream(1, { streamtype: 'error' }));
    client.send(await client.synStream(3, { streamtype: 'stdout', port: '80' }));
    expect(await client.next()).toMatchObject({ kind: 'control', type: FRAME.synReply });
    expect(await client.next()).toMatchObject({ kind: 'control', type: FRAME.synReply });
    expect(client.opened.map(({ headers }) => Object.fromEntries(headers))).toEqual([
      { streamtype: 'error' },
      { streamtype: 'stdout', port: '80' },
    ]);
    const large = Buffer.alloc(150_000, 'x');
    client.opened[1]?.stream.write(large);
    client.opened[1]?.stream.end();
    const parts: Buffer[] = [];
    for (;;) {
      const frame = await client.next();
      if (frame.kind !== 'data') throw new Error('not data');
      expect(frame.stream).toBe(3);
      parts.push(frame.payload);
      if ((frame.flags & FLAG_FIN) !== 0) break;
    }
    expect(Buffer.concat(parts).equals(large)).toBe(true);
  });

  it('may cut its frames anywhere and begin to send before anybody listens', async () => {
    const opening = new Client();
    const bytes = Buffer.concat([
      await opening.synStream(1, { streamtype: 'stdin' }),
      dataFrame(1, Buffer.from('one ')),
      dataFrame(1, Buffer.from('two'), FLAG_FIN),
    ]);
    await opening.end();
    client = new Client(bytes.subarray(0, 5));
    for (const byte of bytes.subarray(5)) client.send(Buffer.of(byte));
    await client.next();
    const heard: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    client.opened[0]?.stream.listen({ onData: (data) => heard.push(data.toString()), onEnd: resolve });
    await promise;
    expect(heard.join('')).toBe('one two');
  });

  it('has its pings answered as they are', async () => {
    client = new Client();
    client.send(controlFrame(FRAME.ping, words(7)));
    expect(await client.next()).toEqual({ kind: 'control', type: FRAME.ping, flags: 0, payload: words(7) });
  });

  it('gets a number that it has used, or that is not its own, refused', async () => {
    client = new Client();
    client.send(await client.synStream(1, {}));
    await client.next();
    client.send(await client.synStream(1, {}));
    expect(await client.next()).toMatchObject({ type: FRAME.reset });
    client.send(await client.synStream(2, {}));
    expect(await client.next()).toMatchObject({ type: FRAME.reset });
    expect(client.opened).toHaveLength(1);
  });

  it('ends its streams when it goes', async () => {
    client = new Client();
    client.send(await client.synStream(1, {}));
    await client.next();
    const { promise, resolve } = Promise.withResolvers<void>();
    client.opened[0]?.stream.listen({ onEnd: resolve });
    await client.end();
    await promise;
  });

  it.each([
    ['headers that are no compressed data', () => Buffer.alloc(40, 0x55)],
    ['headers that unpack to gigabytes', bomb],
  ])('is cut off for %s', async (_what, block) => {
    client = new Client();
    client.send(controlFrame(FRAME.synStream, Buffer.concat([words(1, 0), Buffer.alloc(2), block()])));
    await client.over;
    expect(client.opened).toEqual([]);
  });
});

/** Compressed as headers are: 5 MB of nothing. */
function bomb(): Buffer {
  return deflateSync(Buffer.alloc(5_000_000), { dictionary: HEADER_DICTIONARY, finishFlush: constants.Z_SYNC_FLUSH });
}
