import { SluiceError } from '../../base/errors.ts';
import type { ErrnoCode } from '../errno.ts';
import { ERRNO, expectSuccess } from '../errno.ts';
import { POLLIN, SOCK_CLOEXEC, SOCK_STREAM, close, connect, poll, recv, send, socket } from '../libc.ts';

const AF_UNIX = 1;
/** `struct sockaddr_un`: family u16, path (linux/un.h). */
const PATH = 108;
const CHUNK = 65_536;
/** Whoever does not answer for this long, milliseconds, does not answer. */
const PATIENCE = 5000;

/** A conversation over a unix socket, step by step, for peers on this machine that answer at once. */
export class UnixStream implements Disposable {
  readonly #fd: number;
  readonly #path: string;
  readonly #chunk = new Uint8Array(CHUNK);

  /** Throws `not-found` or `refused` when nobody listens at `path`. */
  constructor(path: string) {
    const address = new Uint8Array(2 + PATH);
    const bytes = new TextEncoder().encode(path);
    if (bytes.length >= PATH) throw new SluiceError('invalid', `the path ${path} is too long for a socket`);
    address[0] = AF_UNIX;
    address.set(bytes, 2);
    this.#path = path;
    this.#fd = expectSuccess(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), 'making a unix socket');
    try {
      expectSuccess(connect(this.#fd, address, address.length), `connecting to ${path}`);
    } catch (error) {
      close(this.#fd);
      throw error;
    }
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const rest = bytes.subarray(at);
      at += expectSuccess(send(this.#fd, rest, rest.length, 0), `writing to ${this.#path}`);
    }
  }

  /** Waits for the next bytes, which are good until the next call. Throws `timed-out`, and `refused` at the end of the stream. */
  read(): Uint8Array {
    const ready = poll(Int32Array.of(this.#fd, POLLIN), 1, PATIENCE);
    if (ready === -ERRNO.EINTR) return this.read();
    if (ready === 0) throw this.#error('timed-out', 'does not answer');
    const length = expectSuccess(recv(this.#fd, this.#chunk, CHUNK, 0), `reading from ${this.#path}`);
    if (length === 0) throw this.#error('refused', 'ended the conversation');
    return this.#chunk.subarray(0, length);
  }

  [Symbol.dispose](): void {
    close(this.#fd);
  }

  #error(code: ErrnoCode, what: string): SluiceError<ErrnoCode> {
    return new SluiceError(code, `whoever listens at ${this.#path} ${what}`);
  }
}
