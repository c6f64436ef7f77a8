import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * Builds the library for those who do not run TypeScript as it is: dist/index.js, one ES module for Node and browsers with
 * everything in it, and its types. `build-library.ts [DIRECTORY]`.
 */

const root = fileURLToPath(new URL('..', import.meta.url));
const output = process.argv[2] ?? join(root, 'dist');

rmSync(output, { recursive: true, force: true });
await build({
  entryPoints: [join(root, 'src/index.ts')],
  outfile: join(output, 'index.js'),
  bundle: true,
  format: 'esm',
  // A browser has no node:* modules: an import of one fails the build.
  platform: 'browser',
  target: 'es2022',
  sourcemap: true,
  logLevel: 'error',
});
const types = spawnSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.library.json'), '--outDir', output],
  {
    stdio: ['ignore', 'inherit', 'inherit'],
  },
);
if (types.status !== 0) {
  console.error(`build-library: the types of the library could not be written (exit ${types.status})`);
  process.exit(1);
}
console.log(`${relative(root, output) || output}: index.js and index.d.ts`);
