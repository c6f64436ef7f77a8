import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sumOf, swap16 } from './checksum.ts';
import { Arena } from './memory.ts';
import { isRight, sum, tcpPacket } from './packets.test-support.ts';
import type { TcpPacket } from './packets.test-support.ts';
import { TcpMerger } from './tcp-merger.ts';
import { TCP_ACK, TCP_FIN, TCP_PSH } from './tcp-packet.ts';
import { segmentTcp } from './tcp-segmenter.ts';

const bytes = fc.uint8Array({ maxLength: 300 });
const options = fc.integer({ min: 0, max: 10 }).map((words) => new Uint8Array(4 * words).fill(1));
const packet: fc.Arbitrary<TcpPacket> = fc.record({
  family: fc.constantFrom(4, 6),
  sequence: fc.constantFrom(0, 5, 0xffff_ff00),
  flags: fc.constantFrom(TCP_ACK, TCP_ACK | TCP_PSH, TCP_ACK | TCP_FIN),
  options,
  payload: fc.uint8Array({ minLength: 1, maxLength: 5000 }),
});

describe('checksums', () => {
  it('agree with a slow sum wherever the bytes stand', () => {
    const arena = new Arena(1024);
    fc.assert(
      fc.property(bytes, fc.integer({ min: 0, max: 9 }), (data, at) => {
        arena.bytes.fill(0xaa);
        arena.bytes.set(data, at);
        // Zero and all ones are the same number in this arithmetic.
        expect(swap16(sumOf(arena, at, at + data.length)) % 0xffff).toBe(sum([...data]) % 0xffff);
      }),
    );
  });
});

describe('cutting and putting together', () => {
  it('gives packets that are right, no longer than allowed, and carry the same bytes in order', () => {
    fc.assert(
      fc.property(packet, fc.integer({ min: 1, max: 1460 }), (large, payload) => {
        const whole = tcpPacket(large);
        const cut = cutUp(whole, large, payload);
        const headers = whole.length - large.payload.length;
        expect(cut.every(isRight)).toBe(true);
        expect(cut.every(({ length }) => length <= headers + payload)).toBe(true);
        expect(Buffer.concat(cut.map((each) => each.subarray(headers)))).toEqual(Buffer.from(large.payload));
        const flags = cut.map((each) => each[headers - large.options.length - 7]!);
        expect(flags.at(-1)).toBe(large.flags);
        expect(flags.slice(0, -1).every((each) => each === TCP_ACK)).toBe(true);
      }),
    );
  });

  it('are each other’s inverse', () => {
    fc.assert(
      fc.property(packet, fc.integer({ min: 100, max: 1460 }), (large, payload) => {
        fc.pre((large.flags & TCP_FIN) === 0);
        const whole = tcpPacket(large);
        const merged = putTogether(cutUp(whole, large, payload));
        expect(merged).toHaveLength(1);
        expect(withoutTcpChecksum(merged[0]!, large)).toEqual(withoutTcpChecksum(whole, large));
      }),
    );
  });

  it('never put together what is not one stream, is out of order or damaged, and lose nothing of it', () => {
    const small = fc.record({
      family: fc.constantFrom<4 | 6>(4, 6),
      sequence: fc.constantFrom(0, 4, 8, 12),
      flags: fc.constantFrom(TCP_ACK, TCP_ACK | TCP_PSH, TCP_ACK | TCP_FIN),
      options: fc.constantFrom(new Uint8Array(0), Uint8Array.of(1, 1, 1, 1)),
      payload: fc.constantFrom(Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5)),
      ports: fc.constantFrom<[number, number]>([1, 2], [3, 4]),
    });
    const damaged = fc.boolean();
    fc.assert(
      fc.property(fc.array(fc.tuple(small, damaged), { maxLength: 8 }), (list) => {
        const packets = list.map(([each, broken]) => {
          const made = tcpPacket(each);
          if (broken) made[made.length - 1]! ^= 0xff;
          return made;
        });
        const out = putTogether(packets);
        // Cut again where they were put together, they are what came in.
        const again = out.flatMap((each) => {
          const header = each[0]! >> 4 === 4 ? 20 : 40;
          const start = header + (each[header + 12]! >> 4) * 4;
          if (isRight(each) || each.length - start <= 4) return [each];
          const fields = { family: header === 20 ? 4 : 6 } as const;
          return cutUp(each, { ...fields, flags: 0, sequence: 0, options: new Uint8Array(), payload: each }, 4);
        });
        const pushes = (each: Uint8Array): Uint8Array => withoutIdentification(each);
        expect(again.map(pushes)).toEqual(packets.map(pushes));
      }),
    );
  });
});

/** The packets that `whole` becomes. */
function cutUp(whole: Uint8Array, { family }: TcpPacket, payload: number): Uint8Array[] {
  const arena = new Arena(1 << 20);
  const ip = 24;
  arena.bytes.set(whole, ip);
  const cut: number[][] = [];
  segmentTcp(arena, { ip, tcp: ip + (family === 4 ? 20 : 40), end: ip + whole.length, payload }, 8192, {
    packet: () => void cut.push([]),
    piece: (offset, length) => void cut.at(-1)!.push(...arena.bytes.subarray(offset, offset + length)),
  });
  return cut.map((each) => Uint8Array.from(each));
}

/** The packets that come out when `packets` arrive together. */
function putTogether(packets: readonly Uint8Array[]): Uint8Array[] {
  const arena = new Arena(1 << 20);
  const out: Uint8Array[] = [];
  const merger = new TcpMerger(
    arena,
    {
      single: (offset, length) => void out.push(arena.bytes.slice(offset, offset + length)),
      merged: ({ pieces, offsets, lengths }) => {
        const parts = Array.from({ length: pieces }, (_, i) =>
          arena.bytes.slice(offsets[i]!, offsets[i]! + lengths[i]!),
        );
        out.push(Uint8Array.from(Buffer.concat(parts)));
      },
    },
    128,
  );
  let at = 64;
  for (const packet of packets) {
    arena.bytes.set(packet, at);
    merger.add(at, packet.length);
    at += packet.length;
  }
  merger.flush();
  return out;
}

/** A large packet's TCP checksum is left to whoever cuts it. */
function withoutTcpChecksum(packet: Uint8Array, { family }: TcpPacket): Uint8Array {
  const copy = packet.slice();
  copy.fill(0, family === 4 ? 36 : 56, family === 4 ? 38 : 58);
  return copy;
}

function withoutIdentification(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  if (copy[0]! >> 4 === 4) copy.fill(0, 4, 6).fill(0, 10, 12);
  return copy;
}
