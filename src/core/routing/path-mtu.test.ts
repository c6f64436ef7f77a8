import { describe, expect, it } from 'vitest';
import { findPathMtu } from './path-mtu.ts';
import type { PathAnswer, PathSearch } from './path-mtu.ts';

/** Runs a search over a path; returns what it found and the sizes that it tried. */
function search(given: PathSearch, path: (size: number, attempt: number) => PathAnswer) {
  const sizes: number[] = [];
  const run = findPathMtu(given);
  for (let step = run.next(); ;) {
    if (step.done === true) return { found: step.value, sizes };
    sizes.push(step.value);
    step = run.next(path(step.value, sizes.length));
  }
}

const silent = (mtu: number) => (size: number) => ({ passed: size <= mtu });
const telling = (mtu: number) => (size: number) => (size <= mtu ? { passed: true } : { passed: false, limit: mtu });

describe('the search for the MTU of a path', () => {
  it('tries one packet where the route is right', () => {
    expect(search({ ceiling: 1500, floor: 576 }, silent(1500))).toEqual({ found: 1500, sizes: [1500] });
  });

  it('finds every size that there can be', () => {
    for (let mtu = 576; mtu <= 1500; mtu++) expect(search({ ceiling: 1500, floor: 576 }, silent(mtu)).found).toBe(mtu);
    for (const mtu of [1280, 1500, 1501, 8949, 8950, 8951, 8999, 9000, 65_534])
      expect(search({ ceiling: 65_535, floor: 1280 }, silent(mtu)).found).toBe(mtu);
  });

  it.each([
    [1500, 1450],
    [9000, 1500],
    [9000, 8950],
    [1500, 1499],
    [65_536, 577],
  ])('takes few packets from %i to %i', (ceiling, mtu) => {
    expect(search({ ceiling, floor: 576 }, silent(mtu)).sizes.length).toBeLessThan(24);
  });

  it('tries what a router says, and believes only what it has tried', () => {
    expect(search({ ceiling: 1500, floor: 576 }, telling(1437)).sizes.slice(0, 3)).toEqual([1500, 576, 1437]);
    const lying = (size: number) => (size <= 1400 ? { passed: true } : { passed: false, limit: 600 });
    expect(search({ ceiling: 1500, floor: 576 }, lying).found).toBe(1400);
  });

  it('takes three packets to see that nothing has changed, and finds what has', () => {
    const known = { ceiling: 1500, floor: 576, known: 1400 };
    expect(search(known, silent(1400))).toEqual({ found: 1400, sizes: [1500, 1400, 1401] });
    expect(search(known, silent(1500)).found).toBe(1500);
    expect(search(known, silent(1437)).found).toBe(1437);
    expect(search(known, silent(1300)).found).toBe(1300);
    expect(search({ ...known, known: 1499 }, silent(1499)).found).toBe(1499);
  });

  it('knows nothing of a peer that does not answer, or has stopped answering', () => {
    const given = { ceiling: 1500, floor: 576 };
    expect(search(given, silent(0)).found).toBeUndefined();
    expect(search({ ceiling: 576, floor: 576 }, silent(0)).found).toBeUndefined();
    expect(search(given, (size, attempt) => ({ passed: attempt < 4 && size <= 576 })).found).toBeUndefined();
  });

  it('does not take lost packets for a narrow path', () => {
    expect(search({ ceiling: 1500, floor: 576 }, (_, attempt) => ({ passed: attempt > 5 })).found).toBeUndefined();
    expect(search({ ceiling: 1500, floor: 576 }, (_, attempt) => ({ passed: attempt !== 1 })).found).toBe(1500);
  });
});
