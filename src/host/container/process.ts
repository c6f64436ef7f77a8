import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { SluiceError } from '../../base/errors.ts';
import type { Placement } from './namespaces.ts';
import { spawnIn } from './namespaces.ts';
import { pipeFromChild, pipeToChild } from './pipe.ts';
import { openPty } from './pty.ts';

/** A program to be run inside a container. */
export interface ProcessSpec {
  readonly placement: Placement;
  /** Absolute path inside the container, then arguments. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Whether the program's input can be written to; otherwise it is empty. */
  readonly stdin: boolean;
  /** Whether the program gets a terminal of its own; then there is one output stream. */
  readonly tty: boolean;
  readonly uid?: number;
  readonly gid?: number;
  /** Path of busybox inside the container, for what must be done between fork and the program. */
  readonly busybox: string;
  /** The process is to be pid 1 of a new pid namespace and needs a /proc of it. */
  readonly mountProc: boolean;
}

/** How a process ended; `code` is 128 + signal for one that was killed, as shells count. */
export interface ExitStatus {
  readonly code: number;
  readonly signal?: NodeJS.Signals;
}

/** A running program. Its streams must be consumed. */
export interface ContainerProcess {
  readonly pid: number;
  readonly stdin: Writable | undefined;
  readonly stdout: Socket;
  /** Undefined with a terminal, which mixes both. */
  readonly stderr: Socket | undefined;
  /** No effect without a terminal. */
  resize(columns: number, rows: number): void;
  /** False when it has ended already. */
  kill(signal: NodeJS.Signals): boolean;
  readonly exit: Promise<ExitStatus>;
}

/** Starts a program. Throws `SluiceError` `start-failed` when it cannot be executed, `not-found` when the place is gone. */
export function startProcess(spec: ProcessSpec): ContainerProcess {
  return spec.tty ? startWithTerminal(spec) : startWithPipes(spec);
}

function startWithPipes(spec: ProcessSpec): ContainerProcess {
  const stdin = spec.stdin ? pipeToChild() : undefined;
  const stdout = pipeFromChild();
  const stderr = pipeFromChild();
  const child = launch(spec, [stdin?.childFd ?? 'ignore', stdout.childFd, stderr.childFd], []);
  // A program that closes its input early is no failure of ours.
  stdin?.stream.on('error', () => undefined);
  return {
    ...running(child),
    stdin: stdin?.stream,
    stdout: stdout.stream,
    stderr: stderr.stream,
    resize: () => undefined,
  };
}

function startWithTerminal(spec: ProcessSpec): ContainerProcess {
  const pty = openPty();
  const { childFd, stream } = pty;
  const child = launch(spec, [childFd, childFd, childFd], [spec.busybox, 'setsid', '-c']);
  // The kernel reports the end of a terminal as an I/O error; for the reader it is the end of the stream.
  stream.on('error', () => stream.destroy());
  const { exit, ...rest } = running(child);
  return {
    ...rest,
    exit,
    stdin: stream,
    stdout: stream,
    stderr: undefined,
    resize: (columns, rows) => pty.resize(columns, rows),
  };
}

const MOUNT_PROC = 'busybox=$1; shift; "$busybox" mount -t proc -o nosuid,nodev,noexec proc /proc; exec "$@"';

function launch(spec: ProcessSpec, stdio: (number | 'ignore')[], prefix: readonly string[]): ChildProcess {
  const { busybox } = spec;
  const proc = spec.mountProc ? [busybox, 'sh', '-c', MOUNT_PROC, 'init', busybox] : [];
  const [program, ...rest] = [...prefix, ...proc, ...spec.command] as [string, ...string[]];
  try {
    return spawnIn(spec.placement, program, rest, {
      stdio,
      cwd: spec.cwd,
      env: { ...spec.env },
      ...(spec.uid === undefined ? {} : { uid: spec.uid }),
      ...(spec.gid === undefined ? {} : { gid: spec.gid }),
    });
  } finally {
    for (const fd of new Set(stdio)) if (typeof fd === 'number') closeSync(fd);
  }
}

function running(child: ChildProcess): Pick<ContainerProcess, 'pid' | 'kill' | 'exit'> {
  const { pid } = child;
  if (pid === undefined) {
    // Node reports the reason by an event, which nobody needs beside the exception.
    child.on('error', () => undefined);
    throw new SluiceError('start-failed', `cannot execute ${child.spawnfile}`, { program: child.spawnfile });
  }
  const exit = new Promise<ExitStatus>((resolve) => {
    child.once('exit', (code, signal) =>
      resolve(signal === null ? { code: code ?? 0 } : { code: 128 + constants.signals[signal], signal }),
    );
  });
  return { pid, exit, kill: (signal) => child.kill(signal) };
}

/** How long output that others keep open after the end of a process may be silent before nobody waits for it, ms. */
const LINGER = 200;

/**
 * Resolves when the rest of the output of a process that has ended is read. Descendants that keep it open are waited for
 * only while they say something.
 */
export async function outputEnd({ stdout, stderr }: Pick<ContainerProcess, 'stdout' | 'stderr'>): Promise<void> {
  const streams = [stdout, ...(stderr === undefined ? [] : [stderr])];
  const closed = Promise.all(
    streams.map(async (stream) => {
      if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve));
    }),
  );
  const read = (): number => streams.reduce((sum, { bytesRead }) => sum + bytesRead, 0);
  for (let before = -1; streams.some((stream) => stream.isPaused()) || read() !== before;) {
    before = read();
    let timer: NodeJS.Timeout | undefined;
    const wait = new Promise<'silent'>((resolve) => (timer = setTimeout(() => resolve('silent'), LINGER)));
    const first = await Promise.race([closed, wait]);
    clearTimeout(timer);
    if (first !== 'silent') return;
  }
}
