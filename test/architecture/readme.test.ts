import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(join(root, name), 'utf8');
const ENGLISH = 'README.md';
const TRANSLATIONS = ['README.zh-CN.md', 'README.zh-TW.md'];

/** What must not differ between languages: code without its comments, table rows, link targets. */
function skeleton(text: string): { headings: number; code: string[]; rows: number; links: string[] } {
  const blocks = [...text.matchAll(/```[a-z]*\n([\s\S]*?)```/g)].map((match) =>
    match[1]!.replaceAll(/[ \t]*#.*$/gm, ''),
  );
  const prose = text.replaceAll(/```[\s\S]*?```/g, '');
  const links = [...prose.matchAll(/\]\(([^)]+)\)/g)]
    .map((match) => match[1]!)
    .filter((link) => !link.startsWith('README'));
  return {
    headings: prose.match(/^#+ /gm)?.length ?? 0,
    code: blocks,
    rows: prose.match(/^\|/gm)?.length ?? 0,
    links,
  };
}

it.each(TRANSLATIONS)('%s is in step with the English one', (name) => {
  expect(skeleton(read(name))).toEqual(skeleton(read(ENGLISH)));
});

it.each([ENGLISH, ...TRANSLATIONS, 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...designDocs()])(
  '%s links only to files that are there',
  (name) => {
    const targets = [...read(name).matchAll(/\]\(([^)#]+)[^)]*\)/g)].map((match) => match[1]!);
    const local = targets.filter((target) => !/^[a-z]+:/.test(target));
    expect(local.filter((target) => !existsSync(join(root, dirname(name), target)))).toEqual([]);
  },
);

function designDocs(): string[] {
  return readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file));
}
