import type { Family } from '../../base/ip/index.ts';
import { formatIp } from '../../base/ip/index.ts';
import { errnoError, expectSuccess } from '../errno.ts';
import {
  AF_INET,
  AF_INET6,
  POLLIN,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_REUSEADDR,
  accept4,
  bindSocket,
  close,
  listen,
  recv,
  setsockopt,
  socket,
} from '../libc.ts';
import { inNetns, netnsId } from '../netns/netns.ts';
import type { NetnsRef } from '../netns/netns.ts';
import type { Epoll } from './epoll.ts';
import { decodeDatagram, decodeEcho, decodeInit } from './packet.ts';
import type { ProbeAttempt, ProbeEvidence } from './port.ts';
import { encodeSockaddr } from './sockaddr.ts';

/** IANA protocol numbers. */
const IPPROTO = { udp: { 4: 17, 6: 17 }, sctp: { 4: 132, 6: 132 }, icmp: { 4: 1, 6: 58 } } as const;
const BACKLOG = 4096;
const QUEUE = 4 * 1024 * 1024;
const MAX_PACKET = 2048;

interface RawSocket {
  readonly fd: number;
  readonly family: Family;
  readonly protocol: RawProtocol;
}

/** What raw sockets see arrive. */
type RawProtocol = keyof typeof IPPROTO;

/**
 * The sockets that see probes arrive. In every namespace that is tried, raw sockets get a copy of each UDP datagram, SCTP
 * packet and ICMP message that is delivered there, whoever else listens; on TCP ports that nobody serves, a listener answers.
 */
export class Witnesses implements Disposable {
  readonly #epoll: Epoll;
  readonly #run: number;
  readonly #observe: (attempt: number, evidence: ProbeEvidence) => void;
  readonly #raw = new Map<string, RawSocket>();
  readonly #byFd = new Map<number, RawSocket>();
  readonly #listeners = new Set<string>();
  readonly #listenerFds = new Set<number>();
  readonly #ids = new Map<NetnsRef, string>();
  readonly #packet = new Uint8Array(MAX_PACKET);

  constructor(epoll: Epoll, run: number, observe: (attempt: number, evidence: ProbeEvidence) => void) {
    this.#epoll = epoll;
    this.#run = run;
    this.#observe = observe;
  }

  /** Opens what is needed to see this attempt, unless it is open already. */
  prepare({ from, to, protocol, address, port }: ProbeAttempt): void {
    if (protocol === 'tcp') return this.#listen(to.netns, address, port);
    this.raw(to.netns, address.family, protocol);
    if (protocol !== 'udp') this.raw(from.netns, address.family, protocol);
  }

  /** The raw socket of a namespace; what the kernel has no sockets for is sent through it too. */
  raw(netns: NetnsRef, family: Family, protocol: RawProtocol): number {
    const key = `${this.#idOf(netns)} ${family} ${protocol}`;
    const known = this.#raw.get(key);
    if (known !== undefined) return known.fd;
    const number = IPPROTO[protocol][family];
    const domain = family === 4 ? AF_INET : AF_INET6;
    const fd = inNetns(netns, () => socket(domain, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, number));
    expectSuccess(fd, `opening a raw ${protocol} socket in ${netns}`);
    const size = new Int32Array([QUEUE]);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, size, 4) < 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, size, 4);
    const opened: RawSocket = { fd, family, protocol };
    this.#raw.set(key, opened);
    this.#byFd.set(fd, opened);
    this.#epoll.add(fd, POLLIN);
    return fd;
  }

  /** Takes what has arrived at a witness; false when `fd` is not one. */
  drain(fd: number): boolean {
    if (this.#listenerFds.has(fd)) {
      // Connections that nobody takes would fill the backlog, and then look like silence.
      for (let taken = accept(fd); taken >= 0; taken = accept(fd)) close(taken);
      return true;
    }
    const raw = this.#byFd.get(fd);
    if (raw === undefined) return false;
    for (;;) {
      const length = recv(fd, this.#packet, this.#packet.length, 0);
      if (length < 0) return true;
      this.#witness(raw, this.#packet.subarray(0, length));
    }
  }

  /** Takes what has arrived at every raw socket. */
  drainAll(): void {
    for (const fd of this.#byFd.keys()) this.drain(fd);
  }

  [Symbol.dispose](): void {
    for (const fd of this.#byFd.keys()) close(fd);
    for (const fd of this.#listenerFds) close(fd);
  }

  /** Pods that share a namespace, such as all of a node's hostNetwork pods, share its witnesses. */
  #idOf(netns: NetnsRef): string {
    const known = this.#ids.get(netns);
    if (known !== undefined) return known;
    const id = netnsId(netns) ?? `missing ${netns}`;
    this.#ids.set(netns, id);
    return id;
  }

  #witness({ family, protocol }: RawSocket, packet: Uint8Array): void {
    if (protocol !== 'icmp') {
      const attempt = (protocol === 'udp' ? decodeDatagram : decodeInit)(family, packet, this.#run);
      if (attempt !== undefined) this.#observe(attempt, 'arrived');
      return;
    }
    const echo = decodeEcho(family, packet, this.#run);
    if (echo !== undefined) this.#observe(echo.attempt, echo.kind === 'reply' ? 'replied' : 'arrived');
  }

  #listen(netns: NetnsRef, address: ProbeAttempt['address'], port: number): void {
    const key = `${this.#idOf(netns)} ${formatIp(address)} ${port}`;
    if (this.#listeners.has(key)) return;
    const fd = inNetns(netns, () => openListener(address, port));
    // Someone serves the port, or the address is not there yet: then the attempt itself shows it.
    if (fd < 0) return;
    this.#listeners.add(key);
    this.#listenerFds.add(fd);
    this.#epoll.add(fd, POLLIN);
  }
}

function accept(listener: number): number {
  return accept4(listener, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/** A listening socket, or the errno negated. */
function openListener(address: ProbeAttempt['address'], port: number): number {
  const fd = socket(address.family === 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw errnoError(-fd, 'opening a TCP socket');
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, new Int32Array([1]), 4);
  const sockaddr = encodeSockaddr(address, port);
  const bound = bindSocket(fd, sockaddr, sockaddr.length);
  const result = bound < 0 ? bound : listen(fd, BACKLOG);
  if (result >= 0) return fd;
  close(fd);
  return result;
}
