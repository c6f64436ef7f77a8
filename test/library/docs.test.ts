import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT, buildLibrary } from './library.ts';

let folder: string;

/** A project that has installed the package. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-consumer-'));
  const installed = join(folder, 'node_modules/sluice');
  mkdirSync(installed, { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(installed, 'package.json'));
  buildLibrary(join(installed, 'dist'));
  symlinkSync(join(ROOT, 'node_modules/kubernetes-types'), join(folder, 'node_modules/kubernetes-types'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
});
afterAll(() => rmSync(folder, { recursive: true }));

const text = readFileSync(join(ROOT, 'docs/library.md'), 'utf8');
const examples = [...text.matchAll(/^## (.*)$|```ts\n([\s\S]*?)```\n+```text\n([\s\S]*?)```/gmu)].reduce<{
  readonly found: readonly { readonly title: string; readonly code: string; readonly output: string }[];
  readonly title: string;
}>(
  ({ found, title }, [, heading, code, output]) =>
    heading === undefined
      ? { found: [...found, { title, code: code!, output: output! }], title }
      : { found, title: heading },
  { found: [], title: '' },
).found;

it('every example has its output beside it', () => {
  expect(examples.length).toBeGreaterThan(3);
  expect(examples.length).toBe(text.split('```ts').length - 1);
});

it.each(examples.map((each, index) => [index, each.title, each] as const))(
  'example %i of "%s" prints what the page says',
  (index, _, { code, output }) => {
    const file = join(folder, `example-${index}.ts`);
    writeFileSync(file, code);
    const { stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: output, stderr: '' });
  },
);

it('the types of the package fit the examples', () => {
  const options = {
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    lib: ['esnext', 'dom'],
    types: [],
  };
  const files = examples.map((_, index) => `example-${index}.ts`);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files }));
  const { stdout } = spawnSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder], {
    encoding: 'utf8',
  });
  expect(stdout).toBe('');
});

it('the source is there for those who run TypeScript as it is', () => {
  const code = `import { Cluster } from 'sluice'; console.log(Cluster.load('').issues.length)`;
  const { stdout } = spawnSync(
    process.execPath,
    ['--conditions=sluice-source', '--input-type=module', '--eval', code],
    {
      cwd: ROOT,
      encoding: 'utf8',
    },
  );
  expect(stdout).toBe('0\n');
});
