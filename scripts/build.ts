import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Runs every generator; each skips its work when its inputs have not changed. `--quiet` prints failures alone. */
const quiet = process.argv.includes('--quiet');
for (const step of ['openapi.ts', 'build-cni.ts', 'build-cli.ts']) {
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, step)], {
    stdio: ['ignore', quiet ? 'ignore' : 'inherit', 'inherit'],
  });
  if (status !== 0) {
    console.error(`build: ${step} failed (exit ${status})`);
    process.exit(1);
  }
}
