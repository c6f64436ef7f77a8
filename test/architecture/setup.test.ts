import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
let bin: string;

/** A directory of commands that stands for a machine: real ones by name, others as scripts. */
beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), 'sluice-setup-'));
  for (const tool of ['cmp', 'cat']) symlinkSync(`/usr/bin/${tool}`, join(bin, tool));
});
afterEach(() => rmSync(bin, { recursive: true }));

function command(name: string, body: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(bin, name), 0o755);
}

/** Runs shell code with the functions of scripts/setup.sh and only the commands of that machine. */
function run(code: string, home = root): { readonly status: number | null; readonly stderr: string } {
  const { status, stderr } = spawnSync('/bin/sh', ['-euc', `root=${home}; . ${root}/scripts/setup.sh; ${code}`], {
    env: { PATH: bin },
    encoding: 'utf8',
  });
  return { status, stderr };
}

it('names every missing package and the exact command when it may not install', () => {
  command('id', 'echo 1000');
  command('apt-get', 'exit 1');
  const { status, stderr } = run('need_system_packages no-such-a:pack-a cat:coreutils /no/such/b:pack-b');
  expect(status).toBe(2);
  expect(stderr).toContain('Missing system packages: pack-a pack-b');
  expect(stderr).toContain('sudo apt-get install -y --no-install-recommends pack-a pack-b');
});

it('installs what is missing as root, and says so when the command is still not there', () => {
  command('id', 'echo 0');
  command('apt-get', `echo "apt-get $*" >&2`);
  const { status, stderr } = run('need_system_packages no-such-a:pack-a');
  expect(stderr).toContain('apt-get install -y -qq --no-install-recommends pack-a');
  expect(stderr).toContain('apt-get finished, yet the commands of these packages are still missing: pack-a');
  expect(status).toBe(2);
});

it('asks for another package manager where there is no apt', () => {
  command('id', 'echo 0');
  const { status, stderr } = run('need_system_packages no-such-a:pack-a');
  expect(status).toBe(2);
  expect(stderr).toContain(
    'the equivalents of these Debian packages with your package manager, then run this again: pack-a',
  );
});

it('is silent when nothing is missing', () => {
  expect(run('need_system_packages cat:coreutils')).toEqual({ status: 0, stderr: '' });
});

it('refuses other kernels by name', () => {
  command('uname', 'echo Darwin');
  const { status, stderr } = run('need_linux "the lab"');
  expect(status).toBe(2);
  expect(stderr).toContain('the lab needs a Linux kernel (namespaces, nftables, VXLAN); this is Darwin');
});

it.each([
  ['there is no Node', () => undefined, 'Node 18 or later with npm is needed'],
  ['there is no npm', () => command('node', 'echo 20'), "npm is needed to install Sluice's dependencies"],
  [
    'Node is too old',
    () => {
      command('node', '[ "$1" = -v ] && echo v16.0.0 || echo 16');
      command('npm', 'exit 0');
    },
    'Node 18 or later is needed for npm to install',
  ],
])('says what to install when %s', (_, prepare, message) => {
  prepare();
  const { status, stderr } = run('need_npm_packages', bin);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
});
