import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALL, LISTS, bundleState, bundleToRun, programList, programToRun, stampOf } from './bundle.ts';

const CHECKOUT = join(import.meta.dirname, '../../..');
const HOUR = 60 * 60_000;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-bundle-'));
});
afterEach(() => rmSync(root, { recursive: true }));

describe('a bundle', () => {
  beforeEach(() => {
    for (const file of ['a.ts', 'b.ts']) writeFileSync(join(root, file), `the source ${file}`);
    list(ALL, ['a.ts', 'b.ts']);
    list('check', ['a.ts']);
    list(programList('src/app/lab/kubelet/main.ts'), ['a.ts']);
    mkdirSync(join(root, 'build/cli/x'));
    writeFileSync(join(root, 'build/cli/x/main.js'), '');
  });

  it('is true to sources that nobody has touched', () => {
    expect(bundleState(root)).toEqual({ kind: 'fresh', entry: join(root, 'build/cli/x/main.js') });
    expect(bundleToRun(root, 'check')).toBe(join(root, 'build/cli/x/main.js'));
  });

  it.each([
    ['longer', (file: string) => appendFileSync(file, '!')],
    ['touched', (file: string) => utimesSync(file, 1_000, 1_000)],
    ['gone', (file: string) => rmSync(file)],
  ])('is stale for the commands that a source is part of when that is %s', (_, change) => {
    change(join(root, 'b.ts'));
    expect(bundleState(root)?.kind).toBe('stale');
    expect(bundleState(root, 'check')?.kind).toBe('fresh');
    for (const other of ['no-command', '--help', '../inputs/check', ''])
      expect(bundleState(root, other)?.kind).toBe('stale');
    change(join(root, 'a.ts'));
    expect(bundleState(root, 'check')?.kind).toBe('stale');
  });

  it('stands for programs of its own, and for no others', () => {
    const kubelet = 'src/app/lab/kubelet/main.ts';
    expect(programToRun(root, kubelet)).toBe(join(root, 'build/cli/x/main.js'));
    expect(programToRun(root, 'src/app/lab/dns/main.ts')).toBe(join(root, 'src/app/lab/dns/main.ts'));
    appendFileSync(join(root, 'a.ts'), '!');
    expect(programToRun(root, kubelet)).toBe(join(root, kubelet));
  });

  it('that has been removed is none, whatever its lists say', () => {
    rmSync(join(root, 'build/cli/x'), { recursive: true });
    expect(bundleState(root, 'check')).toBeUndefined();
  });

  it('is not asked for where it cannot be made', () => {
    appendFileSync(join(root, 'a.ts'), '!');
    expect(bundleToRun(root, 'check', Date.now() + HOUR)).toBeUndefined();
    rmSync(join(root, 'build'), { recursive: true });
    expect(bundleState(root)).toBeUndefined();
    expect(bundleToRun(root, 'check')).toBeUndefined();
  });

  function list(command: string, files: readonly string[]): void {
    mkdirSync(join(root, LISTS), { recursive: true });
    const lines = files.map((file) => `${file}\t${stampOf(statSync(join(root, file)))}`);
    writeFileSync(join(root, LISTS, command), ['build/cli/x/main.js', ...lines, ''].join('\n'));
  }
});

describe('the command line in a checkout of its own', () => {
  beforeEach(() => {
    for (const part of ['src', 'scripts', 'package.json', 'package-lock.json'])
      cpSync(join(CHECKOUT, part), join(root, part), { recursive: true, preserveTimestamps: true });
    symlinkSync(join(CHECKOUT, 'node_modules'), join(root, 'node_modules'));
  });

  it('makes a bundle on first use, which does what the sources do, and follows every edit at once', () => {
    const manifests = join(CHECKOUT, 'examples');
    const question = ['check', '-f', manifests, 'outside', '10.0.0.1', '--port', '80'];
    const plain = run('run.ts', question);
    const bundles = () => readdirSync(join(root, 'build/cli')).filter((each) => each !== 'inputs');
    expect(run('main.ts', question)).toEqual(plain);
    const [name] = bundles();
    expect(bundleToRun(root, 'check')).toBe(join(root, 'build/cli', name!, 'check.js'));
    expect(bundleToRun(root, 'version')).toBe(join(root, 'build/cli', name!, 'main.js'));
    expect(run('main.ts', question)).toEqual(plain);
    expect(run('main.ts', ['check', '--help'])).toEqual(run('run.ts', ['check', '--help']));
    expect(run('main.ts', ['no-such-command'])).toEqual(run('run.ts', ['no-such-command']));
    const server = { server: 'http://127.0.0.1:1' };
    const config = {
      'current-context': 'c',
      clusters: [{ name: 'c', cluster: server }],
      users: [{ name: 'c', user: {} }],
    };
    writeFileSync(
      join(root, 'config'),
      JSON.stringify({ ...config, contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }] }),
    );
    const live = ['check', '--live', '--kubeconfig', join(root, 'config'), 'outside', '10.0.0.1', '--port', '80'];
    expect(run('main.ts', live)).toEqual(run('run.ts', live));

    const source = join(root, 'src/cli/commands/version.ts');
    writeFileSync(source, readFileSync(source, 'utf8').replace('`sluice $', '`edited $'));
    expect(run('main.ts', ['version']).stdout).toMatch(/^edited /);
    expect(bundles()).toEqual([name]);

    const rested = (Date.now() - HOUR) / 1000;
    utimesSync(source, rested, rested);
    expect(run('main.ts', ['version']).stdout).toMatch(/^edited /);
    expect(bundles()).toHaveLength(2);
    expect(bundleState(root, 'version')?.kind).toBe('fresh');
  });

  it('runs the sources when they cannot be bundled', () => {
    writeFileSync(join(root, 'src/cli/commands/why.ts'), 'this is no source');
    expect(run('main.ts', ['version']).stdout).toMatch(/^sluice \d/);
    expect(existsSync(join(root, LISTS))).toBe(false);
  });

  function run(entry: string, args: readonly string[]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'src/cli', entry), ...args], {
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  }
});
