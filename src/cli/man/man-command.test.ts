import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../commands.ts';
import { runCli } from '../run-cli.test-support.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-man-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const shown = COMMANDS.filter(({ hidden }) => hidden !== true).map(({ name }) => name);

describe('sluice man', () => {
  it('prints the page of a command, and that of the program', async () => {
    expect((await runCli('man', 'reach')).out).toMatch(/^\.TH SLUICE\\-REACH 1 /u);
    expect((await runCli('man')).out).toMatch(/^\.TH SLUICE 1 /u);
  });

  it('writes a page for every command that people call, also into a folder that is not there yet', async () => {
    const target = join(folder, 'share/man1');
    expect(await runCli('man', '--write', target)).toMatchObject({ code: 0, out: '', err: '' });
    expect(readdirSync(target).sort()).toEqual(['sluice.1', ...shown.map((name) => `sluice-${name}.1`)].sort());
    expect(readFileSync(join(target, 'sluice-reach.1'), 'utf8')).toBe((await runCli('man', 'reach')).out);
  });

  it.each([
    [['man', 'raech'], 'there is no command raech; did you mean reach?'],
    [['man', 'agent'], 'there is no command agent'],
    [['man', 'reach', '--write', '/nonexistent'], '--write writes all pages: leave COMMAND out'],
    [['completion', 'csh'], 'Allowed choices are bash, zsh, fish'],
    [['completion'], "missing required argument 'shell'"],
  ])('refuses %j with one message', async (args, words) => {
    const { code, out, err } = await runCli(...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(words);
  });

  it('says why it cannot write', async () => {
    writeFileSync(join(folder, 'file'), '');
    const { code, err } = await runCli('man', '--write', join(folder, 'file/inside'));
    expect(code).toBe(2);
    expect(err).toContain(`--write ${folder}/file/inside: `);
    expect(existsSync(join(folder, 'file/inside'))).toBe(false);
  });
});
