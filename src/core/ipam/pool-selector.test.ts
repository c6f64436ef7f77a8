import { describe, expect, it } from 'vitest';
import { labelsSelected } from './pool-selector.ts';

const LABELS = { zone: 'a', 'kubernetes.io/os': 'linux', gpu: '' };

describe('a selector of a pool', () => {
  it.each([
    ['', true],
    ['all()', true],
    ['has(gpu)', true],
    ['!has(gpu)', false],
    ['has(toString)', false],
    ['zone == "a"', true],
    ["zone == 'b' || kubernetes.io/os == 'linux'", true],
    ['zone == "b" || zone == "c" && all()', false],
    ['(zone == "b" || zone == "a") && !(zone == "c")', true],
    ['missing != "x"', true],
    ['missing not in {"x"}', true],
    ['zone in {"a", "b"}', true],
    ['zone in {}', false],
    ['missing in {"a"}', false],
  ])('%s is %s', (selector, expected) => {
    expect(labelsSelected(selector, LABELS)).toBe(expected);
  });

  it.each([
    ['zone = "a"', /column 6/],
    ['zone == a', /column 9: expected a text in quotes, found "a"/],
    ['all() || zone ==', /column 17: .*the selector ends/],
    ['all() zone', /column 7: .*found "zone"/],
    ['has(zone', /the selector ends/],
  ])('%s is refused', (selector, message) => {
    expect(() => labelsSelected(selector, LABELS)).toThrow(message);
  });
});
