import { access, mkdirSync, statSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { SluiceError } from '../../base/errors.ts';
import { ERRNO, errnoError, expectSuccess } from '../errno.ts';
import {
  CLONE_NEWNET,
  MNT_DETACH,
  MS_BIND,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_RDONLY,
  close,
  mount,
  open,
  setns,
  umount2,
  unshare,
} from '../libc.ts';

/** A network namespace: the path of its file (`/proc/<pid>/ns/net`, a bind mount) or an open descriptor of it. */
export type NetnsRef = string | number;

/** The file of the network namespace that the calling thread is in. */
export const CURRENT_NETNS = '/proc/thread-self/ns/net';

/** The file of the network namespace of process `pid`. */
export function netnsOfPid(pid: number): string {
  return `/proc/${pid}/ns/net`;
}

/** Opens a namespace's file, or duplicates nothing and opens the descriptor's file again. The caller closes the result. */
export function openNetns(ref: NetnsRef): number {
  const path = typeof ref === 'number' ? `/proc/thread-self/fd/${ref}` : ref;
  return expectSuccess(open(path, O_RDONLY | O_CLOEXEC, 0), `opening network namespace ${path}`);
}

/** Identity of a namespace: equal exactly for two files of the same namespace. Undefined when there is none at `ref`. */
export function netnsId(ref: NetnsRef): string | undefined {
  const path = typeof ref === 'number' ? `/proc/thread-self/fd/${ref}` : ref;
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? undefined : `${stat.dev}:${stat.ino}`;
}

/**
 * Runs `section` with the calling thread inside the namespace and returns what it returns. The section must be strictly
 * synchronous: a promise is refused, because its continuation would run outside. Sockets opened inside stay bound to
 * the namespace, /proc/sys/net and children are the namespace's; `net.listen` is not (it runs later). The process aborts
 * when the thread cannot return, since everything it did afterwards would happen in the wrong network.
 */
export function inNetns<T>(ref: NetnsRef, section: () => T): T {
  warmThreadPool();
  const home = openNetns(CURRENT_NETNS);
  try {
    const target = openNetns(ref);
    try {
      expectSuccess(setns(target, CLONE_NEWNET), `entering network namespace ${ref}`);
    } finally {
      close(target);
    }
    return runThenReturn(home, section);
  } finally {
    close(home);
  }
}

/**
 * Creates an empty network namespace and keeps it alive by a bind mount at `path`, whose directory is made when missing.
 * Fails with `exists` when something is there. Works without root inside a user namespace that owns the mounts.
 */
export function createNetns(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  close(
    expectSuccess(open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o444), `creating network namespace ${path}`),
  );
  warmThreadPool();
  const home = openNetns(CURRENT_NETNS);
  try {
    expectSuccess(unshare(CLONE_NEWNET), 'making a network namespace');
    runThenReturn(home, () => bindNetns(CURRENT_NETNS, path));
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    close(home);
  }
}

/** Makes the namespace at `source` also available at `path`, which must be an existing file. */
function bindNetns(source: string, path: string): void {
  expectSuccess(mount(source, path, null, MS_BIND, null), `mounting network namespace ${source} at ${path}`);
}

/** Removes the mount and the file at `path`. The namespace itself lives until nothing uses it. Does nothing when gone. */
export function deleteNetns(path: string): void {
  const unmounted = umount2(path, MNT_DETACH);
  if (unmounted < 0 && ![ERRNO.EINVAL, ERRNO.ENOENT].includes(-unmounted))
    throw errnoError(-unmounted, `unmounting network namespace ${path}`);
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function runThenReturn<T>(home: number, section: () => T): T {
  let result: T;
  try {
    result = section();
  } finally {
    if (setns(home, CLONE_NEWNET) < 0) process.abort();
  }
  if (typeof (result as { then?: unknown } | null | undefined)?.then === 'function')
    throw new SluiceError('invalid', 'a section inside a network namespace must be synchronous, not a promise');
  return result;
}

let warm = false;

/**
 * Starts libuv's worker threads in the present namespace. A thread inherits its creator's namespace and libuv creates
 * all of them on the first request, so a first request inside a section would leave file I/O and name resolution in
 * that namespace for the life of the process. Once per process, hence the one module variable.
 */
export function warmThreadPool(): void {
  if (warm) return;
  warm = true;
  access('/', () => undefined);
}
