import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { spawnCli } from '../../src/cli/run-cli.test-support.ts';
import { ROOT } from './library.ts';

/** Pages whose console blocks show a command and everything that it prints. */
const PAGES = ['reach', 'diff', 'policy-tests'];

const examples = PAGES.flatMap((page) =>
  [
    ...readFileSync(join(ROOT, 'docs', `${page}.md`), 'utf8').matchAll(/```console\n\$ sluice (.*)\n([\s\S]*?)```/gu),
  ].map((match) => [page, match[1]!, match[2]!] as const),
);

it('the pages have examples', () => expect(examples.length).toBeGreaterThan(4));

it.each(examples)('in %s.md, sluice %s prints what the page shows', (_, command, output) => {
  const { out, err } = spawnCli(command.split(' '));
  expect({ out, err }).toEqual({ out: output, err: '' });
});
