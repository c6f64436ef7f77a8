import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SluiceError } from '../../../src/base/errors.ts';

/** Debian's name for "the newest kernel for virtual machines". */
const META_PACKAGE = 'linux-image-cloud-amd64';
const CACHE = resolve(import.meta.dirname, '../../../build/vm');

/** A kernel on disk, with its modules. */
export interface TestKernel {
  /** What `uname -r` says under it. */
  readonly release: string;
  readonly image: string;
  /** The folder that holds `modules.dep` and the modules themselves. */
  readonly modules: string;
}

/**
 * Debian's kernel for virtual machines, fetched with apt and unpacked into the checkout's `build/vm`; never installed.
 * Throws `no-test-kernel`, saying what to do, where that is not possible.
 */
export function testKernel(): TestKernel {
  const found = cached() ?? fetched();
  if (found === undefined) throw unavailable(`${META_PACKAGE} has no kernel in it`);
  return found;
}

function cached(): TestKernel | undefined {
  if (!existsSync(CACHE)) return undefined;
  const [folder] = readdirSync(CACHE)
    .filter((name) => name.startsWith('linux-image-'))
    .toSorted()
    .toReversed();
  if (folder === undefined) return undefined;
  const root = join(CACHE, folder);
  const [release] = readdirSync(join(root, 'lib/modules'));
  if (release === undefined) return undefined;
  return { release, image: join(root, `boot/vmlinuz-${release}`), modules: join(root, 'lib/modules', release) };
}

function fetched(): TestKernel | undefined {
  if (process.arch !== 'x64') throw unavailable(`it is Debian's for x86-64, and this machine is ${process.arch}`);
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(join(CACHE, 'fetch-'));
  try {
    const name = dependency();
    run('apt-get', ['download', '-qq', name], work);
    const [archive] = readdirSync(work);
    run('dpkg-deb', ['-x', archive ?? '', 'root'], work);
    // Debian 13 has /usr/lib where Debian 12 has /lib.
    if (existsSync(join(work, 'root/usr/lib/modules'))) renameSync(join(work, 'root/usr/lib'), join(work, 'root/lib'));
    const [release = ''] = readdirSync(join(work, 'root/lib/modules'));
    run('busybox', ['depmod', '-b', join(work, 'root'), release], work);
    // Another machine may have been quicker.
    if (!existsSync(join(CACHE, name))) renameSync(join(work, 'root'), join(CACHE, name));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return cached();
}

/** The package with the kernel itself, whose name has its version. */
function dependency(): string {
  const find = (): string | undefined => {
    const { stdout } = spawnSync('apt-cache', ['depends', META_PACKAGE], { encoding: 'utf8' });
    return /Depends: (linux-image-\S+)/u.exec(stdout ?? '')?.[1];
  };
  const known = find();
  if (known !== undefined) return known;
  // Images of containers often come without the lists of packages.
  run('apt-get', ['update', '-qq'], CACHE);
  const name = find();
  if (name === undefined) throw unavailable(`apt knows no package ${META_PACKAGE}`);
  return name;
}

function run(command: string, args: readonly string[], cwd: string): string {
  const { error, status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (error !== undefined || status !== 0)
    throw unavailable(`'${command} ${args.join(' ')}' failed: ${error === undefined ? stderr : error.message}`);
  return stdout;
}

function unavailable(why: string): SluiceError<'no-test-kernel'> {
  return new SluiceError(
    'no-test-kernel',
    `the test kernel is not available: ${why.trim()}. It needs Debian's apt and its package ${META_PACKAGE}.`,
  );
}
