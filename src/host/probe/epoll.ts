import { expectSuccess } from '../errno.ts';
import { O_CLOEXEC, close, epollCreate1, epollCtl, epollWait } from '../libc.ts';

/** epoll(7) operation (linux/eventpoll.h). */
const EPOLL_CTL_ADD = 1;
/** `struct epoll_event`: events u32, data u64; packed on x86-64 only. */
const EVENT_BYTES = process.arch === 'x64' ? 12 : 16;
const DATA_OFFSET = EVENT_BYTES - 8;
const MAX_EVENTS = 256;

/** Many descriptors behind one that Node's event loop can watch. */
export class Epoll implements Disposable {
  readonly fd = expectSuccess(epollCreate1(O_CLOEXEC), 'creating an epoll descriptor');
  readonly #events = new DataView(new ArrayBuffer(EVENT_BYTES * MAX_EVENTS));
  readonly #bytes = new Uint8Array(this.#events.buffer);

  /** Watches `fd`, until it is closed, for `events` (POLLIN, POLLOUT); errors and hang-ups are always reported. */
  add(fd: number, events: number): void {
    const event = new DataView(new ArrayBuffer(EVENT_BYTES));
    event.setUint32(0, events, true);
    event.setUint32(DATA_OFFSET, fd, true);
    expectSuccess(epollCtl(this.fd, EPOLL_CTL_ADD, fd, new Uint8Array(event.buffer)), `watching descriptor ${fd}`);
  }

  /** Descriptors that are ready now, some 256 at most. Does not wait. */
  ready(): number[] {
    const count = epollWait(this.fd, this.#bytes, MAX_EVENTS, 0);
    return Array.from({ length: Math.max(0, count) }, (_, i) =>
      this.#events.getUint32(i * EVENT_BYTES + DATA_OFFSET, true),
    );
  }

  [Symbol.dispose](): void {
    close(this.fd);
  }
}
