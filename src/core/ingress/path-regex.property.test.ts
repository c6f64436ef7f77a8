import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { array, constantFrom, letrec, oneof, sample, string, tuple } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quote } from './haproxy-text.ts';
import { checkPathRegex } from './path-regex.ts';

let folder = '';
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'path-regex-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As a path's expression stands in the map of Ingresses, in a rewrite, and in a condition of an HTTPRoute. */
const placesOf = (text: string): readonly string[] => [
  `  http-request deny if { path -m reg -- ${quote(`(?i)^${'a'.repeat(250)}(?:${text})`)} }`,
  `  http-request replace-path ${quote(`(?i)^(?:${text})`)} /x`,
  `  http-request deny if { path -m reg -- ${quote(`^(?:${text})$`)} }`,
];

const HEAD = [
  'defaults',
  '  mode http',
  ...['client', 'server', 'connect'].map((of) => `  timeout ${of} 1s`),
  'frontend all',
  '  bind 127.0.0.1:1',
];

/** The expressions that HAProxy refuses, each with what it says; after some fifty it stops. */
function refusedOf(texts: readonly string[]): readonly string[] {
  const file = join(folder, 'haproxy.cfg');
  const places = texts.flatMap((text) => placesOf(text).map((line) => ({ text, line })));
  writeFileSync(file, [...HEAD, ...places.map(({ line }) => line), ''].join('\n'));
  const { status, stderr, error } = spawnSync('/usr/sbin/haproxy', ['-c', '-f', file], { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status === 0) return [];
  const told = [...stderr.matchAll(/haproxy\.cfg:(\d+)\] : .*(\(error=.*)/gu)].map(
    ([, line, why]) => `${places[Number(line) - HEAD.length - 1]?.text}: ${why}`,
  );
  return told.length === 0 ? [stderr] : told;
}

/** Everything that means something to the engine, and what means something only in some places. */
const piece = constantFrom(
  ...'[]-:=.^$\\(){}?*+|,/<>_#"\'`~!@%&;aAz019'.split(''),
  ...String.raw`[^ [a [] [:alpha:] [.a.] [=a=] [[:<:]] [: :] \d \D \w \S \s- \] \\ \- \Q \E`.split(' '),
  ...'(?: (?i) (* a-z -\\d [\\w-.] {2} {2,} {1,3} {64}'.split(' '),
);
const scribble = array(piece, { minLength: 1, maxLength: 14 }).map((pieces) => pieces.join(''));

/** Within brackets much means something else. */
const bracket = tuple(constantFrom('[', '[^'), array(piece, { maxLength: 6 }), constantFrom(']', ']+', ']{3}')).map(
  ([open, inside, close]) => `/${open}${inside.join('')}${close}`,
);

/** Groups that are counted: the engine writes them out. */
const element = constantFrom('a', '[a-m]', '[^/]', '\\w', '.', '[aeiou]{3}', '[^a]{64}', 'x*', 'z?', '[0-4][5-9]');
const counted = letrec<{ tree: string }>((tie) => ({
  tree: oneof(
    { maxDepth: 3 },
    element,
    array(tie('tree'), { minLength: 1, maxLength: 8 }).map((all) => all.join('')),
    tuple(
      constantFrom('(', '(?:'),
      tie('tree'),
      constantFrom('', '|q', '|[#-&]'),
      constantFrom('', '?', '{8}', '{64}', '{2,64}', '{64,}'),
    ).map(([open, inside, other, count]) => `${open}${inside}${other})${count}`),
  ),
})).tree;

/** Some of just the size that there may be, and more: all else of them is harmless. */
const large = tuple(
  array(constantFrom('[a-c]', '[ac]', '[^/a]'), { minLength: 15, maxLength: 40, size: 'max' }),
  constantFrom('{64}', '{50}', '{40}'),
  constantFrom('', '/x', '(/[^/]+)*'),
).map(([inside, count, end]) => `/(${inside.join('')})${count}${end}`);

describe('what is taken of expressions, HAProxy takes', () => {
  it.each([
    ['of characters in any order', scribble, 8000],
    ['with brackets', bracket, 4000],
    ['with groups that are counted', counted, 2000],
    ['with large groups that are counted', large, 400],
    ['of any text', string({ unit: 'binary-ascii', maxLength: 12 }), 2000],
  ])('%s', (_, expression, count) => {
    const taken = [...new Set(sample(expression, count))].filter((text) => 'groups' in checkPathRegex(text));
    // So that this tests something: of each kind it is an eighth of them or more.
    expect(taken.length).toBeGreaterThan(count / 50);
    expect(refusedOf(taken)).toEqual([]);
  });
});
