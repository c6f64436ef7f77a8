/**
 * A growing byte buffer. Multi-byte integers are little-endian unless the name says `be`; the machines Sluice runs on
 * (x86-64, arm64) are little-endian, so that is also the kernel's host order.
 */
export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** What has been written: a view that later writes may invalidate. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Forgets everything written from `length` on; the memory is kept. */
  truncate(length = 0): void {
    this.#length = length;
  }

  u8(value: number): void {
    const at = this.#grow(1);
    this.#bytes[at] = value;
  }

  u16(value: number): void {
    const at = this.#grow(2);
    this.#bytes[at] = value;
    this.#bytes[at + 1] = value >>> 8;
  }

  u32(value: number): void {
    this.#store32(this.#grow(4), value);
  }

  u64(value: bigint): void {
    this.u32(Number(value & 0xffffffffn));
    this.u32(Number((value >> 32n) & 0xffffffffn));
  }

  u16be(value: number): void {
    this.u8(value >>> 8);
    this.u8(value);
  }

  u32be(value: number): void {
    this.u16be(value >>> 16);
    this.u16be(value);
  }

  u64be(value: bigint): void {
    this.u32be(Number((value >> 32n) & 0xffffffffn));
    this.u32be(Number(value & 0xffffffffn));
  }

  raw(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** The characters of `text` as one byte each; throws a RangeError beyond Latin-1. */
  ascii(text: string): void {
    const at = this.#grow(text.length);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0xff) throw new RangeError(`"${text}" has characters beyond one byte`);
      this.#bytes[at + i] = code;
    }
  }

  zeros(count: number): void {
    const at = this.#grow(count);
    this.#bytes.fill(0, at, at + count);
  }

  /** Zeros up to the next multiple of `boundary`, a power of two. */
  align(boundary: number): void {
    const rest = this.#length & (boundary - 1);
    if (rest !== 0) this.zeros(boundary - rest);
  }

  /** Overwrites two bytes at `offset`, which must have been written. */
  patch16(offset: number, value: number): void {
    this.#bytes[offset] = value;
    this.#bytes[offset + 1] = value >>> 8;
  }

  /** Overwrites four bytes at `offset`, which must have been written. */
  patch32(offset: number, value: number): void {
    this.#store32(offset, value);
  }

  #store32(at: number, value: number): void {
    this.#bytes[at] = value;
    this.#bytes[at + 1] = value >>> 8;
    this.#bytes[at + 2] = value >>> 16;
    this.#bytes[at + 3] = value >>> 24;
  }

  #grow(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    this.#length = needed;
    return at;
  }
}
