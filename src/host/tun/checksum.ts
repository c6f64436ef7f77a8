import type { Memory } from './memory.ts';

/**
 * The one's complement sum of the bytes from `start` to `end`, folded to 16 bits and not complemented (RFC 1071). In
 * the machine's own byte order: what comes out is stored with a plain 16-bit write, and values in network order must be
 * {@link swap16}ped before they are added to it. At most 64 KiB.
 */
export function sumOf(memory: Memory, start: number, end: number): number {
  if ((start & 1) === 0) return fold(sumEven(memory, start, end));
  if (start >= end) return 0;
  // Everything is one byte off, so the rest counts with its bytes exchanged.
  return fold(memory.bytes[start]! + swap16(fold(sumEven(memory, start + 1, end))));
}

/** Folds a sum below 2^32 to 16 bits by adding the carries back. */
export function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/** The two bytes of a 16-bit value exchanged. */
export function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}

function sumEven({ bytes, halves, words }: Memory, start: number, end: number): number {
  // Two sums of halves each: neither can pass 2^31 within 64 KiB.
  let low = 0;
  let high = 0;
  let at = start;
  if ((at & 2) !== 0 && end - at >= 2) {
    low = halves[at >> 1]!;
    at += 2;
  }
  let word = at >> 2;
  const last = end >> 2;
  for (; word + 4 <= last; word += 4) {
    const a = words[word]!;
    const b = words[word + 1]!;
    const c = words[word + 2]!;
    const d = words[word + 3]!;
    low += (a & 0xffff) + (b & 0xffff) + (c & 0xffff) + (d & 0xffff);
    high += (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16);
  }
  for (; word < last; word++) {
    low += words[word]! & 0xffff;
    high += words[word]! >>> 16;
  }
  at = Math.max(at, last << 2);
  if (end - at >= 2) {
    low += halves[at >> 1]!;
    at += 2;
  }
  if (at < end) low += bytes[at]!;
  return fold(low) + fold(high);
}
