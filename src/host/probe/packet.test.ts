import { describe, expect, it } from 'vitest';
import {
  decodeDatagram,
  decodeEcho,
  decodeInit,
  decodePayload,
  encodeEcho,
  encodeInit,
  encodePayload,
} from './packet.ts';
import { decodeSockaddr, encodeSockaddr } from './sockaddr.ts';
import { parseIp } from '../../base/ip/index.ts';

/** What a raw IPv4 socket puts in front: a header of 24 bytes, with options. */
const IP_HEADER = Uint8Array.from({ length: 24 }, (_, i) => (i === 0 ? 0x46 : 0));

describe('probe packets', () => {
  it('carry the attempt of their own run only', () => {
    expect(decodePayload(encodePayload(7, 42), 7)).toBe(42);
    expect(decodePayload(encodePayload(7, 42), 8)).toBeUndefined();
    expect(decodePayload(new Uint8Array(3), 7)).toBeUndefined();
  });

  it.each([4, 6] as const)('are recognised as IPv%i echo requests and replies', (family) => {
    const request = encodeEcho(family, { id: 99, sequence: 1 }, encodePayload(7, 42));
    const received = (packet: Uint8Array): Uint8Array =>
      family === 4 ? Uint8Array.of(...IP_HEADER, ...packet) : packet;
    expect(decodeEcho(family, received(request), 7)).toEqual({ attempt: 42, kind: 'request' });
    const reply = request.slice();
    reply[0] = family === 4 ? 0 : 129;
    expect(decodeEcho(family, received(reply), 7)).toEqual({ attempt: 42, kind: 'reply' });
    reply[0] = 3;
    expect(decodeEcho(family, received(reply), 7)).toBeUndefined();
  });

  it('carry the Internet checksum over IPv4', () => {
    const packet = encodeEcho(4, { id: 0x1234, sequence: 1 }, encodePayload(0xdeadbeef, 1));
    let sum = 0;
    for (let i = 0; i < packet.length; i += 2) sum += (packet[i]! << 8) | packet[i + 1]!;
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    expect(sum).toBe(0xffff);
  });

  it('are recognised in UDP datagrams, short ones ignored', () => {
    const udp = Uint8Array.of(...new Uint8Array(8), ...encodePayload(7, 42));
    expect(decodeDatagram(6, udp, 7)).toBe(42);
    expect(decodeDatagram(4, Uint8Array.of(...IP_HEADER, ...udp), 7)).toBe(42);
    for (const family of [4, 6] as const) expect(decodeDatagram(family, new Uint8Array(), 7)).toBeUndefined();
  });

  it('open SCTP associations with a checksum that nobody drops them for, and are recognised', () => {
    const init = encodeInit(50_000, 9003, encodePayload(7, 42));
    expect(decodeInit(6, init, 7)).toBe(42);
    expect(decodeInit(4, Uint8Array.of(...IP_HEADER, ...init), 7)).toBe(42);
    const whole = init.slice();
    whole.fill(0, 8, 12);
    expect(Buffer.from(init.subarray(8, 12)).toString('hex')).toBe(castagnoli(whole));
  });

  it.each(['10.0.0.1', 'fd00::1'])('travel between socket addresses such as %s', (text) => {
    expect(decodeSockaddr(encodeSockaddr(parseIp(text)!, 8080))).toEqual({ ip: parseIp(text), port: 8080 });
  });
});

/** CRC-32C by a table, least significant byte first. */
function castagnoli(bytes: Uint8Array): string {
  const table = Array.from({ length: 256 }, (_, n) => {
    let value = n;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
    return value >>> 0;
  });
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (table[(crc ^ byte) & 0xff]! ^ (crc >>> 8)) >>> 0;
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(~crc >>> 0);
  return sum.toString('hex');
}
