import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT, spawnCli } from '../../src/cli/run-cli.test-support.ts';

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** The commands of README.md that need no cluster, up to the remark behind them. */
const OFFLINE = [
  ...read('README.md').matchAll(/^\.\/sluice ((?:lint|check|reach|diff|test|explain|generate|convert) .*?)\s+#/gmu),
];

it.each(OFFLINE.map(([, line]) => line!))('README.md: ./sluice %s', (line) => {
  const { code, out, err } = spawnCli(line.split(' '));
  expect(code, err).toBeLessThan(2);
  expect(out).not.toBe('');
});

/** Commands about the examples in the pages, each with what its page says that it prints. */
const CONVERSATIONS = readdirSync(join(ROOT, 'docs'))
  .filter((page) => page.endsWith('.md'))
  .flatMap((page) =>
    [...read(`docs/${page}`).matchAll(/^\$ sluice (.* examples\/.*)\n((?:(?!\$ |```).*\n)*)/gmu)]
      .map(([, line, output]) => ({ page, line: line!, output: output! }))
      // A file that the reader has made.
      .filter(({ line }) => !line.includes('policies.yaml')),
  );

it.each(CONVERSATIONS)('docs/$page: sluice $line', ({ line, output }) => {
  const { code, out, err } = spawnCli(line.split(' '));
  expect(code, err).toBeLessThan(2);
  expect(out).toBe(output);
});
