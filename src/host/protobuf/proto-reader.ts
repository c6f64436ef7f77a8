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

  /** Every field in order; throws a RangeError on a malformed message. */
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
          throw new RangeError(`illegal wire type ${key % 8} of field ${number}`);
      }
    }
  }

  /** Up to ten bytes of seven bits; as a signed 64-bit number, exact within ±2^53. */
  #varint(): number {
    let value = 0;
    let scale = 1;
    // Seven bytes are 49 bits: exact without big integers, and nearly every number there is.
    for (let i = 0; i < 7; i++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    let wide = BigInt(value);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      wide |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, wide));
    }
    throw new RangeError('a number has too many bytes');
  }

  #byte(): number {
    const byte = this.#buffer[this.#at];
    if (byte === undefined) throw new RangeError('unexpected end of message');
    this.#at++;
    return byte;
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (length < 0 || end > this.#buffer.length) throw new RangeError('unexpected end of message');
    const taken = this.#buffer.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}
