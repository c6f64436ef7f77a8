import { spawnSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandPages } from '../command-page.ts';
import type { Command } from '../command.ts';
import { bashCompletion } from './bash.ts';
import { fishCompletion } from './fish.ts';
import { zshCompletion } from './zsh.ts';

/** A command with every kind of argument. */
const check: Command = {
  meta: {},
  args: {
    positionals: [
      { name: '<side>', description: 'which', choices: ['ingress', 'egress'] },
      { name: '[rest...]', description: 'files', completes: 'file' },
    ],
    options: [
      { flags: '-f, --filename <file>', description: 'read this', repeatable: true },
      { flags: '-o, --output <format>', description: "don't [guess]", choices: ['text', 'json'] },
      { flags: '--port <port>', description: 'a port' },
      { flags: '--live', description: 'no value' },
    ],
  },
  run: async () => 0,
};
/** The summary needs quoting everywhere. */
const entries = [
  { name: 'check', summary: "say whether it's allowed: yes [or no]", load: async () => ({ command: check }) },
  { name: 'secret', summary: 'hidden', hidden: true, load: async () => ({ command: check }) },
];

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-completion-'));
  const pages = await commandPages(entries);
  writeFileSync(join(folder, 'bash'), bashCompletion(pages));
  writeFileSync(join(folder, 'zsh'), zshCompletion(pages));
  writeFileSync(join(folder, 'fish'), fishCompletion(pages));
  mkdirSync(join(folder, 'tree', 'a b'), { recursive: true });
  writeFileSync(join(folder, 'tree', 'policy.yaml'), '');
});
afterAll(() => rmSync(folder, { recursive: true }));

function has(shell: string): boolean {
  return spawnSync(shell, ['--version']).status === 0;
}

function run(program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: join(folder, 'tree'),
    encoding: 'utf8',
    timeout: 120_000,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

describe('in bash', () => {
  /** What bash offers with the cursor after the last word. */
  function offers(...words: readonly string[]): string[] {
    const script = [
      `source ${folder}/bash`,
      `COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sluice; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ].join('; ');
    const out = run('bash', ['--norc', '-uc', script, 'bash', ...words]);
    return out.split('\n').filter((line) => line !== '');
  }

  it.each([
    [
      ['sluice', ''],
      ['check', 'help'],
    ],
    [['sluice', 'ch'], ['check']],
    [
      ['sluice', '--'],
      ['--help', '--version'],
    ],
    [['sluice', 'help', ''], ['check']],
    [['sluice', 'check', '--p'], ['--port']],
    [
      ['sluice', 'check', '-o', ''],
      ['text', 'json'],
    ],
    [['sluice', 'check', '--output', 'j'], ['json']],
    [['sluice', 'check', '--output', '=', 'j'], ['json']],
    [
      ['sluice', 'check', '--output', '='],
      ['text', 'json'],
    ],
    [['sluice', 'check', '--output=j'], ['json']],
    [['sluice', 'check', '--port', ''], []],
    [
      ['sluice', 'check', ''],
      ['ingress', 'egress'],
    ],
    [['sluice', 'check', '--port', '80', 'in'], ['ingress']],
    [['sluice', 'check', '--live', 'in'], ['ingress']],
    [['sluice', 'check', '--output', '=', 'json', 'in'], ['ingress']],
    [['sluice', 'check', '-f', 'pol'], ['policy.yaml']],
    [['sluice', 'check', '-f', 'a'], ['a b']],
    [
      ['sluice', 'check', 'ingress', ''],
      ['a b', 'policy.yaml'],
    ],
    [['sluice', 'secret', '--p'], []],
  ])('%j offers %j', (words, wanted) => {
    expect(offers(...words).sort()).toEqual([...wanted].sort());
  });
});

describe.skipIf(!has('fish'))('in fish', () => {
  it.each([
    ['sluice ch', ["check\tsay whether it's allowed: yes [or no]"]],
    ['sluice check --output j', ["json\tdon't [guess]"]],
    ['sluice check in', ['ingress']],
    ['sluice check -f pol', ['policy.yaml\tread this']],
    ['sluice check --por', ['--port\ta port']],
  ])('%j offers %j', (line, wanted) => {
    const out = run('fish', ['--no-config', '-c', `source ${folder}/fish; complete -C ${JSON.stringify(line)}`]);
    const strip = (each: string) => each.split('\t')[0]!;
    const lines = out.split('\n').filter((each) => each !== '');
    expect(lines.map(strip)).toEqual(wanted.map(strip));
  });
});

describe.skipIf(!has('zsh'))('in zsh', () => {
  /** What stands on the terminal of a real zsh after the line was typed and Tab pressed twice. */
  function screen(line: string): string {
    const driver = [
      'zmodload zsh/zpty',
      'zpty z zsh -f -i',
      `zpty -w z 'PS1=; autoload -Uz compinit; compinit -D -u; source ${folder}/zsh'`,
      // The prompt appears when the line editor has the terminal: keys that come earlier are only echoed.
      `zpty -w z "unsetopt listambiguous; PS1='REA''DY '"`,
      `zpty -r z out '*READY *'`,
      `zpty -n -w z "$1"$'\\t\\t'`,
      `zpty -n -w z $'\\C-u'"echo DO''NE"$'\\n'`,
      `zpty -r z out '*DONE*'`,
      'print -r -- "$out"',
      'zpty -d z',
    ].join('\n');
    // oxlint-disable-next-line no-control-regex -- escape sequences of the terminal
    return run('zsh', ['-f', '-c', driver, 'zsh', line]).replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/gu, '');
  }

  it.each([
    ['sluice ch', 'sluice check'],
    ['sluice check --out', 'sluice check --output='],
    ['sluice check --output=j', '--output=json'],
    ['sluice check --port 80 in', 'check --port 80 ingress'],
    ['sluice check ingress -f pol', '-f policy.yaml'],
  ])('%j becomes %j', (line, wanted) => {
    expect(screen(line)).toContain(wanted);
  });
});
