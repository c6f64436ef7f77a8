import { describe, expect, it } from 'vitest';
import { bandOf, chooseFree } from './choose-free.ts';

describe('numbers that are given out at random', () => {
  it('come from the upper band while there are any, then from the lower one, each once', () => {
    for (const random of [0, 0.3, 0.999_999]) {
      const taken = new Set<number>();
      const range = { count: 100, reserved: 16 };
      const next = (): number | undefined =>
        chooseFree(
          range,
          () => random,
          (i) => !taken.has(i),
        );
      for (let given = next(); given !== undefined; given = next()) {
        expect([given >= 16, given < 100]).toEqual([taken.size < 84, true]);
        taken.add(given);
      }
      expect(taken.size).toBe(100);
    }
  });

  it.each([
    ['node ports as they are by default', 2768, 32, 128, 86],
    ['addresses of a /12', 1 << 20, 16, 256, 256],
    ['addresses of a /24', 254, 16, 256, 16],
    ['too few to divide', 14, 16, 256, 0],
  ])('leave a band to whoever names one: %s', (_, count, share, largest, band) => {
    expect(bandOf(count, share, largest)).toBe(band);
  });
});
