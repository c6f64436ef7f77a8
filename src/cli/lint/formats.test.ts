import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ALL_RULES } from '../../core/lint/index.ts';
import type { Finding } from '../../core/lint/index.ts';
import { githubCommands } from './github.ts';
import { lintJson } from './json.ts';
import { lintJunit } from './junit.ts';
import { lintSarif } from './sarif.ts';
import { messagesIn } from '../../core/lint/index.ts';
import { findingLine, totalLine } from './text.ts';
import { unifiedDiff } from './unified-diff.ts';

const finding: Finding = {
  id: 'unknown-field',
  severity: 'error',
  message: 'unknown field "a<b>&c" 100%, really:\nyes',
  suggestion: "'d'",
  file: './a dir/p:q,r.yaml',
  line: 7,
  column: 3,
  object: { kind: 'NetworkPolicy', namespace: 'shop', name: 'web' },
  path: 'spec.a',
};
const note: Finding = {
  id: 'yaml-syntax',
  severity: 'note',
  message: 'm',
  file: '/abs/b.yaml',
  line: 1,
  column: 1,
  path: '',
};

it('prints a line for people', () => {
  expect(findingLine(note)).toBe('/abs/b.yaml:1:1: note: m [yaml-syntax]');
  expect(totalLine([finding, note, finding], 1, 2, messagesIn('en'))).toBe(
    '2 errors and 1 note in 1 object in 2 files',
  );
  expect(totalLine([], 1, 2, messagesIn('zh-CN'))).toBe('2 个文件中的 1 个对象：没有发现问题');
});

it('prints everything as JSON', () => {
  expect(JSON.parse(lintJson([finding, note]))).toMatchObject({
    errors: 1,
    warnings: 0,
    notes: 1,
    findings: [
      { id: 'unknown-field', line: 7, object: { name: 'web' }, suggestion: "'d'", fixable: false },
      { object: null, suggestion: null },
    ],
  });
});

it('escapes workflow commands as the runner reads them', () => {
  expect(githubCommands([finding, note])).toEqual([
    '::error file=./a dir/p%3Aq%2Cr.yaml,line=7,col=3,title=unknown-field::unknown field "a<b>&c" 100%25, really:%0Ayes; did you mean \'d\'?',
    '::notice file=/abs/b.yaml,line=1,col=1,title=yaml-syntax::m',
  ]);
});

it('writes JUnit XML with a failure for what fails and a passing case for a clean file', () => {
  const xml = lintJunit(
    ['./a dir/p:q,r.yaml', '/abs/b.yaml', 'c'],
    [finding, note],
    (severity) => severity === 'error',
  );
  expect(xml).toContain('<testsuites name="sluice lint" tests="3" failures="1">');
  expect(xml).toContain('<failure type="error" message="unknown field &quot;a&lt;b&gt;&amp;c&quot;');
  expect(xml).toContain('<testcase classname="c" name="no findings"/>');
  expect(xml.match(/<failure/gu)).toHaveLength(1);
});

it('writes SARIF with what its schema requires', () => {
  const pages = { uri: (id: string) => `https://example.test/${id}`, markdown: (id: string) => `# ${id}` };
  const log = JSON.parse(lintSarif([finding, note], '1.2.3', pages)) as Sarif;
  expect(log.version).toBe('2.1.0');
  const [run] = log.runs;
  expect(run.tool.driver).toMatchObject({
    name: 'sluice lint',
    version: '1.2.3',
    informationUri: 'https://example.test/',
  });
  expect(run.tool.driver.rules.map(({ id }) => id)).toEqual(ALL_RULES.map(({ id }) => id));
  for (const rule of run.tool.driver.rules) {
    expect(URL.canParse(rule.helpUri)).toBe(true);
    expect(rule.shortDescription.text).toMatch(/^[A-Z].*\.$/u);
    expect(['note', 'warning', 'error']).toContain(rule.defaultConfiguration.level);
  }
  for (const [index, result] of run.results.entries()) {
    expect(run.tool.driver.rules[result.ruleIndex]?.id).toBe(result.ruleId);
    expect(result.message.text).not.toBe('');
    expect(result.locations[0]!.physicalLocation.region).toEqual({
      startLine: index === 0 ? 7 : 1,
      startColumn: index === 0 ? 3 : 1,
    });
  }
  expect(run.results.map((each) => each.locations[0]!.physicalLocation.artifactLocation.uri)).toEqual([
    'a%20dir/p%3Aq%2Cr.yaml',
    'file:///abs/b.yaml',
  ]);
});

interface Sarif {
  readonly version: string;
  readonly runs: readonly [
    {
      readonly tool: {
        readonly driver: {
          readonly rules: readonly {
            readonly id: string;
            readonly helpUri: string;
            readonly shortDescription: { readonly text: string };
            readonly defaultConfiguration: { readonly level: string };
          }[];
        };
      };
      readonly results: readonly {
        readonly ruleId: string;
        readonly ruleIndex: number;
        readonly message: { readonly text: string };
        readonly locations: readonly {
          readonly physicalLocation: {
            readonly artifactLocation: { readonly uri: string };
            readonly region: unknown;
          };
        }[];
      }[];
    },
  ];
}

it('writes diffs that git applies', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-diff-'));
  try {
    const line = fc.constantFrom('a', 'b', 'c', '  d: e', '');
    const text = fc
      .tuple(fc.array(line, { maxLength: 30 }), fc.boolean())
      .map(([lines, end]) => lines.join('\n') + (end && lines.length > 0 ? '\n' : ''));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const file = join(folder, 'f');
        writeFileSync(file, before);
        const diff = unifiedDiff('f', before, after);
        expect(diff.length === 0).toBe(before === after);
        if (before === after) return;
        const run = spawnSync('git', ['apply', '--whitespace=nowarn', '-'], {
          cwd: folder,
          input: `${diff.join('\n')}\n`,
          encoding: 'utf8',
        });
        expect(run.stderr, diff.join('\n')).toBe('');
        expect(readFileSync(file, 'utf8')).toBe(after);
      }),
      { numRuns: 60 },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
