import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * Compiles the CNI plugin into one self-contained executable, build/cni/sluice. Does nothing when neither the sources
 * nor Bun have changed since the last time.
 */

const root = fileURLToPath(new URL('..', import.meta.url));
const output = join(root, 'build/cni/sluice');
const stamp = `${output}.inputs`;

/**
 * What Bun reads from the environment before the plugin's first line. The runtime's environment is not ours, so the
 * names are made unmatchable in the executable: with BUN_OPTIONS one could load code into the plugin, with BUN_BE_BUN
 * it is no plugin at all.
 */
const DISARMED = ['BUN_OPTIONS', 'BUN_BE_BUN', 'BUN_INSPECT'];

/**
 * JavaScriptCore asks the environment for this name and, when it finds something that is not a number other than 0, never
 * sets up its compiler. Asked for a name that every call of a plugin has, it never does: a third less processor time for
 * a process that ends before compiling would pay, and no page of it is both writable and executable.
 */
const JIT_SWITCH = { name: 'JavaScriptCoreUseJIT', becomes: 'CNI_COMMAND\0' };

const bun = bunExecutable();
const bundle = await bundlePlugin();
const inputs = createHash('sha256')
  .update(bundle)
  .update(readFileSync(fileURLToPath(import.meta.url)))
  .update(bunVersion())
  .digest('hex');
if (existsSync(output) && existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs) {
  console.log(`${relative(root, output)} is up to date`);
} else {
  const started = performance.now();
  compile();
  writeFileSync(stamp, inputs);
  console.log(`${relative(root, output)} built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

/** esbuild's bundle serves as the input's fingerprint (only what the plugin really imports counts) and as Bun's input. */
async function bundlePlugin(): Promise<string> {
  const result = await build({
    entryPoints: [join(root, 'src/app/cni/main.ts')],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'esnext',
    minify: true,
  });
  return result.outputFiles[0]!.text;
}

function compile(): void {
  const directory = dirname(output);
  mkdirSync(directory, { recursive: true });
  const entry = join(directory, `entry-${process.pid}.cjs`);
  const aside = join(directory, `sluice-${process.pid}`);
  try {
    writeFileSync(entry, bundle);
    const flags = [
      '--compile',
      '--bytecode',
      '--minify',
      '--no-compile-autoload-dotenv',
      '--no-compile-autoload-bunfig',
    ];
    const run = spawnSync(bun, ['build', ...flags, entry, '--outfile', aside], { encoding: 'utf8', cwd: directory });
    if (run.status !== 0) fail(`bun build failed:\n${run.stdout}${run.stderr}${run.error?.message ?? ''}`);
    const executable = readFileSync(aside);
    for (const name of DISARMED) overwrite(executable, name, '\x01');
    overwrite(executable, JIT_SWITCH.name, JIT_SWITCH.becomes);
    writeFileSync(aside, executable);
    chmodSync(aside, 0o755);
    renameSync(aside, output);
  } finally {
    rmSync(entry, { force: true });
    rmSync(aside, { force: true });
  }
}

/** Writes over the beginning of every occurrence of an environment variable's name; 0x01 is in no such name. */
function overwrite(executable: Buffer, name: string, replacement: string): void {
  let found = 0;
  for (let at = executable.indexOf(name); at >= 0; at = executable.indexOf(name, at)) {
    executable.write(replacement, at, 'latin1');
    found++;
  }
  if (found === 0) fail(`this version of Bun does not contain ${name}: check how it reads its environment`);
}

function bunExecutable(): string {
  const arch = process.arch === 'arm64' ? 'aarch64' : process.arch;
  const name = `@oven/bun-linux-${arch}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'bin/bun');
  } catch {
    return fail(`${name} is not installed: run npm install on a Linux machine (x64 or arm64)`);
  }
}

function bunVersion(): string {
  return readFileSync(join(dirname(bun), '../package.json'), 'utf8');
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
