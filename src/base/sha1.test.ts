import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { sha1 } from './sha1.ts';

it('agrees with the platform about texts of every length around the edges of blocks', () => {
  for (let length = 0; length <= 200; length++) {
    const text = Array.from({ length }, (_, i) => String.fromCharCode(33 + ((i * 7 + length) % 90))).join('');
    expect(sha1(text)).toBe(createHash('sha1').update(text).digest('hex'));
  }
});
