import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { SluiceError } from '../../base/errors.ts';
import { ReplyReader } from './reply.ts';
import type { ReplyLine } from './reply.ts';

/** Codes of BIRD's answers from here on say that something failed. */
const FIRST_FAILURE = 8000;

interface Asked {
  readonly resolve: (lines: readonly ReplyLine[]) => void;
  readonly reject: (error: unknown) => void;
}

/** A connection to the control socket of a running BIRD, which answers one command after the other. */
export class BirdControl implements Disposable {
  readonly #socket: Socket;
  readonly #asked: Asked[] = [];
  /** Settles when the connection has ended, as it does with BIRD. */
  readonly closed: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const reader = new ReplyReader();
    socket.setEncoding('utf8').on('data', (piece: string) => {
      for (const reply of reader.read(piece)) this.#answer(reply);
    });
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) =>
      socket.once('close', () => {
        for (const { reject } of this.#asked.splice(0)) reject(gone());
        resolve();
      }),
    );
  }

  /** Connects to the socket at `path`. Fails with `bird-gone` when nobody answers there. */
  static async open(path: string): Promise<BirdControl> {
    const socket = connect(path);
    const control = new BirdControl(socket);
    // BIRD greets before it is asked.
    await new Promise((resolve, reject) => control.#asked.push({ resolve, reject }));
    return control;
  }

  /** The answer to a command. Fails with `bird-refused` when BIRD says no, and with `bird-gone` when it does not answer. */
  ask(command: string): Promise<readonly ReplyLine[]> {
    if (/[\r\n]/.test(command)) throw new RangeError('a command is one line');
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) {
        reject(gone());
        return;
      }
      this.#asked.push({ resolve, reject });
      this.#socket.write(`${command}\n`);
    });
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #answer(lines: readonly ReplyLine[]): void {
    const asked = this.#asked.shift();
    const failure = lines.find(({ code }) => code >= FIRST_FAILURE);
    if (failure === undefined) asked?.resolve(lines);
    else asked?.reject(new SluiceError('bird-refused', `BIRD: ${failure.text}`, { code: failure.code }));
  }
}

function gone(): SluiceError {
  return new SluiceError('bird-gone', 'BIRD does not answer on its control socket');
}
