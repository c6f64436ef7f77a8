import { ReadStream } from 'node:tty';
import { expectSuccess } from '../errno.ts';
import { O_CLOEXEC, O_NOCTTY, O_RDWR, close, ioctl, open } from '../libc.ts';

/** ioctl(2) requests of terminals (asm-generic/ioctls.h). */
const TIOCGPTN = 0x80045430;
const TIOCSPTLCK = 0x40045431;
const TIOCSWINSZ = 0x5414;

/** A pseudo-terminal: this process holds the master as a duplex stream, a child gets the slave. */
export interface Pty {
  readonly stream: ReadStream;
  /** For the child's standard streams; the caller closes it after the start. */
  readonly childFd: number;
  resize(columns: number, rows: number): void;
}

/** Opens a pseudo-terminal of the /dev/pts that this process sees. */
export function openPty(): Pty {
  const master = expectSuccess(open('/dev/ptmx', O_RDWR | O_NOCTTY | O_CLOEXEC, 0), 'opening /dev/ptmx');
  try {
    const number = new Int32Array(1);
    expectSuccess(ioctl(master, TIOCSPTLCK, new Int32Array([0])), 'unlocking the pseudo-terminal');
    expectSuccess(ioctl(master, TIOCGPTN, number), "asking for the pseudo-terminal's number");
    const path = `/dev/pts/${number[0]}`;
    const childFd = expectSuccess(open(path, O_RDWR | O_NOCTTY | O_CLOEXEC, 0), `opening ${path}`);
    const resize = (columns: number, rows: number): void => {
      // A terminal whose last user has gone cannot be resized, and need not be.
      ioctl(master, TIOCSWINSZ, new Uint8Array(new Uint16Array([rows, columns, 0, 0]).buffer));
    };
    resize(80, 24);
    return { stream: new ReadStream(master), childFd, resize };
  } catch (error) {
    close(master);
    throw error;
  }
}
