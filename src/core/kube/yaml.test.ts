import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkManifest, formatLoadIssue } from './check-manifest.ts';
import type { FieldSchema } from './unknown-fields.ts';
import { resolvePlainScalar } from './yaml-scalar.ts';
import { parseManifests } from './yaml.ts';

const SCALARS: readonly (readonly [string, unknown])[] = [
  ['yes', true],
  ['Off', false],
  ['y', true],
  ['tRue', 'tRue'],
  ['~', null],
  ['Null', null],
  ['nUll', 'nUll'],
  ['0777', 511],
  ['-0777', -511],
  ['0o17', 15],
  ['0o8', '0o8'],
  ['0x1F', 31],
  ['0b11', 3],
  ['0b', '0b'],
  ['08', 8],
  ['1:30', '1:30'],
  ['190:20:30', '190:20:30'],
  ['1_000', 1000],
  ['0x_1', 1],
  ['_1', '_1'],
  ['+1', 1],
  ['.5', 0.5],
  ['+.5', 0.5],
  ['.5_0', 0.5],
  ['._8', '._8'],
  ['1.', 1],
  ['1e3', 1000],
  ['1e', '1e'],
  ['2001-01-01', '2001-01-01'],
  ['10.0.0.1', '10.0.0.1'],
  ['10.244.0.0/16', '10.244.0.0/16'],
  ['-', '-'],
  ['--', '--'],
  ['=', '='],
];

describe('plain scalars', () => {
  it.each(SCALARS)('%s reads as %j', (text, value) => expect(resolvePlainScalar(text)).toEqual(value));

  it('read as kubectl reads them', ({ skip }) => {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-yaml-'));
    try {
      const file = join(directory, 'scalars.yaml');
      const texts = [
        ...SCALARS.map(([text]) => text),
        '00',
        '0',
        '-0',
        '0.0',
        '1__0',
        '12e03',
        '0777.5',
        'NO',
        'on',
        'oN',
        '+0x1f',
        '-0o7',
        '1.5.2',
        '+-1',
        '1-1',
        '0_7',
        '9e-2',
        '1_',
        '.e1',
        '-.5',
        '0XF',
        '0B1',
      ];
      const lines = texts.filter((text) => text !== '-').map((text, i) => `  k${i}: ${text}`);
      const text = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n${lines.join('\n')}\n`;
      writeFileSync(file, text);
      const output = runKubectl(['label', '--local', '-f', file, 'a=b', '-o', 'json']);
      if (output === undefined) return skip('there is no kubectl on this machine');
      const theirs = JSON.parse(output) as { data: unknown };
      expect(parseManifests(text, file).manifests[0]?.object['data']).toEqual(theirs.data);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('parseManifests', () => {
  /** With whether kubectl reads them. */
  const QUESTIONS: readonly (readonly [data: string, isRead: boolean])[] = [
    ['{a: https://x.test/?b}', false],
    ['{a: b?}', false],
    ['{a?b: c}', false],
    ['{a: [b ? c]}', false],
    ['{a: "b?"}', true],
    ["{'a?': b}", true],
    ['\n  a: https://x.test/?b', true],
    ['\n  a?b: c', true],
    ['\n  a: &q b?\n  c: {d: *q}', true],
    ['\n  a: &q b?\n  c: {*q : d}', true],
  ];

  it('takes question marks as kubectl does', ({ skip }) => {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-yaml-'));
    try {
      const file = join(directory, 'questions.yaml');
      for (const [data, isRead] of QUESTIONS) {
        const text = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: ${data}\n`;
        writeFileSync(file, text);
        const { issues } = parseManifests(text, file);
        expect({ data, isRead: issues.length === 0 }).toEqual({ data, isRead });
        const { error, status } = spawnSync('kubectl', ['label', '--local', '-f', file, 'a=b', '-o', 'name']);
        if (error !== undefined) return skip('there is no kubectl on this machine');
        expect({ data, isRead: status === 0 }).toEqual({ data, isRead });
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('reads several documents, skips empty ones and opens Lists', () => {
    const text = '---\na: 1\n---\n---\n# nothing\n---\nkind: List\nitems:\n- {b: 2}\n- {c: 3}\n';
    const { manifests, issues } = parseManifests(text, 'x.yaml');
    expect(issues).toEqual([]);
    expect(manifests.map((each) => each.object)).toEqual([{ a: 1 }, { b: 2 }, { c: 3 }]);
    expect(manifests[2]?.locate('c')).toEqual({ file: 'x.yaml', line: 10, column: 4 });
  });

  it('reads JSON, with positions', () => {
    const { manifests } = parseManifests('{\n\t"kind": "Pod",\n\t"spec": {"a": [1, "yes"]}\n}', 'x.json');
    expect(manifests[0]?.object).toEqual({ kind: 'Pod', spec: { a: [1, 'yes'] } });
    expect(manifests[0]?.locate('spec.a[1]')).toEqual({ file: 'x.json', line: 3, column: 20 });
  });

  it('knows where every field stands, in the notation of field errors, and the container of a missing one', () => {
    const text = 'metadata:\n  labels:\n    a/b: c\nspec:\n  ingress:\n  - from:\n    - podSelector: {}\n';
    const locate = (path: string) => {
      const { line, column } = parseManifests(text, 'x').manifests[0]!.locate(path);
      return [line, column];
    };
    expect(locate('metadata.labels[a/b]')).toEqual([3, 5]);
    expect(locate('spec.ingress[0]')).toEqual([6, 5]);
    expect(locate('spec.ingress[0].from[0].podSelector')).toEqual([7, 7]);
    expect(locate('spec.ingress[0].ports[3].port')).toEqual([6, 5]);
    expect(locate('status')).toEqual([1, 1]);
  });

  it('follows anchors and merge keys, own keys first', () => {
    const { manifests } = parseManifests('a: &a {x: 1, z: 1}\nb: {<<: *a, z: 2}\nc: *a\n', 'x');
    expect(manifests[0]?.object).toEqual({ a: { x: 1, z: 1 }, b: { x: 1, z: 2 }, c: { x: 1, z: 1 } });
  });

  it('writes keys out as kubectl does', () => {
    const { manifests } = parseManifests('on: a\n0777: b\n"yes": c\n', 'x');
    expect(manifests[0]?.object).toEqual({ true: 'a', 511: 'b', yes: 'c' });
  });

  it('keeps a key named __proto__ as data', () => {
    const { manifests } = parseManifests('__proto__: {a: 1}\n', 'x');
    expect(Object.keys(manifests[0]!.object)).toEqual(['__proto__']);
    expect(({} as { a?: unknown }).a).toBeUndefined();
  });

  it('refuses an anchor that contains itself', () => {
    const { issues } = parseManifests('a: &a [*a]\n', 'x');
    expect(issues.map(formatLoadIssue)).toEqual(['x:1:8: the anchor a contains itself']);
  });

  it('gives up on a document that expands without end, and reads the next one', () => {
    const bomb = ['a0: &a0 [1,1,1,1,1,1,1,1,1,1]'];
    for (let i = 1; i < 9; i++)
      bomb.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(',')}]`,
      );
    const { manifests, issues } = parseManifests(`${bomb.join('\n')}\n---\nb: 1\n`, 'x');
    expect(manifests.map((each) => each.object)).toEqual([{ b: 1 }]);
    expect(issues.length).toBeGreaterThan(0);
  });

  it.each<[string, string, string]>([
    ['a repeated key', 'a: 1\nb: 2\na: 3\n', 'x.yaml:3:1: the key "a" is already set in this map'],
    ['infinity', 'a:\n  b: .inf\n', 'x.yaml:2:6: a.b: JSON has no .inf'],
    ['a list at the top', '- a\n', 'x.yaml:1:1: a document must be an object with apiVersion and kind'],
    [
      'text for a field',
      'spec:\n  podSelector:{}\n',
      'x.yaml:2:3: "podSelector:{}" is text, not a field: put a space after podSelector:',
    ],
    [
      'a question mark without quotes inside of braces',
      'a:\n  b: {c: https://x.test/?d, e: f}\n',
      'x.yaml:2:10: put quotes around https://x.test/?d: inside of { } and [ ] kubectl reads no question mark without them',
    ],
    [
      'a question mark without quotes inside of brackets',
      'a: [b, c?]\n',
      'x.yaml:1:8: put quotes around c?: inside of { } and [ ] kubectl reads no question mark without them',
    ],
    [
      'a question mark in a key inside of braces',
      'a: {b?: c}\n',
      'x.yaml:1:5: put quotes around b?: inside of { } and [ ] kubectl reads no question mark without them',
    ],
    [
      'text for a field in a list',
      'from:\n- podSelector:{}\n',
      'x.yaml:2:3: "podSelector:{}" is text, not a field: put a space after podSelector:',
    ],
  ])('refuses %s', (_, text, message) => {
    const { manifests, issues } = parseManifests(text, 'x.yaml');
    expect(issues.map(formatLoadIssue)).toEqual([message]);
    expect(manifests).toEqual([]);
  });

  it.each<[string, string, RegExp]>([
    [
      'a missing space before a map, among other fields',
      'spec:\n  podSelector:{}\n  policyTypes:\n  - Ingress\n',
      /put a space after podSelector:/,
    ],
    ['a tab', 'spec:\n\ta: 1\n', /indent with spaces, not tabs/],
    ['an open bracket', 'a: [1, 2\nb: 3\n', /x\.yaml:\d+:\d+: /],
  ])('explains %s', (_, text, message) => {
    const { manifests, issues } = parseManifests(text, 'x.yaml');
    expect(issues.map(formatLoadIssue).join('\n')).toMatch(message);
    expect(manifests).toEqual([]);
  });
});

const policySchema: FieldSchema = {
  properties: {
    apiVersion: {},
    kind: {},
    metadata: { properties: { name: {}, labels: { additionalProperties: {} } } },
    spec: {
      properties: {
        podSelector: { $ref: 'selector' },
        policyTypes: { items: {} },
        egress: {
          items: {
            properties: {
              to: {
                items: {
                  properties: {
                    podSelector: { $ref: 'selector' },
                    namespaceSelector: { $ref: 'selector' },
                    ipBlock: {},
                  },
                },
              },
              ports: { items: { properties: { port: {}, endPort: {}, protocol: {} } } },
            },
          },
        },
      },
    },
  },
};
const schemas = {
  ofKind: () => policySchema,
  resolve: () => ({ properties: { matchLabels: { additionalProperties: {} }, matchExpressions: {} } }),
};

describe('checkManifest', () => {
  const head = 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: x}\n';

  it.each<[string, string, string[]]>([
    [
      'policyType',
      `${head}spec:\n  podSelector: {}\n  policyType: [Ingress]\n`,
      ['x:6:3: unknown field "spec.policyType"; did you mean "spec.policyTypes"?'],
    ],
    [
      'ports indented under to',
      `${head}spec:\n  podSelector: {}\n  egress:\n  - to:\n    - podSelector: {}\n      ports:\n      - port: 80\n`,
      ['x:9:7: unknown field "spec.egress[0].to[0].ports"; did you mean "spec.egress[0].ports"?'],
    ],
    [
      'labels without matchLabels',
      `${head}spec:\n  podSelector:\n    app: web\n`,
      ['x:6:5: unknown field "spec.podSelector.app"'],
    ],
    [
      'a port out of range',
      `${head}spec:\n  podSelector: {}\n  egress:\n  - ports:\n    - port: 70000\n`,
      ['x:8:7: spec.egress[0].ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive'],
    ],
    [
      'apiversion',
      'apiversion: v1\nkind: Pod\n',
      ['x:1:1: apiVersion not set; did you mean apiVersion instead of apiversion?'],
    ],
    [
      'no apiVersion',
      'kind: NetworkPolicy\n',
      ['x:1:1: apiVersion not set; a NetworkPolicy is apiVersion: networking.k8s.io/v1'],
    ],
    [
      'a policy in v1',
      'apiVersion: v1\nkind: NetworkPolicy\n',
      ['x:1:1: no kind NetworkPolicy in apiVersion v1; did you mean networking.k8s.io/v1?'],
    ],
    [
      'a misspelt group',
      'apiVersion: networking.k8s.o/v1\nkind: NetworkPolicy\n',
      ['x:1:1: no kind NetworkPolicy in apiVersion networking.k8s.o/v1; did you mean networking.k8s.io/v1?'],
    ],
    ['a lower-case kind', 'apiVersion: v1\nkind: pod\n', ['x:2:1: no kind pod in apiVersion v1; did you mean Pod?']],
  ])('names %s with its place', (_, text, expected) => {
    const issues = parseManifests(text, 'x').manifests.flatMap((manifest) => checkManifest(manifest, schemas));
    expect(issues.map(formatLoadIssue)).toEqual(expected);
  });

  it('lets labels be named at will', () => {
    const text = `${head.replace('{name: x}', '{name: x, labels: {any/thing: a}}')}spec: {podSelector: {matchLabels: {any: a}}}\n`;
    expect(parseManifests(text, 'x').manifests.flatMap((each) => checkManifest(each, schemas))).toEqual([]);
  });
});

function runKubectl(args: readonly string[]): string | undefined {
  try {
    return execFileSync('kubectl', args, { encoding: 'utf8' });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined;
    throw error;
  }
}
