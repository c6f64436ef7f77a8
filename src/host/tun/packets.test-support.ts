/** Packets for tests, made and checked byte by byte, by other code than what is tested. */
export interface TcpPacket {
  readonly family: 4 | 6;
  readonly sequence: number;
  readonly flags: number;
  /** Multiple of four bytes. */
  readonly options: Uint8Array;
  readonly payload: Uint8Array;
  readonly ports?: readonly [number, number];
}

/** The packet with right lengths and checksums. */
export function tcpPacket(packet: TcpPacket): Uint8Array {
  const { family, sequence, flags, options, payload, ports = [40_000, 80] } = packet;
  const tcp = new Uint8Array(20 + options.length + payload.length);
  const view = new DataView(tcp.buffer);
  view.setUint16(0, ports[0]);
  view.setUint16(2, ports[1]);
  view.setUint32(4, sequence);
  view.setUint32(8, 77);
  tcp[12] = ((20 + options.length) / 4) << 4;
  tcp[13] = flags;
  view.setUint16(14, 4096);
  tcp.set(options, 20);
  tcp.set(payload, 20 + options.length);
  const ip = family === 4 ? ipv4(tcp.length) : ipv6(tcp.length);
  view.setUint16(16, ~sum([...pseudo(ip, tcp.length), ...tcp]) & 0xffff);
  return Uint8Array.from([...ip, ...tcp]);
}

/** Whether all checksums and lengths of a TCP packet are right. */
export function isRight(packet: Uint8Array): boolean {
  const four = packet[0]! >> 4 === 4;
  const header = packet.subarray(0, four ? 20 : 40);
  const tcp = packet.subarray(header.length);
  const view = new DataView(packet.buffer, packet.byteOffset);
  if (four && (sum([...header]) !== 0xffff || view.getUint16(2) !== packet.length)) return false;
  if (!four && view.getUint16(4) !== tcp.length) return false;
  return sum([...pseudo(header, tcp.length), ...tcp]) === 0xffff;
}

/** RFC 1071, slowly: over bytes in network order. */
export function sum(bytes: readonly number[]): number {
  let total = 0;
  for (let i = 0; i < bytes.length; i += 2) total += bytes[i]! * 256 + (bytes[i + 1] ?? 0);
  while (total > 0xffff) total = (total % 0x10000) + Math.floor(total / 0x10000);
  return total;
}

function pseudo(ip: Uint8Array, length: number): number[] {
  const addresses = ip[0]! >> 4 === 4 ? ip.subarray(12, 20) : ip.subarray(8, 40);
  return [...addresses, 0, 6, length >> 8, length & 0xff];
}

function ipv4(length: number): Uint8Array {
  const ip = Uint8Array.of(0x45, 0, 0, 0, 0x12, 0x34, 0x40, 0, 63, 6, 0, 0, 10, 244, 1, 2, 10, 244, 2, 3);
  new DataView(ip.buffer).setUint16(2, 20 + length);
  new DataView(ip.buffer).setUint16(10, ~sum([...ip]) & 0xffff);
  return ip;
}

function ipv6(length: number): Uint8Array {
  const ip = new Uint8Array(40);
  ip.set([0x60, 0, 0, 0, length >> 8, length & 0xff, 6, 63]);
  ip.set([0xfd, 1], 8);
  ip.set([0xfd, 2], 24);
  return ip;
}
