import { closeSync, lstatSync, mkdirSync, openSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expectSuccess } from '../errno.ts';
import {
  AT_RECURSIVE,
  MNT_DETACH,
  MOUNT_ATTR_RDONLY,
  MS_BIND,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_SHARED,
  MS_SLAVE,
  mount,
  mountSetattr,
  pivotRoot,
  umount2,
} from '../libc.ts';

/** Who sees later mounts below a bind mount (mount_namespaces(7)). */
export type Propagation = 'private' | 'slave' | 'shared';

const PROPAGATION_FLAGS: Readonly<Record<Propagation, number>> = {
  private: MS_PRIVATE,
  slave: MS_SLAVE,
  shared: MS_SHARED,
};

/**
 * Mounts the file or directory tree `source` also at `target`, which must exist. Mounts below `source` come along: in a
 * user namespace the kernel refuses to leave them behind.
 */
export function bindMount(
  source: string,
  target: string,
  options: { readonly readonly?: boolean; readonly propagation?: Propagation } = {},
): void {
  expectSuccess(mount(source, target, null, MS_BIND | MS_REC, null), `mounting ${source} at ${target}`);
  setPropagation(target, options.propagation ?? 'private');
  if (options.readonly) {
    const changed = mountSetattr(target, AT_RECURSIVE, { set: MOUNT_ATTR_RDONLY });
    expectSuccess(changed, `making ${target} read-only`);
  }
}

/** Changes the propagation of the mount at `path` and of those below it. */
export function setPropagation(path: string, propagation: Propagation): void {
  const flags = PROPAGATION_FLAGS[propagation] | MS_REC;
  expectSuccess(mount(null, path, null, flags, null), `setting the propagation of ${path} to ${propagation}`);
}

/** Mounts an empty in-memory file system. `options` are tmpfs(5) options such as `mode=0755,size=64m`. */
export function mountTmpfs(target: string, options = 'mode=0755'): void {
  expectSuccess(mount('tmpfs', target, 'tmpfs', MS_NOSUID, options), `mounting tmpfs at ${target}`);
}

/**
 * Makes the tree `lower` writable at `target`: changes go to the directory `upper`. `userxattr` is what allows it
 * without root. A directory that exists in `upper` beforehand can be written to whoever owns the one in `lower`.
 */
export function mountOverlay(lower: string, upper: string, work: string, target: string): void {
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work},userxattr`;
  expectSuccess(mount('overlay', target, 'overlay', 0, options), `mounting overlay of ${lower} at ${target}`);
}

/** Mounts the /proc of the caller's own pid namespace (not of a namespace made for its children). */
export function mountProc(target: string): void {
  const flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  expectSuccess(mount('proc', target, 'proc', flags, null), `mounting proc at ${target}`);
}

/** Mounts the /sys of the caller's network namespace. */
export function mountSys(target: string, options: { readonly readonly: boolean }): void {
  const flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | (options.readonly ? MS_RDONLY : 0);
  expectSuccess(mount('sysfs', target, 'sysfs', flags, null), `mounting sysfs at ${target}`);
}

/** Mounts a new instance of the pseudo-terminals' file system. */
export function mountPts(target: string): void {
  const options = 'newinstance,ptmxmode=0666,mode=0620';
  expectSuccess(mount('devpts', target, 'devpts', MS_NOSUID | MS_NOEXEC, options), `mounting devpts at ${target}`);
}

/** Makes the mount `root` the root directory of the mount namespace and lets go of everything else. */
export function enterRoot(root: string): void {
  const old = join(root, '.old-root');
  mkdirSync(old, { recursive: true });
  process.chdir(root);
  expectSuccess(pivotRoot('.', '.old-root'), `making ${root} the root directory`);
  process.chdir('/');
  // Without this the unmounting would reach the mounts that others share with us.
  setPropagation('/.old-root', 'private');
  expectSuccess(umount2('/.old-root', MNT_DETACH), 'letting go of the previous root directory');
  rmdirSync('/.old-root');
}

/** Makes an empty file or directory at `target`, as `source` is one, unless something is there. */
export function makeMountPoint(source: string, target: string): void {
  if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) return;
  if (statSync(source).isDirectory()) {
    mkdirSync(target, { recursive: true });
    return;
  }
  mkdirSync(dirname(target), { recursive: true });
  closeSync(openSync(target, 'a', 0o644));
}
