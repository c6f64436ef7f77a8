import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonReader } from './ovsdb.ts';

describe('objects of a JSON-RPC stream', () => {
  it('are found wherever the stream is cut', () => {
    const objects = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 5 });
    fc.assert(
      fc.property(objects, fc.array(fc.integer({ min: 1, max: 7 })), (list, cuts) => {
        const bytes = Buffer.from(list.map((each) => JSON.stringify(each)).join(''));
        const reader = new JsonReader();
        const found: string[] = [];
        let at = 0;
        for (const length of [...cuts, bytes.length]) {
          found.push(...reader.push(bytes.subarray(at, at + length)));
          at += length;
        }
        expect(found).toEqual(list.map((each) => JSON.stringify(each)));
      }),
    );
  });
});
