/** Types of control frames (SPDY Protocol, draft 3.1, section 2.6); of the others nothing is needed. */
export const FRAME = { synStream: 1, synReply: 2, reset: 3, ping: 6, goAway: 7 } as const;
/** The sender sends nothing more on this stream. */
export const FLAG_FIN = 1;
/** Why a stream is reset: its opening was not understood. */
export const PROTOCOL_ERROR = 1;

const HEAD = 8;
const CONTROL = 0x8000;
const VERSION = 3;

/** One frame: data of a stream, or a message about streams. */
export type Frame =
  | { readonly kind: 'data'; readonly stream: number; readonly flags: number; readonly payload: Buffer }
  | { readonly kind: 'control'; readonly type: number; readonly flags: number; readonly payload: Buffer };

/** Cuts the frames out of what a peer sends; ends with it. A frame that is cut off by the end is dropped. */
export async function* readFrames(source: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    while (rest.length - start >= HEAD) {
      const end = start + HEAD + rest.readUIntBE(start + 5, 3);
      if (rest.length < end) break;
      yield frameOf(rest.readUInt32BE(start), rest[start + 4]!, rest.subarray(start + HEAD, end));
      start = end;
    }
    rest = rest.subarray(start);
  }
}

function frameOf(word: number, flags: number, payload: Buffer): Frame {
  const isControl = word >>> 16 >= CONTROL;
  return isControl
    ? { kind: 'control', type: word & 0xffff, flags, payload }
    : { kind: 'data', stream: word, flags, payload };
}

/** A control frame of `type`. */
export function controlFrame(type: number, payload: Buffer, flags = 0): Buffer {
  return frame((((CONTROL | VERSION) << 16) | type) >>> 0, flags, payload);
}

/** Data of a stream; the last with {@link FLAG_FIN}. */
export function dataFrame(stream: number, payload: Buffer, flags = 0): Buffer {
  return frame(stream, flags, payload);
}

function frame(word: number, flags: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(HEAD);
  head.writeUInt32BE(word);
  head.writeUInt8(flags, 4);
  head.writeUIntBE(payload.length, 5, 3);
  return Buffer.concat([head, payload]);
}

/** Numbers of 32 bits one after the other, as the payloads of control frames begin. */
export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32BE(value, 4 * index));
  return bytes;
}
