import { ByteReader, cString } from './reader.ts';
import type { ByteWriter } from './writer.ts';

/**
 * Netlink attributes (linux/netlink.h `struct nlattr`): length u16 including this header, type u16, payload, padded to
 * four bytes. A length is 16 bits, so one attribute with everything nested in it holds at most 65 535 bytes.
 */
const MAX_ATTRIBUTE = 0xffff;

/** Marks a payload that is itself attributes (NLA_F_NESTED). */
const NESTED = 0x8000;
/** NLA_TYPE_MASK: without the nested and byte-order flags. */
const TYPE_MASK = 0x3fff;

/** Writes one attribute with the bytes as its payload. */
export function attribute(writer: ByteWriter, type: number, payload: Uint8Array): void {
  writer.u16(4 + payload.length);
  writer.u16(type);
  writer.raw(payload);
  writer.align(4);
}

/** One byte, with its padding. */
export function attributeU8(writer: ByteWriter, type: number, value: number): void {
  writer.u16(5);
  writer.u16(type);
  writer.u32(value & 0xff);
}

/** In the machine's byte order, which is little-endian on all that Sluice runs on. */
export function attributeU32(writer: ByteWriter, type: number, value: number): void {
  writer.u16(8);
  writer.u16(type);
  writer.u32(value);
}

/** Big-endian, as nfnetlink wants its numbers. */
export function attributeU16be(writer: ByteWriter, type: number, value: number): void {
  writer.u16(6);
  writer.u16(type);
  writer.u16be(value);
  writer.u16(0);
}

/** Big-endian, as nfnetlink wants its numbers. */
export function attributeU32be(writer: ByteWriter, type: number, value: number): void {
  writer.u16(8);
  writer.u16(type);
  writer.u32be(value);
}

/** NUL-terminated text. */
export function attributeText(writer: ByteWriter, type: number, text: string): void {
  writer.u16(5 + text.length);
  writer.u16(type);
  writer.ascii(text);
  writer.u8(0);
  writer.align(4);
}

/** One attribute whose payload is the attributes that `write` writes. Throws a RangeError when they exceed {@link MAX_ATTRIBUTE}. */
export function attributeNest(writer: ByteWriter, type: number, write: () => void): void {
  const start = beginNest(writer, type);
  write();
  endNest(writer, start);
}

/** Opens a nested attribute and returns where it starts, for {@link endNest}. */
export function beginNest(writer: ByteWriter, type: number): number {
  const start = writer.length;
  writer.u16(0);
  writer.u16(type | NESTED);
  return start;
}

/** Closes the nested attribute opened at `start`. */
export function endNest(writer: ByteWriter, start: number): void {
  const length = writer.length - start;
  if (length > MAX_ATTRIBUTE) throw new RangeError(`a netlink attribute of ${length} bytes exceeds ${MAX_ATTRIBUTE}`);
  writer.patch16(start, length);
}

/** The payloads of a run of attributes, by type. A type that repeats keeps its last; see {@link attributeList}. */
export class Attributes {
  readonly #payloads = new Map<number, Uint8Array>();

  constructor(bytes: Uint8Array) {
    for (const [type, payload] of attributeList(bytes)) this.#payloads.set(type, payload);
  }

  has(type: number): boolean {
    return this.#payloads.has(type);
  }

  bytes(type: number): Uint8Array | undefined {
    return this.#payloads.get(type);
  }

  u8(type: number): number | undefined {
    return this.#read(type, (reader) => reader.u8());
  }

  u16(type: number): number | undefined {
    return this.#read(type, (reader) => reader.u16());
  }

  u32(type: number): number | undefined {
    return this.#read(type, (reader) => reader.u32());
  }

  i32(type: number): number | undefined {
    return this.#read(type, (reader) => reader.i32());
  }

  u16be(type: number): number | undefined {
    return this.#read(type, (reader) => reader.u16be());
  }

  u32be(type: number): number | undefined {
    return this.#read(type, (reader) => reader.u32be());
  }

  u64be(type: number): bigint | undefined {
    return this.#read(type, (reader) => reader.u64be());
  }

  text(type: number): string | undefined {
    const payload = this.#payloads.get(type);
    return payload === undefined ? undefined : cString(payload);
  }

  nested(type: number): Attributes | undefined {
    const payload = this.#payloads.get(type);
    return payload === undefined ? undefined : new Attributes(payload);
  }

  /** The elements of a nested list; empty when the attribute is absent. */
  list(type: number): readonly (readonly [type: number, payload: Uint8Array])[] {
    const payload = this.#payloads.get(type);
    return payload === undefined ? [] : attributeList(payload);
  }

  #read<T>(type: number, read: (reader: ByteReader) => T): T | undefined {
    const payload = this.#payloads.get(type);
    return payload === undefined ? undefined : read(new ByteReader(payload));
  }
}

/** Attributes in order, with repeats. Throws a RangeError when a length is impossible. */
export function attributeList(bytes: Uint8Array): [type: number, payload: Uint8Array][] {
  const list: [number, Uint8Array][] = [];
  let at = 0;
  while (bytes.length - at >= 4) {
    const length = bytes[at]! | (bytes[at + 1]! << 8);
    const type = (bytes[at + 2]! | (bytes[at + 3]! << 8)) & TYPE_MASK;
    if (length < 4 || at + length > bytes.length)
      throw new RangeError(`netlink attribute ${type} claims ${length} bytes of ${bytes.length - at}`);
    list.push([type, bytes.subarray(at + 4, at + length)]);
    at += (length + 3) & ~3;
  }
  return list;
}
