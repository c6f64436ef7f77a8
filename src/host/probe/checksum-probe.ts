import type { Ip } from '../../base/ip/index.ts';
import { ERRNO, expectSuccess } from '../errno.ts';
import {
  AF_INET,
  AF_INET6,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  close,
  connect,
  recv,
  send,
  socket,
  whenReadable,
} from '../libc.ts';
import { inNetns } from '../netns/netns.ts';
import type { NetnsRef } from '../netns/netns.ts';
import type { ChecksumProbe } from './checksum-port.ts';
import { encodeSockaddr } from './sockaddr.ts';

/** Where traceroute begins: hardly anybody listens there, and firewalls know it. */
const PORT = 33_434;
/** Bytes of each half of a datagram. */
const HALF = 8;
/** send(2): more of the datagram follows. One that is put together of parts has its checksum computed (linux/socket.h). */
const MSG_MORE = 0x8000;

/**
 * Datagrams to a closed port from `netns`, or from the namespace of the calling thread. Whoever gets one says that nobody
 * listens; one whose checksum is wrong is dropped in silence before anybody looks for a listener.
 */
export function openChecksumProbe({ netns }: { readonly netns?: NetnsRef } = {}): ChecksumProbe {
  return {
    isAnswered: async (to, checksum, patience) => {
      const open = (): number => socket(to.family === 4 ? AF_INET : AF_INET6, FLAGS, 0);
      const fd = expectSuccess(netns === undefined ? open() : inNetns(netns, open), 'opening a UDP socket');
      try {
        return sends(fd, to, checksum) && (await hears(fd, patience));
      } finally {
        close(fd);
      }
    },
  };
}

const FLAGS = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

function sends(fd: number, to: Ip, checksum: 'device' | 'kernel'): boolean {
  const target = encodeSockaddr(to, PORT);
  if (connect(fd, target, target.length) < 0) return false;
  const datagram = new Uint8Array(2 * HALF);
  if (checksum === 'device') return send(fd, datagram, datagram.length, 0) > 0;
  return send(fd, datagram, HALF, MSG_MORE) > 0 && send(fd, datagram, HALF, 0) > 0;
}

function hears(fd: number, patience: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const isHeard = (): boolean => {
    const result = recv(fd, new Uint8Array(1), 1, 0);
    return result >= 0 || result === -ERRNO.ECONNREFUSED;
  };
  const watch = whenReadable(fd, () => settle(isHeard()));
  watch.unref();
  // What arrived while this process was busy counts.
  const timer = setTimeout(() => settle(isHeard()), patience);
  let open = true;
  const settle = (heard: boolean): void => {
    if (!open) return;
    open = false;
    clearTimeout(timer);
    watch[Symbol.dispose]();
    resolve(heard);
  };
  return promise;
}
