import process from 'node:process';
import { reportFailure } from './failure.ts';

/**
 * What `sluice` does, from the sources or bundled: parses the command line, runs one command, turns every failure into one
 * message and exit code 2.
 */
async function main(argv: readonly string[]): Promise<number> {
  const [{ parseCall }, { COMMANDS }, { version }] = await Promise.all([
    import('./program.ts'),
    import('./commands.ts'),
    import('./version.ts'),
  ]);
  const call = await parseCall(argv, COMMANDS, version(), {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text.replace(/^error: /u, 'sluice: ')),
  });
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stop.abort());
  return call.command.run({
    arguments: call.arguments,
    values: call.values,
    env: process.env,
    uid: process.getuid?.() ?? 0,
    signal: stop.signal,
    print: (line) => void process.stdout.write(`${line}\n`),
    note: (line) => void process.stderr.write(`${line}\n`),
  });
}

// A reader that has seen enough (`sluice status | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 2));

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = reportFailure(error, {
    debug: process.argv.includes('--debug'),
    write: (line) => void process.stderr.write(`${line}\n`),
  });
}
