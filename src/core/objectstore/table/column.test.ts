import { expect, it } from 'vitest';
import { parseRfc3339 } from '../../../base/rfc3339.ts';
import { humanDuration } from './column.ts';
import { jsonPath } from './json-path.ts';

it.each([
  [-5, '<invalid>'],
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [125, '2m5s'],
  [600, '10m'],
  [10_799, '179m'],
  [10_800, '3h'],
  [11_100, '3h5m'],
  [28_800, '8h'],
  [172_800, '2d'],
  [176_400, '2d1h'],
  [691_200, '8d'],
  [63_072_000, '2y'],
])('shows %d seconds as kubectl does', (seconds, text) => expect(humanDuration(seconds)).toBe(text));

it.each(['2026-01-31T12:34:56Z', '1999-12-31T23:59:59.25Z', '2024-02-29T00:00:00+02:00', '1969-07-20T20:17:40-05:30'])(
  'reads the timestamp %s',
  (text) => expect(parseRfc3339(text)).toBe(Date.parse(text)),
);

it.each([
  ['.spec.a', ['x']],
  ['{.spec.a}', ['x']],
  ['.spec.list[1].n', [2]],
  ['.spec.list[*].n', [1, 2]],
  ['.spec.list[-1].n', [2]],
  ['.spec.list[?(@.n=="2")].t', ['B']],
  [`.metadata.annotations['a.b/c']`, ['q']],
  [String.raw`.metadata.annotations.a\.b/c`, ['q']],
  ['.spec.none.deeper', []],
  ['.spec[', []],
])('selects %s', (path, expected) => {
  const object = {
    metadata: { annotations: { 'a.b/c': 'q' } },
    spec: {
      a: 'x',
      list: [
        { n: 1, t: 'A' },
        { n: 2, t: 'B' },
      ],
    },
  };
  expect(jsonPath(path)(object)).toEqual(expected);
});
