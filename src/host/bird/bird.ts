import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError, hasCode, messageOf } from '../../base/errors.ts';
import { RECOVERY_HOLD } from '../../core/bgp/index.ts';
import { writeFileAtomic } from '../files/atomic.ts';
import { pause } from '../kube-client/pause.ts';
import { BirdControl } from './control.ts';
import type { Bird, ConfigureOutcome } from './port.ts';
import { readRoutes } from './routes.ts';
import type { BirdRoute } from './routes.ts';
import { readSessions } from './sessions.ts';
import type { BirdSession } from './sessions.ts';

/** Where BIRD is and who hears of its end. */
export interface BirdOptions {
  /** Where its configuration and control socket are; made when missing. */
  readonly folder: string;
  /** The executable, and what comes before its own arguments; Debian's place by default. */
  readonly command?: readonly [string, ...string[]];
  /** BIRD ended without being asked to. It is started again by the next `configure`. */
  readonly onEnd?: () => void;
}

/** How long BIRD may take to answer after its start, milliseconds, and how often it is tried. */
const START_PATIENCE = 10_000;
const START_INTERVAL = 20;
/** How long BIRD may take to end after it was asked to, milliseconds. */
const STOP_PATIENCE = 5000;

/**
 * The BIRD whose files are in `folder`. One that runs there already, started by an earlier agent, is taken over as it is. It
 * outlives this process: only `stop` ends it.
 */
export function openBird(options: BirdOptions): Bird {
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  return new BirdProcess(options);
}

class BirdProcess implements Bird {
  readonly #options: BirdOptions;
  readonly #config: string;
  readonly #socket: string;
  #control: BirdControl | undefined;
  /** What BIRD was configured with last, as far as this process knows. */
  #text: string | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #stopped = false;

  constructor(options: BirdOptions) {
    this.#options = options;
    this.#config = join(options.folder, 'bird.conf');
    this.#socket = join(options.folder, 'bird.ctl');
  }

  configure(text: string): Promise<ConfigureOutcome> {
    return this.#inTurn(async () => {
      const running = await this.#running();
      if (running === undefined) {
        const again = this.hasRun();
        await writeFileAtomic(this.#config, text, 0o600);
        await this.#start(again);
        this.#text = text;
        return 'started';
      }
      if (this.#text === text) return 'unchanged';
      await this.#reconfigure(running, text);
      return 'changed';
    });
  }

  async sessions(): Promise<readonly BirdSession[]> {
    const sessions = readSessions(await this.#ask('show protocols all'));
    return sessions.filter(({ name }) => name !== RECOVERY_HOLD);
  }

  async recovering(): Promise<boolean> {
    const status = await this.#ask('show status');
    return status.some(({ text }) => text.startsWith('Graceful restart recovery in progress'));
  }

  async routes(): Promise<readonly BirdRoute[]> {
    const tables = await Promise.all(['master4', 'master6'].map((table) => this.#ask(`show route table ${table}`)));
    return tables.flatMap(readRoutes);
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      const control = await this.#running();
      if (control === undefined) return;
      this.#stopped = true;
      // Peers keep the routes of a neighbour that went without a word, as the kernel does.
      await control.ask('graceful restart').catch(() => undefined);
      const closed = new AbortController();
      void control.closed.then(() => closed.abort());
      await pause(STOP_PATIENCE, closed.signal);
      control[Symbol.dispose]();
    });
  }

  hasRun(): boolean {
    return existsSync(this.#config);
  }

  forget(): void {
    rmSync(this.#config, { force: true });
  }

  /** The connection to BIRD; undefined when it does not run. */
  async #running(): Promise<BirdControl | undefined> {
    if (this.#control !== undefined) return this.#control;
    try {
      const control = await BirdControl.open(this.#socket);
      this.#text ??= readConfig(this.#config);
      this.#hold(control);
      return control;
    } catch (error) {
      if (hasCode(error, 'bird-gone')) return undefined;
      throw error;
    }
  }

  /**
   * A BIRD that ran here before left routes in the kernel and at its peers, and is to find out which are still good before it
   * changes any (`-R`). The first one must not wait for peers that may be away.
   */
  async #start(again: boolean): Promise<void> {
    const [program, ...before] = this.#options.command ?? ['/usr/sbin/bird'];
    const flags = [
      ...before,
      '-f',
      ...(again ? ['-R'] : []),
      '-c',
      this.#config,
      '-s',
      this.#socket,
      '-P',
      join(this.#options.folder, 'bird.pid'),
    ];
    // In a session of its own: what ends the agent is to leave BIRD alone.
    const child = spawn(program, flags, { stdio: ['ignore', 'inherit', 'inherit'], detached: true });
    child.unref();
    const ended = new AbortController();
    child.once('error', (error) => ended.abort(`cannot be started: ${messageOf(error)}`));
    child.once('exit', (code, signal) => ended.abort(`ended at its start (${signal ?? `exit code ${code}`})`));
    const control = await this.#answering(ended.signal);
    if (control === undefined) {
      const reason = ended.signal.aborted ? String(ended.signal.reason) : 'does not answer on its control socket';
      throw new SluiceError('bird-failed', `${program} ${reason}: its log says why`);
    }
    this.#hold(control);
  }

  /** Resolves with undefined when BIRD ends before it answers, or takes too long. */
  async #answering(ended: AbortSignal): Promise<BirdControl | undefined> {
    for (let waited = 0; waited < START_PATIENCE && !ended.aborted; waited += START_INTERVAL) {
      try {
        return await BirdControl.open(this.#socket);
      } catch (error) {
        if (!hasCode(error, 'bird-gone')) throw error;
      }
      await pause(START_INTERVAL, ended);
    }
    return undefined;
  }

  async #reconfigure(control: BirdControl, text: string): Promise<void> {
    const before = this.#text;
    await writeFileAtomic(this.#config, text, 0o600);
    try {
      await control.ask('configure');
      this.#text = text;
    } catch (error) {
      // The next start is to find what works.
      if (before !== undefined) await writeFileAtomic(this.#config, before, 0o600);
      throw error;
    }
  }

  #hold(control: BirdControl): void {
    this.#control = control;
    void control.closed.then(() => {
      this.#control = undefined;
      this.#text = undefined;
      if (!this.#stopped) this.#options.onEnd?.();
    });
  }

  async #ask(command: string): Promise<Awaited<ReturnType<BirdControl['ask']>>> {
    const control = await this.#running();
    if (control === undefined) throw new SluiceError('bird-gone', 'BIRD does not run');
    return control.ask(command);
  }

  /** One after the other: what starts or changes BIRD must not overlap. */
  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(action);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

function readConfig(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
