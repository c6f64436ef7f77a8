import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Attributes,
  attribute,
  attributeList,
  attributeNest,
  attributeText,
  attributeU16be,
  attributeU32,
  attributeU32be,
  attributeU8,
} from './attributes.ts';
import { ByteReader } from './reader.ts';
import { ByteWriter } from './writer.ts';

describe('netlink attributes', () => {
  it('read back as they were written, whatever their lengths', () => {
    const payload = fc.uint8Array({ maxLength: 70 });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 0x3fff }), payload), { maxLength: 20 }), (entries) => {
        const writer = new ByteWriter(1);
        for (const [type, bytes] of entries) attribute(writer, type, bytes);
        expect(writer.length % 4).toBe(0);
        expect(attributeList(writer.view())).toEqual(entries);
      }),
    );
  });

  it('read back numbers of every width and order, text and nests', () => {
    const writer = new ByteWriter();
    attributeNest(writer, 1, () => {
      attributeU8(writer, 2, 0xfe);
      attributeU16be(writer, 3, 0xfedc);
      attributeU32(writer, 4, 0xfedcba98);
      attributeU32be(writer, 5, 0xfedcba98);
      attributeText(writer, 7, 'vxlan.sluice');
    });
    const nest = new Attributes(writer.view()).nested(1)!;
    expect([nest.u8(2), nest.u16be(3), nest.u32(4), nest.u32be(5), nest.text(7)]).toEqual([
      0xfe,
      0xfedc,
      0xfedcba98,
      0xfedcba98,
      'vxlan.sluice',
    ]);
  });

  it('never read past their end, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          for (const [, payload] of attributeList(bytes)) attributeList(payload);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });

  it('refuse to nest more than an attribute can hold', () => {
    const writer = new ByteWriter();
    expect(() => attributeNest(writer, 1, () => writer.zeros(0xffff))).toThrow(RangeError);
  });

  it('refuse a number that is not all there', () => {
    expect(() => new ByteReader(Uint8Array.of(1, 2, 3)).u32()).toThrow(RangeError);
  });
});
