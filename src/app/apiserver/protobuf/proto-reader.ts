import { badRequest } from '../../../core/objectstore/index.ts';

/** One field as it stands on the wire: `bytes` of length-delimited ones, `varint` of the others. */
export interface WireField {
  readonly number: number;
  readonly bytes: Buffer;
  readonly varint: number;
}

const NOTHING = Buffer.alloc(0);

/** Reads the wire format of protocol buffers (https://protobuf.dev/programming-guides/encoding/), bounds-checked. */
export class ProtoReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  /** Every field in order; throws BadRequest on a malformed message. */
  *fields(): Generator<WireField> {
    while (this.#at < this.#buffer.length) {
      const key = this.#varint();
      const number = Math.floor(key / 8);
      switch (key % 8) {
        case 0:
          yield { number, bytes: NOTHING, varint: this.#varint() };
          break;
        case 1:
          yield { number, bytes: this.#take(8), varint: 0 };
          break;
        case 2:
          yield { number, bytes: this.#take(this.#varint()), varint: 0 };
          break;
        case 5:
          yield { number, bytes: this.#take(4), varint: 0 };
          break;
        default:
          throw badRequest(`protobuf: illegal wire type ${key % 8} of field ${number}`);
      }
    }
  }

  /** Up to ten bytes of seven bits; as a signed 64-bit number, exact within ±2^53. */
  #varint(): number {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#take(1)[0]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
    throw badRequest('protobuf: a number has too many bytes');
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (length < 0 || end > this.#buffer.length) throw badRequest('protobuf: unexpected end of message');
    const taken = this.#buffer.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}
