import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { SluiceError } from '../../../base/errors.ts';
import type { NodeStart, UniverseConfig, UniverseMessage, UniverseRequest } from '../universe/protocol.ts';
import { UNIVERSE_CONFIG } from '../universe/protocol.ts';
import { descendants } from './host-pids.ts';
import { programToRun } from '../../../host/exec/bundle.ts';

type UniverseEvent = Extract<UniverseMessage, { event: string }>;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The universe as its supervisor holds it: everything inside ends with this object's process. */
export class Universe {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly ready: Promise<void>;
  readonly exited: Promise<string>;
  #nextId = 1;

  private constructor(child: ChildProcess, onEvent: (event: UniverseEvent) => void) {
    this.#child = child;
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
      child.once('error', (error) => resolve(error.message));
    });
    this.ready = new Promise((resolve, reject) => {
      child.on('message', (raw) => {
        const message = raw as UniverseMessage;
        if ('reply' in message) return this.#settle(message);
        if (message.event === 'ready') resolve();
        if (message.event === 'failed') reject(new SluiceError('start-failed', `universe: ${message.message}`));
        onEvent(message);
      });
      void this.exited.then((reason) => reject(new SluiceError('start-failed', `the universe ended: ${reason}`)));
    });
    this.ready.catch(() => undefined);
    void this.exited.then((reason) => this.#fail(reason));
  }

  /** Starts a universe; `logFd` takes what its init writes. */
  static start(config: UniverseConfig, logFd: number, onEvent: (event: UniverseEvent) => void): Universe {
    const { repository, node } = config.share;
    const namespaces = [
      ...(config.rootless ? ['--user', '--map-root-user'] : []),
      '--net',
      '--mount',
      '--pid',
      '--uts',
      '--ipc',
    ];
    // Both switches make the universe die with the supervisor, however that ends.
    const args = ['--pdeathsig', 'KILL', 'unshare', ...namespaces, '--fork', '--kill-child', '--mount-proc'];
    const child = spawn('setpriv', [...args, node, programToRun(repository, 'src/app/lab/universe/init.ts')], {
      stdio: ['ignore', logFd, logFd, 'ipc'],
      cwd: '/',
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        NODE_COMPILE_CACHE: config.share.cacheDir,
        [UNIVERSE_CONFIG]: JSON.stringify(config),
      },
    });
    return new Universe(child, onEvent);
  }

  /** Pid of the process outside whose child is the universe's init. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Pid of the universe's init. */
  get initPid(): number | undefined {
    return descendants(this.pid).find(({ parent }) => parent === this.pid)?.pid;
  }

  startNode(node: NodeStart): Promise<unknown> {
    return this.request({ op: 'start-node', node });
  }

  request(request: UniverseRequest): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, request }, (error) => {
        if (error === null) return;
        this.#waiting.delete(id);
        reject(error);
      });
    });
  }

  /** Ends everything inside and resolves when it is gone. */
  async stop(): Promise<void> {
    // The processes in between wait for the init, which the kernel lets end last of all inside.
    const init = this.initPid;
    if (init === undefined) this.#child.kill('SIGKILL');
    else process.kill(init, 'SIGKILL');
    await this.exited;
  }

  #settle(message: Extract<UniverseMessage, { reply: number }>): void {
    const waiting = this.#waiting.get(message.reply);
    this.#waiting.delete(message.reply);
    if ('error' in message) waiting?.reject(new SluiceError('control-failed', message.error));
    else waiting?.resolve(message.ok);
  }

  #fail(reason: string): void {
    for (const { reject } of this.#waiting.values())
      reject(new SluiceError('not-running', `the universe ended: ${reason}`));
    this.#waiting.clear();
  }
}
