import { formatIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import { expectSuccess } from '../errno.ts';
import {
  AF_INET,
  AF_INET6,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOL_SOCKET,
  SO_RCVBUFFORCE,
  SO_SNDBUFFORCE,
  bindSocket,
  close,
  setsockopt,
  socket,
} from '../libc.ts';
import { encodeSockaddr } from '../probe/sockaddr.ts';
import { SOL_UDP, UDP_GRO } from './udp-options.ts';

/** *_MTU_DISCOVER and *_PMTUDISC_DONT (linux/in.h, linux/in6.h). */
const SOL_IP = 0;
const IP_MTU_DISCOVER = 10;
const SOL_IPV6 = 41;
const IPV6_MTU_DISCOVER = 23;
const PMTUDISC_DONT = 0;
/** Room for what arrives while the forwarder writes: some hundred large packets. */
const BUFFER = 8 * 1024 * 1024;

/** A UDP socket at `local` for the tunnel's datagrams. Throws `in-use` when the port is taken, `not-found` while the address is nobody's here. */
export function openUdpSocket(local: Ip, port: number): number {
  const family = local.family === 4 ? AF_INET : AF_INET6;
  const fd = expectSuccess(socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'making a UDP socket');
  try {
    set(fd, SOL_UDP, UDP_GRO, 1);
    set(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER);
    set(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER);
    // A path that is narrower than it was believed to be gets fragments instead of silence.
    if (local.family === 4) set(fd, SOL_IP, IP_MTU_DISCOVER, PMTUDISC_DONT);
    else set(fd, SOL_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_DONT);
    const address = encodeSockaddr(local, port);
    expectSuccess(bindSocket(fd, address, address.length), `listening on ${formatIp(local)} UDP port ${port}`);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

function set(fd: number, level: number, option: number, value: number): void {
  const bytes = Int32Array.of(value);
  expectSuccess(setsockopt(fd, level, option, bytes, bytes.byteLength), `setting option ${option} of a UDP socket`);
}
