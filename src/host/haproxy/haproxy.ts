import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { SluiceError, hasCode, messageOf } from '../../base/errors.ts';
import { pause } from '../kube-client/pause.ts';
import { applyChange } from './apply-change.ts';
import { askMaster, readProcesses } from './master-socket.ts';
import type { Processes } from './master-socket.ts';
import type { Haproxy, HaproxyChange } from './port.ts';

/** Where HAProxy is, and who hears what it says and of its end. */
export interface HaproxyOptions {
  /** Where its files and its socket are; made when missing. Absolute. */
  readonly folder: string;
  /** The executable; Debian's place by default. */
  readonly program?: string;
  /** A line that HAProxy printed. */
  readonly onLine?: (line: string) => void;
  /** HAProxy ended without being asked to. The next `load` starts it again. */
  readonly onEnd?: (reason: string) => void;
}

const CONFIG = 'haproxy.cfg';
/** How long a start or a reload may take, milliseconds, and how often it is looked at. */
const PATIENCE = 60_000;
const INTERVAL = 10;
/** How long requests may take to finish at the end, milliseconds. */
const STOP_PATIENCE = 10_000;

/** The HAProxy whose files are in a folder, in master-worker mode. It ends with this process or with `stop`. */
export function openHaproxy(options: HaproxyOptions): Haproxy {
  return new HaproxyProcess(options);
}

class HaproxyProcess implements Haproxy {
  readonly folder: string;
  readonly checkFolder: string;
  readonly #options: HaproxyOptions;
  readonly #program: string;
  readonly #socket: string;
  #child: ChildProcess | undefined;
  /** What the files of `folder` hold, as far as this process has written them. */
  #written: ReadonlyMap<string, string> = new Map();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: HaproxyOptions) {
    this.#options = options;
    this.folder = join(options.folder, 'current');
    this.checkFolder = join(options.folder, 'check');
    this.#program = options.program ?? '/usr/sbin/haproxy';
    this.#socket = join(options.folder, 'master.sock');
  }

  check(files: ReadonlyMap<string, string>): Promise<string | undefined> {
    return this.#inTurn(async () => {
      await writeFiles(this.checkFolder, files);
      const arguments_ = ['-c', '-f', join(this.checkFolder, CONFIG)];
      return new Promise((resolve) =>
        execFile(this.#program, arguments_, (error, _, stderr) =>
          resolve(error === null ? undefined : complaint(stderr) || messageOf(error)),
        ),
      );
    });
  }

  load(files: ReadonlyMap<string, string>): Promise<void> {
    return this.#inTurn(async () => {
      await this.#write(files);
      if (this.#child === undefined) await this.#start();
      else await this.#reload();
      await removeOthers(this.folder, files);
    });
  }

  change(changes: readonly HaproxyChange[], files: ReadonlyMap<string, string>): Promise<void> {
    return this.#inTurn(async () => {
      await this.#write(files);
      for (const change of changes)
        await applyChange(change, this.folder, (command) => askMaster(this.#socket, command));
    });
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      const child = this.#child;
      if (child === undefined) return;
      this.#child = undefined;
      const ended = new AbortController();
      child.once('exit', () => ended.abort());
      child.kill('SIGUSR1');
      await pause(STOP_PATIENCE, ended.signal);
      if (ended.signal.aborted) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
    });
  }

  /** A change of endpoints touches one file of many. */
  async #write(files: ReadonlyMap<string, string>): Promise<void> {
    const before = this.#written;
    // After a write that failed, all are written again.
    this.#written = new Map();
    await writeFiles(this.folder, new Map([...files].filter(([name, content]) => before.get(name) !== content)));
    this.#written = files;
  }

  async #start(): Promise<void> {
    await rm(this.#socket, { force: true });
    const socket = `${this.#socket},mode,600`;
    // However this process ends: a proxy that nobody tells of changes would send requests to the wrong places.
    const command = ['--pdeathsig', 'TERM', this.#program, '-W', '-db', '-S', socket];
    const child = spawn('setpriv', [...command, '-f', join(this.folder, CONFIG)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const { onLine } = this.#options;
    if (onLine === undefined) child.stderr.resume();
    else createInterface(child.stderr).on('line', onLine);
    this.#child = child;
    let reason: string | undefined;
    const end = (why: string): void => {
      reason ??= why;
      if (this.#child !== child) return;
      this.#child = undefined;
      this.#options.onEnd?.(why);
    };
    child.once('error', (error) => end(`cannot be started: ${messageOf(error)}`));
    child.once('exit', (code, signal) => end(`ended (${signal ?? `exit code ${code}`})`));
    await this.#until(
      ({ worker }) => worker !== undefined,
      () => reason,
    );
  }

  async #reload(): Promise<void> {
    const before = await this.#processes();
    // The master starts itself anew and closes its socket meanwhile.
    await askMaster(this.#socket, 'reload');
    const { failed } = await this.#until(
      (now) => (now.worker !== undefined && now.worker !== before?.worker) || now.failed > (before?.failed ?? 0),
      () => (this.#child === undefined ? 'ended' : undefined),
    );
    if (failed > (before?.failed ?? 0)) throw refused('it did not take the configuration: its log says why');
  }

  /** Waits until the processes are as wanted. */
  async #until(wanted: (now: Processes) => boolean, failure: () => string | undefined): Promise<Processes> {
    const never = new AbortController().signal;
    for (let waited = 0; waited < PATIENCE; waited += INTERVAL) {
      const reason = failure();
      if (reason !== undefined) throw refused(reason);
      const now = await this.#processes();
      if (now !== undefined && wanted(now)) return now;
      await pause(INTERVAL, never);
    }
    throw refused('it is not ready in time');
  }

  /** Undefined while the master does not answer. */
  async #processes(): Promise<Processes | undefined> {
    try {
      return readProcesses(await askMaster(this.#socket, 'show proc'));
    } catch (error) {
      if (hasCode(error, 'haproxy-gone')) return undefined;
      throw error;
    }
  }

  /** One after the other: what starts or changes HAProxy must not overlap. */
  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(action);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

/** Writes the files; keys and passwords are among them. Nothing survives a restart of the machine, so nothing is flushed. */
async function writeFiles(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  const folders = new Set([...files.keys()].map((name) => dirname(join(folder, name))));
  for (const each of folders) await mkdir(each, { recursive: true, mode: 0o700 });
  for (const [name, content] of files) await writeFile(join(folder, name), content, { mode: 0o600 });
}

async function removeOthers(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  const present = await readdir(folder, { recursive: true, withFileTypes: true });
  const kept = new Set([...files.keys()].map((name) => join(folder, name)));
  for (const entry of present) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !kept.has(path)) await rm(path, { force: true });
  }
}

/** The lines that say what is wrong, without what HAProxy says of itself. */
function complaint(stderr: string): string {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('[ALERT]') && !/Fatal errors? found|Error\(s\) found/.test(line))
    .map((line) => line.replace(/^\[ALERT\]\s*(?:\(\d+\))?\s*:\s*(?:config : )?/, '').trim())
    .join('; ');
}

function refused(reason: string): SluiceError {
  return new SluiceError('haproxy-refused', `HAProxy: ${reason}`);
}
