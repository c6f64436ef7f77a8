import { expect, it } from 'vitest';
import { LineSink } from './line-sink.ts';

it('hands on pieces of some 64 KiB, and lets the event loop run between them', async () => {
  const pieces: string[] = [];
  const sink = new LineSink({ print: (text) => pieces.push(text), signal: new AbortController().signal });
  let turns = 0;
  const count = setInterval(() => turns++, 0);
  for (let i = 0; i < 50_000; i++) {
    const wait = sink.line(`line ${i}`);
    if (wait !== undefined) await wait;
  }
  await sink.flush();
  clearInterval(count);
  expect(pieces.join('\n').split('\n')).toEqual(Array.from({ length: 50_000 }, (_, i) => `line ${i}`));
  expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(66_000);
  expect(pieces.length).toBeGreaterThan(5);
  expect(turns).toBeGreaterThan(0);
});

it('stops when the user interrupts', async () => {
  const stop = new AbortController();
  const sink = new LineSink({ print: () => stop.abort(), signal: stop.signal });
  await sink.line('first');
  await expect(sink.flush()).rejects.toMatchObject({ code: 'interrupted' });
});
