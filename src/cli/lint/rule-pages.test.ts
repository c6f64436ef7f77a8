import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseManifests } from '../../core/kube/yaml.ts';
import { ALL_RULES, lint, repair } from '../../core/lint/index.ts';
import { manifestSchemas } from '../schemas.ts';
import { findingLine } from './text.ts';

const PAGES = join(import.meta.dirname, '../../../docs/lint');
const options = { schemas: manifestSchemas() };

function page(id: string): string {
  return readFileSync(join(PAGES, `${id}.md`), 'utf8');
}

/** The code blocks of a section, without their fences. */
function blocks(text: string, section: string): string[] {
  const body = text.split(`\n## ${section}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...body.matchAll(/```\w*\n([\s\S]*?)```/gu)].map((match) => match[1]!);
}

function source(text: string) {
  return { file: 'policy.yaml', text, ...parseManifests(text, 'policy.yaml') };
}

it('has a page for every rule, a rule for every page, and all of them in the list', () => {
  const ids = ALL_RULES.map(({ id }) => id).sort();
  const pages = readdirSync(PAGES).map((file) => file.replace(/\.md$/u, ''));
  expect(pages.filter((name) => name !== 'README').sort()).toEqual(ids);
  const list = page('README');
  for (const { id, severity, summary, repairs } of ALL_RULES)
    expect(list).toContain(`| [\`${id}\`](${id}.md) | ${severity} | ${repairs === true ? 'yes' : ''} | ${summary} |`);
});

describe.each(ALL_RULES)('the page of $id', ({ id, severity, summary, repairs }) => {
  const text = page(id);
  const [wrong = '', output = ''] = blocks(text, 'Wrong');
  const [right = ''] = blocks(text, 'Right');

  it('says what the rule finds and how much it matters', () => {
    expect(text).toContain(`${summary.slice(1)}. Severity: **${severity}**`);
    expect(text.includes('`--fix` repairs it')).toBe(repairs === true);
  });

  it('shows what is said of its wrong example', () => {
    const found = lint([source(wrong)], options).filter((each) => each.id === id);
    expect(found.map((each) => findingLine(each)).join('\n')).toBe(output.trimEnd());
    expect(found).not.toEqual([]);
    if (repairs === true) expect(found.some((each) => each.repair !== undefined)).toBe(true);
  });

  it('has a right example that nothing is said of', () => {
    expect(lint([source(right)], options).map((each) => findingLine(each))).toEqual([]);
  });
});

it.each(ALL_RULES.filter(({ repairs }) => repairs === true))('--fix puts the wrong example of $id right', ({ id }) => {
  const [wrong = ''] = blocks(page(id), 'Wrong');
  const { findings } = repair([source(wrong)], options);
  expect(findings.map((each) => findingLine(each))).toEqual([]);
});
