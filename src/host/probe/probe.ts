import { randomInt } from 'node:crypto';
import { formatIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import { messageOf } from '../../base/errors.ts';
import { ERRNO, errnoName } from '../errno.ts';
import {
  AF_INET,
  AF_INET6,
  POLLOUT,
  POLLIN,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_ERROR,
  SO_LINGER,
  bindSocket,
  close,
  connect,
  getsockopt,
  recv,
  send,
  sendto,
  setsockopt,
  socket,
  whenReadable,
} from '../libc.ts';
import { inNetns } from '../netns/netns.ts';
import { Epoll } from './epoll.ts';
import { encodeEcho, encodeInit, encodePayload } from './packet.ts';
import type { ProbeAttempt, ProbeEvidence, ProbeOptions, ProbeResult } from './port.ts';
import { encodeSockaddr } from './sockaddr.ts';
import { Witnesses } from './witnesses.ts';

const TIMEOUT_MS = 300;
const PARALLEL = 1000;
/** Of the ephemeral ports, for protocols without sockets. */
const FIRST_PORT = 49_152;
/** Attempts started per turn of the event loop; each costs some 50 µs. */
const LAUNCHES_PER_TURN = 64;
/** linux/in.h: choose the source port at connect, when the destination is known too. */
const SOL_IP = 0;
const IP_BIND_ADDRESS_NO_PORT = 24;

/** Makes every attempt with real packets and returns one result per attempt, in the same order. Never rejects, except for an abort. */
export async function probe(
  attempts: readonly ProbeAttempt[],
  options: ProbeOptions = {},
): Promise<readonly ProbeResult[]> {
  const { timeoutMs = TIMEOUT_MS, retries = 1, parallel = PARALLEL, signal } = options;
  const results = new Map<ProbeAttempt, ProbeResult>();
  let open = attempts;
  // Silence may be loss or a machine out of breath: try again, with more patience, before it counts.
  for (let round = 0; round <= retries && open.length > 0; round++) {
    const settings = { timeoutMs: timeoutMs * 2 ** round, parallel, signal };
    for (const result of await new ProbeRun(open, settings).run()) results.set(result.attempt, result);
    open = open.filter((attempt) => attempt.expectSilence !== true && results.get(attempt)!.evidence === 'silence');
  }
  return attempts.map((attempt) => results.get(attempt)!);
}

interface InFlight {
  readonly index: number;
  /** The attempt's own socket; echo requests share their namespace's. */
  readonly fd: number | undefined;
  readonly started: number;
}

interface RoundOptions {
  readonly timeoutMs: number;
  readonly parallel: number;
  readonly signal: AbortSignal | undefined;
}

/** One round: every attempt once. */
class ProbeRun {
  readonly #attempts: readonly ProbeAttempt[];
  readonly #options: {
    readonly timeoutMs: number;
    readonly parallel: number;
    readonly signal: AbortSignal | undefined;
  };
  readonly #results: (ProbeResult | undefined)[];
  /** Indexes yet to be launched, those of one source namespace together. */
  readonly #queue: number[];
  readonly #run = randomInt(0xffffffff);
  /** Fresh for every echo: an id that conntrack knows would pass as established. */
  #echoId = randomInt(0xffff);
  /** Likewise the source port of SCTP, which nobody chooses for a raw socket. */
  #sctpPort = randomInt(FIRST_PORT, 0x10000);
  readonly #inFlight = new Map<number, InFlight>();
  readonly #byFd = new Map<number, InFlight>();
  readonly #epoll = new Epoll();
  readonly #witnesses = new Witnesses(this.#epoll, this.#run, (attempt, evidence) =>
    this.#finish(attempt, 'allowed', evidence),
  );
  readonly #done = Promise.withResolvers<void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #immediate: ReturnType<typeof setImmediate> | undefined;

  constructor(attempts: readonly ProbeAttempt[], options: RoundOptions) {
    this.#attempts = attempts;
    this.#options = options;
    this.#results = Array.from({ length: attempts.length });
    this.#queue = [...Map.groupBy(attempts.keys(), (index) => attempts[index]!.from.netns).values()].flat();
    this.#queue.reverse();
  }

  async run(): Promise<readonly ProbeResult[]> {
    const { signal } = this.#options;
    const abort = (): void => this.#done.reject(signal?.reason);
    using cleanup = new DisposableStack();
    cleanup.use(this.#epoll);
    cleanup.use(this.#witnesses);
    cleanup.defer(() => {
      clearImmediate(this.#immediate);
      clearTimeout(this.#timer);
      for (const { fd } of this.#inFlight.values()) if (fd !== undefined) close(fd);
    });
    cleanup.use(whenReadable(this.#epoll.fd, () => this.#turn()));
    signal?.throwIfAborted();
    signal?.addEventListener('abort', abort, { once: true });
    cleanup.defer(() => signal?.removeEventListener('abort', abort));
    for (const attempt of this.#attempts) this.#prepare(attempt);
    this.#turn();
    await this.#done.promise;
    return this.#results.map((result) => result!);
  }

  #prepare(attempt: ProbeAttempt): void {
    try {
      this.#witnesses.prepare(attempt);
    } catch {
      // Without a witness the attempt still shows what its own socket sees; a missing namespace fails at launch.
    }
  }

  /** Everything that is due: take events, give up on the silent, launch more. */
  #turn(): void {
    for (const fd of this.#epoll.ready()) this.#event(fd);
    this.#expire();
    this.#launch();
    if (this.#inFlight.size === 0 && this.#queue.length === 0) return this.#done.resolve();
    this.#schedule();
  }

  /** The next turn, if no event comes before: at once while there is room to launch, else when patience ends. */
  #schedule(): void {
    clearImmediate(this.#immediate);
    clearTimeout(this.#timer);
    if (this.#queue.length > 0 && this.#inFlight.size < this.#options.parallel) {
      this.#immediate = setImmediate(() => this.#turn());
      return;
    }
    // Maps keep insertion order, and all attempts wait equally long, so the first is the first to expire.
    const [oldest] = this.#inFlight.values();
    const wait = (oldest?.started ?? 0) + this.#options.timeoutMs - performance.now();
    this.#timer = setTimeout(() => this.#turn(), Math.max(1, wait));
  }

  #expire(): void {
    const limit = performance.now() - this.#options.timeoutMs;
    const [oldest] = this.#inFlight.values();
    if (oldest === undefined || oldest.started > limit) return;
    // What arrived while this process was busy must count before patience ends.
    this.#witnesses.drainAll();
    for (let ready = this.#epoll.ready(); ready.length > 0; ready = this.#epoll.ready()) {
      for (const fd of ready) this.#event(fd);
    }
    for (const { index, started } of this.#inFlight.values()) {
      if (started > limit) return;
      this.#finish(index, 'denied', 'silence');
    }
  }

  #launch(): void {
    for (let launched = 0; launched < LAUNCHES_PER_TURN;) {
      const room = Math.min(LAUNCHES_PER_TURN - launched, this.#options.parallel - this.#inFlight.size);
      const group = this.#takeGroup(room);
      const first = group[0];
      if (first === undefined) return;
      launched += group.length;
      try {
        inNetns(this.#attempts[first]!.from.netns, () => {
          for (const index of group) this.#start(index);
        });
      } catch (error) {
        for (const index of group)
          if (this.#results[index] === undefined) this.#finish(index, 'error', 'failed', messageOf(error));
      }
    }
  }

  /** The next attempts that start in one namespace, at most `room`. */
  #takeGroup(room: number): number[] {
    const group: number[] = [];
    const netnsOf = (index: number): unknown => this.#attempts[index]!.from.netns;
    while (group.length < room) {
      const next = this.#queue.at(-1);
      if (next === undefined || (group.length > 0 && netnsOf(next) !== netnsOf(group[0]!))) break;
      group.push(this.#queue.pop()!);
    }
    return group;
  }

  /** Runs inside the source's namespace. */
  #start(index: number): void {
    const { protocol } = this.#attempts[index]!;
    if (protocol === 'icmp') this.#startEcho(index);
    else if (protocol === 'sctp') this.#startInit(index);
    else this.#startSocket(index, protocol);
  }

  #startEcho(index: number): void {
    const { from, address, via } = this.#attempts[index]!;
    this.#echoId = (this.#echoId + 1) & 0xffff;
    const fd = this.#witnesses.raw(from.netns, address.family, 'icmp');
    this.#inFlight.set(index, { index, fd: undefined, started: performance.now() });
    const packet = encodeEcho(address.family, { id: this.#echoId, sequence: 1 }, encodePayload(this.#run, index));
    this.#sendRaw(index, fd, packet, via?.address ?? address);
  }

  #startInit(index: number): void {
    const { from, address, port, via } = this.#attempts[index]!;
    if (++this.#sctpPort > 0xffff) this.#sctpPort = FIRST_PORT;
    const fd = this.#witnesses.raw(from.netns, address.family, 'sctp');
    this.#inFlight.set(index, { index, fd: undefined, started: performance.now() });
    const packet = encodeInit(this.#sctpPort, via?.port ?? port, encodePayload(this.#run, index));
    this.#sendRaw(index, fd, packet, via?.address ?? address);
  }

  #sendRaw(index: number, fd: number, packet: Uint8Array, to: Ip): void {
    const target = encodeSockaddr(to, 0);
    const sent = sendto(fd, packet, packet.length, 0, target, target.length);
    if (sent < 0) this.#fail(index, -sent);
  }

  #startSocket(index: number, protocol: 'tcp' | 'udp'): void {
    const { from, address, port, via } = this.#attempts[index]!;
    const type = protocol === 'tcp' ? SOCK_STREAM : SOCK_DGRAM;
    const fd = socket(address.family === 4 ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return this.#finish(index, 'error', 'failed', `opening a socket: ${errnoName(-fd)}`);
    const flight: InFlight = { index, fd, started: performance.now() };
    this.#inFlight.set(index, flight);
    this.#byFd.set(fd, flight);
    const source = from.addresses.find(({ family }) => family === address.family);
    const bound = source === undefined ? 0 : bindSource(fd, encodeSockaddr(source, 0));
    if (bound < 0)
      return this.#finish(index, 'error', 'failed', `using source ${formatIp(source!)}: ${errnoName(-bound)}`);
    const target = encodeSockaddr(via?.address ?? address, via?.port ?? port);
    const connected = connect(fd, target, target.length);
    if (connected < 0 && connected !== -ERRNO.EINPROGRESS) return this.#fail(index, -connected);
    if (protocol === 'udp') {
      const payload = encodePayload(this.#run, index);
      const sent = send(fd, payload, payload.length, 0);
      if (sent < 0) return this.#fail(index, -sent);
    }
    this.#epoll.add(fd, protocol === 'tcp' ? POLLOUT : POLLIN);
  }

  #event(fd: number): void {
    if (this.#witnesses.drain(fd)) return;
    const flight = this.#byFd.get(fd);
    if (flight === undefined) return;
    const error = takeError(fd);
    if (error !== 0) return this.#fail(flight.index, error);
    if (this.#attempts[flight.index]!.protocol === 'tcp') return this.#finish(flight.index, 'allowed', 'connected');
    const byte = new Uint8Array(1);
    if (recv(fd, byte, 1, 0) >= 0) this.#finish(flight.index, 'allowed', 'replied');
  }

  #fail(index: number, errno: number): void {
    switch (errno) {
      case ERRNO.ECONNREFUSED:
      case ERRNO.ECONNRESET:
        return this.#finish(index, 'allowed', 'refused');
      // No route, or an ICMP error on the way; EPERM is a local packet filter.
      case ERRNO.ENETUNREACH:
      case ERRNO.EHOSTUNREACH:
      case ERRNO.EACCES:
      case ERRNO.EPERM:
      case ERRNO.EINVAL:
        return this.#finish(index, 'denied', 'unreachable', errnoName(errno));
      case ERRNO.ETIMEDOUT:
        return this.#finish(index, 'denied', 'silence');
      default:
        return this.#finish(index, 'error', 'failed', errnoName(errno));
    }
  }

  #finish(index: number, verdict: ProbeResult['verdict'], evidence: ProbeEvidence, message?: string): void {
    const attempt = this.#attempts[index];
    if (attempt === undefined || this.#results[index] !== undefined) return;
    const flight = this.#inFlight.get(index);
    this.#results[index] = {
      attempt,
      verdict,
      evidence,
      ...(flight === undefined || verdict !== 'allowed' ? {} : { elapsedMs: performance.now() - flight.started }),
      ...(message === undefined ? {} : { message }),
    };
    if (flight === undefined) return;
    this.#inFlight.delete(index);
    if (flight.fd === undefined) return;
    this.#byFd.delete(flight.fd);
    close(flight.fd);
  }
}

/** Binds without taking a port yet, and makes close send a reset, so that no probe leaves a TIME_WAIT behind. */
function bindSource(fd: number, sockaddr: Uint8Array): number {
  setsockopt(fd, SOL_SOCKET, SO_LINGER, new Int32Array([1, 0]), 8);
  setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, new Int32Array([1]), 4);
  return bindSocket(fd, sockaddr, sockaddr.length);
}

function takeError(fd: number): number {
  const value = new Int32Array(1);
  getsockopt(fd, SOL_SOCKET, SO_ERROR, value, new Int32Array([4]));
  return value[0]!;
}
