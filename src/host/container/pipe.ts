import { Socket } from 'node:net';
import { expectSuccess } from '../errno.ts';
import { O_CLOEXEC, syscall } from '../libc.ts';

const PIPE2 = process.arch === 'arm64' ? 59 : 293;

/**
 * A pipe with one end for this process as a stream and one as a descriptor for a child. Node's own pipes to children are
 * sockets, which programs cannot open again as /dev/stdout; these they can. The caller closes `childFd` after the start.
 */
export function pipeFromChild(): { readonly stream: Socket; readonly childFd: number } {
  const [readFd, childFd] = makePipe();
  return { stream: new Socket({ fd: readFd, readable: true, writable: false }), childFd };
}

/** As {@link pipeFromChild}, in the other direction: what is written to `stream` is the child's input. */
export function pipeToChild(): { readonly stream: Socket; readonly childFd: number } {
  const [childFd, writeFd] = makePipe();
  return { stream: new Socket({ fd: writeFd, readable: false, writable: true }), childFd };
}

function makePipe(): [readFd: number, writeFd: number] {
  const fds = new Int32Array(2);
  expectSuccess(syscall(PIPE2, fds, O_CLOEXEC), 'making a pipe');
  return [fds[0] ?? -1, fds[1] ?? -1];
}
