import { expect, it } from 'vitest';
import { fileProblem } from './file-problem.ts';
import { runCli } from './run-cli.test-support.ts';

const FILES = [
  ['/nowhere', 'no such file'],
  ['/dev/null/nowhere', 'no such file'],
  ['/', 'this is a folder, not a file'],
] as const;

const CALLS = [
  (file: string) => ['check', '--batch', file, '-f', 'examples/shop'],
  (file: string) => ['generate', file, '-f', 'examples/shop'],
  (file: string) => ['lint', '--config', file, 'examples/shop'],
];

it.each(FILES)('says why %s cannot be read: %s', async (file, problem) => {
  for (const call of CALLS) {
    const { code, err } = await runCli(...call(file));
    expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(`${file}: ${problem}\n$`) });
  }
});

it('tells specs of tests that are not there', async () => {
  expect(await runCli('test', '/nowhere')).toEqual({ code: 2, out: '', err: 'sluice: /nowhere: no such file\n' });
});

it('leaves other errors as they are', () => {
  expect(fileProblem(new Error('half a file'))).toBe('half a file');
  expect(fileProblem(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' }))).toBe('EIO: i/o error, read');
});
