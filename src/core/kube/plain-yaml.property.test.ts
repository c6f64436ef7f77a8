import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readDocuments } from './complete-yaml.ts';
import { hasPeculiarCharacters, readPlainDocument } from './plain-yaml.ts';
import { lazyLineStarts, placeOf, positionAt } from './positions.ts';
import type { Place } from './positions.ts';

/** Every path of a document, as field errors write them. */
function pathsOf(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [path];
  const inner = Array.isArray(value)
    ? value.map((item, index): [string, unknown] => [`${path}[${index}]`, item])
    : Object.entries(value).map(([key, item]): [string, unknown] => [`${path}[${key}]`, item]);
  return [path, ...inner.flatMap(([at, item]) => pathsOf(item, at))];
}

/** Whether the plain reader reads the text; when it does, the complete one must read the same. */
function agrees(text: string): boolean {
  if (hasPeculiarCharacters(text)) return false;
  const plain = readPlainDocument(text, 0, text.length);
  if (plain === undefined) return false;
  const documents = readDocuments(text, 'f');
  expect(
    documents.map(({ issues }) => issues),
    text,
  ).toEqual([[]]);
  const [{ value, find }] = documents as [(typeof documents)[number]];
  expect(plain.value, text).toEqual(value);
  expect(JSON.stringify(plain.value), text).toBe(JSON.stringify(value));
  const lines = lazyLineStarts(text)();
  const place: Place = plain.place;
  for (const path of [...pathsOf(value), '[nowhere]', '[a][nowhere][0]'])
    expect(positionAt(lines, placeOf(place, path)), `${path} of\n${text}`).toEqual(find(path, []));
  return true;
}

const FRAGMENTS = [
  'a',
  'b: ',
  'c:',
  'key: value',
  'x.y/z: 1',
  ': ',
  ':',
  '- ',
  '-',
  '- - ',
  '\n',
  '\n',
  '\n  ',
  '\n    ',
  '\n- ',
  '\n  - ',
  '\n   ',
  '{}',
  '[]',
  '{ a: 1 }',
  '[1, b]',
  '[ -1 , "x" ]',
  '{a: [b, {c: d}]}',
  '{',
  '}',
  '[',
  ']',
  ', ',
  ',',
  '"',
  "'",
  '"q"',
  "'q'",
  '"a\\n"',
  '# c',
  ' # c',
  '#',
  ' ',
  '  ',
  '0777',
  '1e3',
  'yes',
  'null',
  '~',
  'true',
  '-1',
  '.5',
  '1:30',
  'a:b',
  'http://x',
  '2020-01-01',
  '|\n  x',
  '> x',
  '&a x',
  '&a',
  '&b ',
  '&a # c',
  'b: &a\n  ',
  '*a',
  '*b',
  '!t x',
  '<<: x',
  '? x',
  '---',
  '...',
  '%',
  '@',
  '`',
  '\t',
  'ü',
  '..',
  '-',
  '--',
  '+',
  '/',
  '=',
  '(a)',
  '<',
  '$',
  '\\',
  ';',
  '*',
  '!',
  '|',
  '>',
  '?',
];

/** Lines as manifests have them, more often right than wrong. */
const line = fc
  .tuple(fc.nat(4), fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 4 }))
  .map(([indent, parts]) => ' '.repeat(indent) + parts.join(''));

it('reads nothing differently from the parser of all of YAML', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(line, { maxLength: 6 }).map((lines) => lines.join('\n')),
        fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 14 }).map((parts) => `a: ${parts.join('')}`),
        fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 10 }).map((parts) => `a:\n  - ${parts.join('')}\nb: 1\n`),
      ),
      (text) => void agrees(text),
    ),
    { numRuns: 20_000 },
  );
});

/** Values and the styles in which people write them. */
const scalar = fc.constantFrom(
  'a',
  'web-1',
  '8080',
  '"8080"',
  "'x y'",
  'true',
  '~',
  '10.0.0.0/8',
  'http://a/b?c=d#e',
  'two words',
  '1.5',
  '0x1F',
  '',
);
const tree: fc.Arbitrary<string[]> = fc.letrec<{ node: string[] }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small' },
    fc.tuple(scalar, fc.constantFrom('', ' # note')).map(([text, comment]) => [text + comment]),
    fc.constantFrom<string[]>(['{}'], ['[]'], ['{ app: web, tier: db }'], ['[a, 1, {b: c}]']),
    fc
      .uniqueArray(fc.tuple(fc.constantFrom('name', 'app.kubernetes.io/name', 'port', 'spec', 'y1'), tie('node')), {
        minLength: 1,
        maxLength: 3,
        selector: ([key]) => key,
      })
      .map((fields) => fields.flatMap(([key, node]) => entry(`${key}:`, node))),
    fc
      .array(tie('node'), { minLength: 1, maxLength: 3 })
      .map((items) => items.flatMap((node) => entry('-', node.length === 1 && node[0] === '' ? ['x'] : node))),
  ),
})).node;

function entry(head: string, node: readonly string[]): string[] {
  const block = node.length > 1 || /^(?:-|[a-z1./]+:)(?: |$)/u.test(node[0]!);
  if (!block) return [`${head} ${node[0]}`.trimEnd()];
  if (head === '-') return [`- ${node[0]}`, ...node.slice(1).map((text) => `  ${text}`)];
  return [head, ...node.map((text) => (node[0]!.startsWith('-') ? text : `  ${text}`))];
}

it('reads most of what people write', () => {
  let read = 0;
  fc.assert(
    fc.property(tree, (node) => {
      if (agrees(`${entry('root:', node).join('\n')}\n`)) read++;
    }),
    { numRuns: 2_000 },
  );
  expect(read).toBeGreaterThan(1_200);
});

it('reads aliases of what stands above them', () => {
  let read = 0;
  fc.assert(
    fc.property(tree, tree, fc.constantFrom('&a', '&a # note'), (node, other, anchor) => {
      const uses = ['two: *a', 'three:', '  - *a # note', '  - x: *a', '    z: *b'];
      const lines = [...entry(`one: ${anchor}`, node), ...entry('next: &b', other), ...uses];
      if (agrees(`${lines.join('\n')}\n`)) read++;
    }),
    { numRuns: 2_000 },
  );
  expect(read).toBeGreaterThan(400);
});

it('leaves to the complete parser what aliases would blow up', () => {
  const text = (uses: number): string => `a: &a [${'x, '.repeat(99)}x]\nb:\n${'- *a\n'.repeat(uses)}`;
  const isPlain = (uses: number): boolean => readPlainDocument(text(uses), 0, text(uses).length) !== undefined;
  expect([10, 90, 110, 1_000].map(isPlain)).toEqual([true, true, false, false]);
});

it('reads the examples', () => {
  const folder = join(import.meta.dirname, '../../../examples');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.yaml') && !file.startsWith('mistakes'),
  );
  const documents = files.flatMap((file) => readFileSync(join(folder, file), 'utf8').split(/^---$/mu));
  expect(documents.filter((text) => !agrees(text)).length).toBeLessThan(documents.length / 10);
});
