import { fold, sumOf, swap16 } from './checksum.ts';
import type { Memory } from './memory.ts';

/** TCP's IP protocol number (RFC 9293 §3.1). */
export const TCP = 6;
/** TCP flags (RFC 9293 §3.1, RFC 3168 §6.1). */
export const TCP_FIN = 0x01;
export const TCP_PSH = 0x08;
export const TCP_ACK = 0x10;
export const TCP_CWR = 0x80;
/** Offsets in a TCP header. */
export const TCP_SEQUENCE = 4;
export const TCP_FLAGS = 13;
export const TCP_CHECKSUM = 16;
/** Bytes of an IPv6 header (RFC 8200 §3). */
export const IPV6_HEADER = 40;

/** The version of the IP packet at `ip`; anything but 4 and 6 is none. */
export function versionOf({ bytes }: Memory, ip: number): number {
  return bytes[ip]! >>> 4;
}

/** Big-endian 32-bit read. */
export function read32({ bytes }: Memory, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** Big-endian 32-bit write. */
export function write32({ bytes }: Memory, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Big-endian 16-bit read. */
export function read16({ bytes }: Memory, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

/** Big-endian 16-bit write. */
export function write16({ bytes }: Memory, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

/** The length that the IP packet at `ip` claims to have, header included. */
export function ipLength(memory: Memory, ip: number): number {
  return versionOf(memory, ip) === 4 ? read16(memory, ip + 2) : IPV6_HEADER + read16(memory, ip + 4);
}

/** Bytes of the TCP header at `tcp`, options included. */
export function tcpHeaderLength({ bytes }: Memory, tcp: number): number {
  return (bytes[tcp + 12]! >>> 4) * 4;
}

/**
 * The part of TCP's checksum that is not in the segment: addresses, protocol and the segment's length (RFC 9293 §3.1,
 * RFC 8200 §8.1). Folded, in the machine's byte order.
 */
export function pseudoSum(memory: Memory, ip: number, length: number): number {
  const addresses = versionOf(memory, ip) === 4 ? sumOf(memory, ip + 12, ip + 20) : sumOf(memory, ip + 8, ip + 40);
  return fold(addresses + swap16(TCP) + swap16(length & 0xffff));
}

/** Completes a checksum of which the field at `field` holds the pseudo-header's part, over the bytes from `start` to `end`. */
export function completeChecksum(memory: Memory, start: number, end: number, field: number): void {
  const sum = ~sumOf(memory, start, end) & 0xffff;
  // A UDP checksum of zero means that there is none; all ones is the same number (RFC 768).
  writeHalf(memory, field, sum === 0 ? 0xffff : sum);
}

/** Writes a sum in the machine's own byte order, wherever it stands. */
export function writeHalf({ bytes }: Memory, at: number, value: number): void {
  bytes[at] = value & 0xff;
  bytes[at + 1] = value >>> 8;
}
