import { ByteReader, ByteWriter } from '../../base/bytes/index.ts';
import type { Family } from '../../base/ip/index.ts';
import { encodeEcho, withoutIpHeader } from './packet.ts';

/** An IPv4 header without options (RFC 791 §3.1), the one of IPv6 (RFC 8200 §3), and ICMP's (RFC 792). */
const IP_HEADER: Readonly<Record<Family, number>> = { 4: 20, 6: 40 };
const ICMP_HEADER = 8;

/** ICMP types: echo reply, and that a packet is too big (RFC 792, RFC 1191 §4; RFC 4443 §3.2, §4.2). */
const REPLY: Readonly<Record<Family, number>> = { 4: 0, 6: 129 };
const UNREACHABLE = { type: 3, fragmentationNeeded: 4 } as const;
const TOO_BIG = 2;

/** What of ICMP is of use here, by type. */
export const ECHO_TYPES: Readonly<Record<Family, readonly number[]>> = {
  4: [REPLY[4], UNREACHABLE.type],
  6: [REPLY[6], TOO_BIG],
};

/** What an ICMP message says of an echo request, which `id` and `sequence` tell. */
export interface EchoNews {
  readonly id: number;
  readonly sequence: number;
  /** Absent: it was answered. Present: it was too big; 0 where no router says what would pass. */
  readonly limit?: number;
}

/** An echo request that makes an IP packet of `bytes`; the kernel adds the IP header. */
export function encodeSizedEcho(family: Family, { id, sequence }: EchoNews, bytes: number): Uint8Array {
  const filler = new ByteWriter(Math.max(0, bytes - IP_HEADER[family] - ICMP_HEADER));
  filler.zeros(Math.max(0, bytes - IP_HEADER[family] - ICMP_HEADER));
  return encodeEcho(family, { id, sequence }, filler.view());
}

/** Reads what a raw socket received; undefined when it is about no echo request. */
export function decodeEchoNews(family: Family, packet: Uint8Array): EchoNews | undefined {
  const body = withoutIpHeader(family, packet);
  if (body.length < ICMP_HEADER) return undefined;
  const reader = new ByteReader(body);
  const type = reader.u8();
  const code = reader.u8();
  reader.skip(2);
  if (type === REPLY[family]) return { id: reader.u16be(), sequence: reader.u16be() };
  const limit = limitOf(family, type, code, reader);
  if (limit === undefined) return undefined;
  // Behind it stands the beginning of the packet that was refused; IPv6's without extension headers, as it was sent.
  const refused = reader.raw(body.length - ICMP_HEADER);
  const header = family === 4 ? ((refused[0] ?? 0) & 0xf) * 4 : IP_HEADER[6];
  if (refused.length < header + ICMP_HEADER) return undefined;
  const inner = new ByteReader(refused.subarray(header + 4));
  return { id: inner.u16be(), sequence: inner.u16be(), limit };
}

/** The MTU in a message that a packet was too big, whose reader stands behind the checksum. */
function limitOf(family: Family, type: number, code: number, reader: ByteReader): number | undefined {
  const value = reader.u32be();
  if (family === 6) return type === TOO_BIG ? value : undefined;
  return type === UNREACHABLE.type && code === UNREACHABLE.fragmentationNeeded ? value & 0xffff : undefined;
}
