import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

// A program in which nothing else happens: anything that does would resume what waits for a promise.
const PROGRAM = `
  import { spawn, spawnSync } from 'node:child_process';
  import { constants, mkdtempSync, openSync, rmSync } from 'node:fs';
  import { tmpdir } from 'node:os';
  import { join } from 'node:path';
  import { whenReadable } from ${JSON.stringify(new URL('libc.ts', import.meta.url).href)};
  const directory = mkdtempSync(join(tmpdir(), 'sluice-'));
  const fifo = join(directory, 'fifo');
  spawnSync('mkfifo', [fifo]);
  const fd = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  // It outlives its word: its end would be something that happens.
  const writer = spawn('sh', ['-c', 'sleep 0.2; echo > "$0"; exec sleep 60', fifo], { stdio: 'ignore' });
  let elapsed = 0;
  setTimeout(() => (elapsed = 30), 30_000);
  const { promise, resolve } = Promise.withResolvers();
  const watch = whenReadable(fd, () => {
    watch[Symbol.dispose]();
    resolve();
  });
  await promise;
  process.stdout.write(elapsed === 0 ? 'at once' : 'by the timer');
  writer.kill();
  rmSync(directory, { recursive: true });
  process.exit();
`;

it('what waits for a descriptor goes on when it is readable, and not with the next timer', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', PROGRAM]);
  expect(stdout).toBe('at once');
});
