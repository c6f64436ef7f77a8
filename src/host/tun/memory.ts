import koffi from 'koffi';

/**
 * Bytes at a fixed address, for structures that hold pointers: system calls are given the address, and everything
 * inside is named by its offset. `halves` and `words` are the same bytes; both machines that Sluice runs on are
 * little-endian.
 */
export interface Memory {
  readonly bytes: Uint8Array;
  readonly halves: Uint16Array;
  readonly words: Uint32Array;
}

/** One allocation, handed out piece by piece and never given back. */
export class Arena implements Memory {
  readonly bytes: Uint8Array;
  readonly halves: Uint16Array;
  readonly words: Uint32Array;
  /** Where the first byte is. */
  readonly address: number;
  #used = 0;

  constructor(size: number) {
    const buffer = new ArrayBuffer(size);
    this.bytes = new Uint8Array(buffer);
    this.halves = new Uint16Array(buffer);
    this.words = new Uint32Array(buffer);
    this.address = Number(koffi.address(this.bytes));
  }

  /** The offset of `length` zero bytes, divisible by 64: the size of a cache line. */
  take(length: number): number {
    const offset = this.#used;
    this.#used = (offset + length + 63) & ~63;
    if (this.#used > this.bytes.length) throw new RangeError(`an arena of ${this.bytes.length} bytes is full`);
    return offset;
  }

  /** Writes the address of `offset` as the pointer at `at`. */
  putPointer(at: number, offset: number): void {
    const address = this.address + offset;
    this.words[at >> 2] = address % 0x1_0000_0000;
    this.words[(at >> 2) + 1] = Math.floor(address / 0x1_0000_0000);
  }
}
