/** Builds one message in the wire format of protocol buffers; absent and empty values are left out. */
export class ProtoWriter {
  readonly #parts: Buffer[] = [];

  text(number: number, value: string | undefined): this {
    return value === undefined || value === '' ? this : this.bytes(number, Buffer.from(value));
  }

  texts(number: number, values: readonly string[] | undefined): this {
    for (const value of values ?? []) this.bytes(number, Buffer.from(value));
    return this;
  }

  flag(number: number, value: boolean | undefined): this {
    return value === true ? this.integer(number, 1) : this;
  }

  /** An integer from 0 to 2^53. */
  integer(number: number, value: number | undefined): this {
    if (value !== undefined && value !== 0) this.#parts.push(varint(number * 8), varint(value));
    return this;
  }

  message(number: number, value: ProtoWriter | undefined): this {
    return value === undefined ? this : this.bytes(number, value.finish());
  }

  messages(number: number, values: readonly ProtoWriter[]): this {
    for (const value of values) this.message(number, value);
    return this;
  }

  bytes(number: number, value: Buffer): this {
    this.#parts.push(varint(number * 8 + 2), varint(value.length), value);
    return this;
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Buffer.from([...bytes, rest]);
}
