import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { COMMANDS } from './commands.ts';
import { reportFailure } from './failure.ts';
import { parseCall } from './program.ts';

/** What a run of the command line came to. */
export interface CliResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The checkout. */
export const ROOT = resolve(import.meta.dirname, '../..');

/** Runs `sluice ARGS` in this process: everything but reading the environment and standard input is the real thing. */
export async function runCli(...args: readonly string[]): Promise<CliResult> {
  let out = '';
  let err = '';
  try {
    const call = await parseCall(args, COMMANDS, '0.0.0', {
      out: (text) => (out += text),
      err: (text) => (err += text),
    });
    const code = await call.command.run({
      arguments: call.arguments,
      values: call.values,
      env: {},
      uid: 0,
      signal: new AbortController().signal,
      print: (line) => (out += `${line}\n`),
      note: (line) => (err += `${line}\n`),
    });
    return { code, out, err };
  } catch (error) {
    const code = reportFailure(error, { debug: false, write: (line) => (err += `${line}\n`) });
    return { code, out, err };
  }
}

/** Runs `sluice ARGS` as a process of its own with `input` as its standard input. */
export function spawnCli(args: readonly string[], input = ''): CliResult {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'src/cli/main.ts'), ...args], {
    cwd: ROOT,
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return { code: status ?? -1, out: stdout, err: stderr };
}
