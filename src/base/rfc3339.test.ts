import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatRfc3339, parseRfc3339 } from './rfc3339.ts';

describe('RFC 3339 timestamps', () => {
  it('agree with the platform from year 0 to 9999', () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_167_219_200, max: 253_402_300_799 }), (seconds) => {
        const expected = new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
        expect(formatRfc3339(seconds * 1000)).toBe(expected);
        expect(parseRfc3339(expected)).toBe(seconds * 1000);
      }),
    );
  });

  it.each([
    ['2024-02-29T12:00:00.250+02:00', Date.parse('2024-02-29T10:00:00.250Z')],
    ['2024-13-01T00:00:00Z', undefined],
    ['2024-01-01', undefined],
    ['', undefined],
  ])('reads %s', (text, expected) => {
    expect(parseRfc3339(text)).toBe(expected);
  });
});
