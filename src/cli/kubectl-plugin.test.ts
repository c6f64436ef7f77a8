import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

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
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH']}` };
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

  it('completes through kubectl', () => {
    const { out } = kubectl('__complete', 'sluice', 'completion', 'z');
    expect(out.split('\n').slice(0, 2)).toEqual(['zsh', ':4']);
  });
});
