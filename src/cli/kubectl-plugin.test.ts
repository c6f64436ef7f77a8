import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandPages } from './command-page.ts';
import { COMMANDS } from './commands.ts';

const deploy = resolve(import.meta.dirname, '../../deploy');
const present = spawnSync('kubectl', ['version', '--client']).status === 0;
let bin: string;

beforeAll(() => {
  bin = mkdtempSync(join(tmpdir(), 'sluice-plugin-'));
  for (const name of ['kubectl-sluice', 'kubectl_complete-sluice']) symlinkSync(join(deploy, name), join(bin, name));
});
afterAll(() => rmSync(bin, { recursive: true }));

function kubectl(...args: readonly string[]): {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
} {
  // npm puts folders on the PATH that need not exist, and kubectl warns of those.
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => existsSync(folder));
  const env = { ...process.env, PATH: [bin, ...path].join(delimiter) };
  const { status, stdout, stderr } = spawnSync('kubectl', args, { env, encoding: 'utf8' });
  return { code: status, out: stdout, err: stderr };
}

describe.skipIf(!present)('sluice as a plugin of kubectl', () => {
  it('is listed without a warning', () => {
    const { code, out, err } = kubectl('plugin', 'list');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(join(bin, 'kubectl-sluice'));
  });

  it('runs commands, and its exit codes are those of sluice', () => {
    expect(kubectl('sluice', 'version')).toMatchObject({ code: 0, out: expect.stringMatching(/^sluice \d/u) });
    expect(kubectl('sluice', 'no-such-command')).toMatchObject({ code: 2, out: '' });
  });

  describe('on the cluster of the current context', () => {
    const script = readFileSync(join(deploy, 'kubectl-sluice'), 'utf8');
    let home: string;

    /** The plugin beside a sluice that prints how it was called, and with which kubeconfig. */
    beforeAll(() => {
      home = join(bin, 'checkout');
      mkdirSync(join(home, 'deploy'), { recursive: true });
      writeFileSync(join(home, 'deploy/kubectl-sluice'), script, { mode: 0o755 });
      const fake = [
        '#!/bin/sh',
        'printf "%s|" "$@"; echo',
        'while [ $# -gt 1 ]; do [ "$1" = --kubeconfig ] && cat "$2" && ls -l "$2" | cut -c1-10; shift; done',
        'exit 1',
      ];
      writeFileSync(join(home, 'sluice'), fake.join('\n'), { mode: 0o755 });
      const cluster = (name: string) => `{ name: ${name}, cluster: { server: 'https://127.0.0.1:1' } }`;
      const context = (name: string, rest: string) =>
        `{ name: ${name}, context: { cluster: ${name}, user: u ${rest} } }`;
      writeFileSync(
        join(home, 'config'),
        `{ apiVersion: v1, kind: Config, current-context: one, clusters: [${cluster('one')}, ${cluster('two')}], ` +
          `contexts: [${context('one', ', namespace: shop')}, ${context('two', '')}], users: [{ name: u, user: { token: secret } }] }`,
      );
    });

    function plugin(args: readonly string[], kubeconfig = join(home, 'config')) {
      const env = {
        ...process.env,
        PATH: `${join(home, 'deploy')}${delimiter}${process.env['PATH']}`,
        KUBECONFIG: kubeconfig,
        TMPDIR: home,
      };
      const { status, stdout, stderr } = spawnSync('kubectl', ['sluice', ...args], { env, encoding: 'utf8' });
      return { code: status, out: stdout, err: stderr, call: stdout.split('\n')[0]!.split('|').slice(0, -1) };
    }

    it('gives sluice the context alone, for its own eyes, and its namespace; and takes it away again', () => {
      const { code, out, call } = plugin(['check', 'web', 'db', '--port', '80']);
      expect(code).toBe(1);
      expect(call.slice(0, -1)).toEqual([
        'check',
        'web',
        'db',
        '--port',
        '80',
        '--namespace',
        'shop',
        '--live',
        '--kubeconfig',
      ]);
      expect(out).toContain('token: secret');
      expect(out).not.toContain('name: two');
      expect(out).toContain('-rw-------');
      expect(existsSync(call.at(-1)!)).toBe(false);
    });

    it.each([
      [
        ['check', 'a', 'b', '-n', 'x'],
        ['check', 'a', 'b', '-n', 'x', '--live', '--kubeconfig'],
      ],
      [
        ['reach', '--namespace=x'],
        ['reach', '--namespace=x', '--live', '--kubeconfig'],
      ],
      [
        ['test', 'spec.yaml'],
        ['test', 'spec.yaml', '--live', '--kubeconfig'],
      ],
      [
        ['why', 'a', 'b'],
        ['why', 'a', 'b', '--namespace', 'shop', '--kubeconfig'],
      ],
      [
        ['service', 'web'],
        ['service', 'web', '--namespace', 'shop', '--kubeconfig'],
      ],
      [
        ['datastore', 'migrate', 'import', '-f', 'export.yaml'],
        ['datastore', 'migrate', 'import', '-f', 'export.yaml', '--kubeconfig'],
      ],
    ])('%j', (args, wanted) => {
      expect(plugin(args).call.slice(0, -1)).toEqual(wanted);
    });

    it.each([
      [['reach', '-f', 'manifests/']],
      [['reach', '--filename=manifests/']],
      [['reach', '--live', '--name', 'lab']],
      [['reach', '--kubeconfig', '/dev/null']],
      [['diff', 'old', 'new']],
      [['reach', '--help']],
    ])('leaves %j alone', (args) => {
      expect(plugin(args).call).toEqual(args);
    });

    it('says what kubectl says when there is no context', () => {
      writeFileSync(join(home, 'empty'), '{ apiVersion: v1, kind: Config }');
      const { code, out, err } = plugin(['status'], join(home, 'empty'));
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain('current-context must exist');
    });

    it('knows the commands that take a cluster or a namespace', async () => {
      const pages = await commandPages(COMMANDS);
      const having = (...options: readonly string[]) =>
        pages
          .filter((page) => options.every((each) => page.options.some(({ long }) => long === each)))
          .map(({ name }) => name);
      const listed = [...script.matchAll(/^ {2}([a-z |]+)\) (?:cluster|spaced)=/gmu)].map((match) =>
        match[1]!.split(' | '),
      );
      // What is linted are files; a running cluster is only looked at beside them.
      expect(listed[0]!.sort()).toEqual(
        having('--live', '--kubeconfig')
          .filter((name) => name !== 'lint')
          .sort(),
      );
      // Probes send packets, which only the cluster of this machine's lab can.
      const plain = having('--kubeconfig').filter(
        (name) => !listed[0]!.includes(name) && !['lint', 'probe'].includes(name),
      );
      expect(listed[1]!.sort()).toEqual(plain.sort());
      // There it chooses, and has no default.
      expect(listed[2]!.sort()).toEqual(
        having('--kubeconfig', '--namespace')
          .filter((name) => !['probe', 'generate'].includes(name))
          .sort(),
      );
    });
  });

  it('completes through kubectl', () => {
    const { out } = kubectl('__complete', 'sluice', 'completion', 'z');
    expect(out.split('\n').slice(0, 2)).toEqual(['zsh', ':4']);
  });
});
