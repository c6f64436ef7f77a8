import { ByteReader, ByteWriter } from '../../base/bytes/index.ts';
import type { Family } from '../../base/ip/index.ts';

/** First bytes of every payload that a probe sends, so that what arrives can be told from other traffic. */
const MAGIC = 0x534c5543;
const PAYLOAD_BYTES = 12;
const UDP_HEADER = 8;
/**
 * Common header, the fixed part of an INIT chunk, and the head of a parameter of an unknown type, which receivers skip in
 * silence (RFC 9260 §3.1, §3.3.2, §3.2.1).
 */
const SCTP = { header: 12, init: 20, chunkType: 1, parameter: 4, parameterType: 0xbfff } as const;
const ICMP_HEADER = 8;

/** Echo request and reply of ICMP (RFC 792) and ICMPv6 (RFC 4443 §4). */
const ECHO = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } } as const;

/** A probe's payload: magic u32, run u32, attempt u32. `run` tells concurrent probers in one namespace apart. */
export function encodePayload(run: number, attempt: number): Uint8Array {
  const writer = new ByteWriter(PAYLOAD_BYTES);
  writer.u32be(MAGIC);
  writer.u32be(run);
  writer.u32be(attempt);
  return writer.view();
}

/** The attempt that a payload belongs to; undefined when it is not of this run. */
export function decodePayload(bytes: Uint8Array, run: number): number | undefined {
  if (bytes.length < PAYLOAD_BYTES) return undefined;
  const reader = new ByteReader(bytes);
  return reader.u32be() === MAGIC && reader.u32be() === run ? reader.u32be() : undefined;
}

/** An echo request. The kernel fills in the checksum of ICMPv6, which covers addresses, but not that of ICMP. */
export function encodeEcho(
  family: Family,
  { id, sequence }: { readonly id: number; readonly sequence: number },
  payload: Uint8Array,
): Uint8Array {
  const writer = new ByteWriter(ICMP_HEADER + payload.length);
  writer.u8(ECHO[family].request);
  writer.zeros(3);
  writer.u16be(id);
  writer.u16be(sequence);
  writer.raw(payload);
  const packet = writer.view();
  if (family === 4) {
    const sum = checksum(packet);
    packet[2] = sum >>> 8;
    packet[3] = sum & 0xff;
  }
  return packet;
}

/** The attempt that an echo received by a raw socket belongs to, and whether it is the request or its reply. */
export function decodeEcho(
  family: Family,
  packet: Uint8Array,
  run: number,
): { readonly attempt: number; readonly kind: 'request' | 'reply' } | undefined {
  const body = withoutIpHeader(family, packet);
  if (body.length < ICMP_HEADER) return undefined;
  const attempt = decodePayload(body.subarray(ICMP_HEADER), run);
  if (attempt === undefined) return undefined;
  if (body[0] === ECHO[family].request) return { attempt, kind: 'request' };
  return body[0] === ECHO[family].reply ? { attempt, kind: 'reply' } : undefined;
}

/** The attempt that a UDP datagram received by a raw socket belongs to. */
export function decodeDatagram(family: Family, packet: Uint8Array, run: number): number | undefined {
  return decodePayload(withoutIpHeader(family, packet).subarray(UDP_HEADER), run);
}

/**
 * An SCTP packet that opens an association, with its checksum. The payload is a parameter of the chunk: connection
 * tracking takes a packet with anything beside INIT for invalid.
 */
export function encodeInit(sourcePort: number, destinationPort: number, payload: Uint8Array): Uint8Array {
  const writer = new ByteWriter(SCTP.header + SCTP.init + SCTP.parameter + PAYLOAD_BYTES);
  writer.u16be(sourcePort);
  writer.u16be(destinationPort);
  // Neither a verification tag, which the other side has yet to choose, nor a checksum yet.
  writer.zeros(8);
  writer.u8(SCTP.chunkType);
  writer.u8(0);
  writer.u16be(SCTP.init + SCTP.parameter + PAYLOAD_BYTES);
  writer.u32be(1);
  writer.u32be(65_536);
  writer.u16be(1);
  writer.u16be(1);
  writer.u32be(1);
  writer.u16be(SCTP.parameterType);
  writer.u16be(SCTP.parameter + PAYLOAD_BYTES);
  writer.raw(payload);
  const packet = writer.view();
  new DataView(packet.buffer, packet.byteOffset).setUint32(8, crc32c(packet), true);
  return packet;
}

/** The attempt that an SCTP packet received by a raw socket belongs to. */
export function decodeInit(family: Family, packet: Uint8Array, run: number): number | undefined {
  return decodePayload(withoutIpHeader(family, packet).subarray(SCTP.header + SCTP.init + SCTP.parameter), run);
}

/** Raw IPv4 sockets deliver the IP header too, whose length is its low four bits times four; raw IPv6 sockets do not. */
export function withoutIpHeader(family: Family, packet: Uint8Array): Uint8Array {
  return family === 4 ? packet.subarray(((packet[0] ?? 0) & 0xf) * 4) : packet;
}

/** CRC-32C (RFC 9260, appendix A), bit by bit: packets are few and short. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

/** Internet checksum (RFC 1071). */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
