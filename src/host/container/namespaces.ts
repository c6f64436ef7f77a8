import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { spawn } from 'node:child_process';
import { SluiceError } from '../../base/errors.ts';
import { expectSuccess } from '../errno.ts';
import {
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUTS,
  O_CLOEXEC,
  O_RDONLY,
  close,
  open,
  setns,
  unshare,
} from '../libc.ts';
import { warmThreadPool } from '../netns/netns.ts';

/** The kinds of namespace that a container has of its own or shares. */
export type NamespaceKind = 'net' | 'ipc' | 'uts' | 'pid' | 'mnt';

/** What a process is to be started in. */
export interface Placement {
  /** Namespaces to enter first: kind → path of its file, such as `/proc/17/ns/net`. */
  readonly join?: Partial<Readonly<Record<NamespaceKind, string>>>;
  /** Namespaces to be made new for the process. */
  readonly create?: readonly NamespaceKind[];
  /** Runs inside them before the process starts: mounts, the host name. Strictly synchronous. */
  readonly prepare?: () => void;
}

const FLAGS: Readonly<Record<NamespaceKind, number>> = {
  net: CLONE_NEWNET,
  ipc: CLONE_NEWIPC,
  uts: CLONE_NEWUTS,
  pid: CLONE_NEWPID,
  mnt: CLONE_NEWNS,
};

/** The mount namespace comes last: the paths of the others must be found in the present one. */
const ORDER: readonly NamespaceKind[] = ['net', 'ipc', 'uts', 'pid', 'mnt'];

const CLONE_FS = 0x200;

/**
 * Starts `command` in the namespaces of `placement`. The calling thread itself enters them, forks and returns, all in
 * one synchronous section, so a container costs one fork and no helper processes. A process started in a new pid
 * namespace is its pid 1. Aborts when the thread cannot return: it would go on in the wrong namespaces.
 */
export function spawnIn(
  placement: Placement,
  command: string,
  commandArguments: readonly string[],
  options: SpawnOptions,
): ChildProcess {
  return inNamespaces(placement, () => spawn(command, [...commandArguments], options));
}

/** Runs a strictly synchronous `section` with the calling thread inside the namespaces of `placement`. */
export function inNamespaces<T>(placement: Placement, section: () => T): T {
  const { join = {}, create = [], prepare } = placement;
  const kinds = ORDER.filter((kind) => join[kind] !== undefined || create.includes(kind));
  warmThreadPool();
  ownFsStruct();
  using opened = new DisposableStack();
  const homes = kinds.map((kind) => ({ kind, fd: openNamespace(`/proc/thread-self/ns/${kind}`, opened) }));
  const targets = kinds.flatMap((kind) => {
    const path = join[kind];
    return path === undefined ? [] : [{ kind, path, fd: openNamespace(path, opened) }];
  });
  try {
    for (const { kind, path, fd } of targets) expectSuccess(setns(fd, FLAGS[kind]), `entering ${path}`);
    const flags = create.reduce((sum, kind) => sum | FLAGS[kind], 0);
    if (flags !== 0) expectSuccess(unshare(flags), `making namespaces (${create.join(', ')})`);
    prepare?.();
    return section();
  } finally {
    // Back in reverse: the mount namespace first, so that everything else is looked up at home again.
    for (const { kind, fd } of homes.reverse()) if (setns(fd, FLAGS[kind]) < 0) process.abort();
  }
}

let fsIsOwn = false;

/**
 * Gives the thread its own root and working directory. setns(2) refuses a mount namespace while they are shared with
 * other threads. Once per process and irrevocable, hence the module variable.
 */
function ownFsStruct(): void {
  if (fsIsOwn) return;
  expectSuccess(unshare(CLONE_FS), "separating the thread's root directory");
  fsIsOwn = true;
}

function openNamespace(path: string, opened: DisposableStack): number {
  const fd = open(path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0)
    throw new SluiceError('not-found', `no namespace at ${path}: its process has ended`, { path, errno: -fd });
  return opened.adopt(fd, close);
}
