import { sumOf } from './checksum.ts';
import type { Memory } from './memory.ts';
import {
  TCP_CHECKSUM,
  TCP_CWR,
  TCP_FIN,
  TCP_FLAGS,
  TCP_PSH,
  TCP_SEQUENCE,
  pseudoSum,
  read16,
  read32,
  tcpHeaderLength,
  versionOf,
  write16,
  write32,
  writeHalf,
} from './tcp-packet.ts';

/** A TCP packet that is larger than the link and is to become several, as a device with segmentation offload gets it. */
export interface LargeTcp {
  /** Where the IP header, the TCP header and the byte after the packet are. */
  readonly ip: number;
  readonly tcp: number;
  readonly end: number;
  /** Payload bytes of each packet but the last. */
  readonly payload: number;
}

/** Takes packets in pieces: the length first, then what it consists of. */
export interface PacketSink {
  packet(length: number): void;
  piece(offset: number, length: number): void;
}

/**
 * Cuts `large` into packets with headers of their own, written one after another at `headers`, whose payloads stay
 * where they are. Returns the first free byte behind the headers.
 */
export function segmentTcp(memory: Memory, large: LargeTcp, headers: number, sink: PacketSink): number {
  const { bytes } = memory;
  const { ip, tcp, end, payload: step } = large;
  const first = tcp + tcpHeaderLength(memory, tcp);
  const headerLength = first - ip;
  const sequence = read32(memory, tcp + TCP_SEQUENCE);
  const flags = bytes[tcp + TCP_FLAGS]!;
  let header = headers;
  let index = 0;
  for (let from = first; from < end; from += step, index++) {
    const to = Math.min(from + step, end);
    bytes.copyWithin(header, ip, first);
    const segment = header + (tcp - ip);
    write32(memory, segment + TCP_SEQUENCE, (sequence + (from - first)) >>> 0);
    bytes[segment + TCP_FLAGS] = flagsOf(flags, index === 0, to === end);
    finishIp(memory, header, headerLength + (to - from), index);
    finishTcp(memory, { header, segment, headerEnd: header + headerLength, from, to });
    sink.packet(headerLength + (to - from));
    sink.piece(header, headerLength);
    sink.piece(from, to - from);
    // Headers are multiples of four bytes, so the next one is aligned for its checksum.
    header += headerLength;
  }
  return header;
}

/** What ends a stream or pushes it belongs to the last packet, the answer to a congestion mark to the first. */
function flagsOf(flags: number, first: boolean, last: boolean): number {
  return flags & (last ? 0xff : ~(TCP_FIN | TCP_PSH)) & (first ? 0xff : ~TCP_CWR);
}

function finishIp(memory: Memory, ip: number, length: number, index: number): void {
  if (versionOf(memory, ip) === 6) return write16(memory, ip + 4, length - 40);
  write16(memory, ip + 2, length);
  write16(memory, ip + 4, (read16(memory, ip + 4) + index) & 0xffff);
  writeHalf(memory, ip + 10, 0);
  const headerLength = (memory.bytes[ip]! & 0xf) * 4;
  writeHalf(memory, ip + 10, ~sumOf(memory, ip, ip + headerLength) & 0xffff);
}

function finishTcp(
  memory: Memory,
  at: {
    readonly header: number;
    readonly segment: number;
    readonly headerEnd: number;
    readonly from: number;
    readonly to: number;
  },
): void {
  const { header, segment, headerEnd, from, to } = at;
  // The field takes part with the pseudo-header's sum in it, as a device would find it.
  writeHalf(memory, segment + TCP_CHECKSUM, pseudoSum(memory, header, headerEnd - segment + to - from));
  const sum = sumOf(memory, segment, headerEnd) + sumOf(memory, from, to);
  writeHalf(memory, segment + TCP_CHECKSUM, ~((sum & 0xffff) + (sum >>> 16)) & 0xffff);
}
