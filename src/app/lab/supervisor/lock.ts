import { ftruncateSync, openSync, writeSync, closeSync } from 'node:fs';
import { ERRNO, expectSuccess } from '../../../host/errno.ts';
import { syscall } from '../../../host/libc.ts';

const FLOCK = process.arch === 'arm64' ? 32 : 73;
/** flock(2): exclusive, do not wait. */
const LOCK_EX_NB = 2 | 4;

/**
 * Takes the lock of a cluster by its pid file and writes this process's pid into it. False when another process has it.
 * The kernel frees it with the process, so there are no stale locks.
 */
export function lockPidFile(path: string): boolean {
  const fd = openSync(path, 'a');
  const result = syscall(FLOCK, fd, LOCK_EX_NB);
  if (result === -ERRNO.EWOULDBLOCK) {
    closeSync(fd);
    return false;
  }
  expectSuccess(result, `locking ${path}`);
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`);
  // The descriptor stays open for the life of the process: it is the lock.
  return true;
}

/** Whether a running supervisor has the lock; false when there is no such file. */
export function pidFileIsLocked(path: string): boolean {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  try {
    return syscall(FLOCK, fd, LOCK_EX_NB) === -ERRNO.EWOULDBLOCK;
  } finally {
    closeSync(fd);
  }
}
