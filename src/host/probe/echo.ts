import { randomInt } from 'node:crypto';
import type { Family, Ip } from '../../base/ip/index.ts';
import { ERRNO, expectSuccess } from '../errno.ts';
import {
  AF_INET,
  AF_INET6,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  close,
  recv,
  sendto,
  setsockopt,
  socket,
  whenReadable,
} from '../libc.ts';
import { inNetns } from '../netns/netns.ts';
import type { NetnsRef } from '../netns/netns.ts';
import { ECHO_TYPES, decodeEchoNews, encodeSizedEcho } from './echo-packet.ts';
import type { EchoNews } from './echo-packet.ts';
import type { EchoOutcome, Echoes } from './echo-port.ts';
import { encodeSockaddr } from './sockaddr.ts';

const IPPROTO: Readonly<Record<Family, number>> = { 4: 1, 6: 58 };
/** *_MTU_DISCOVER and *_PMTUDISC_PROBE: no fragments, whatever is known of the path (linux/in.h, linux/in6.h). */
const MTU_DISCOVER: Readonly<Record<Family, readonly [level: number, option: number]>> = { 4: [0, 10], 6: [41, 23] };
const PMTUDISC_PROBE = 3;
/** Types of ICMP that a socket does not want, a bit each (linux/icmp.h: 32 types; linux/icmpv6.h: 256). */
const FILTER: Readonly<Record<Family, readonly [level: number, option: number, words: number]>> = {
  4: [255, 1, 1],
  6: [58, 1, 8],
};
/** Enough of a message to know it by: IPv4 headers with all options, ICMP's, and as much again of what was refused. */
const HEAD = 256;
/** As many errors in a row are read at a time; the others wait for the next. */
const ERRORS = 8;
const FAMILIES: readonly Family[] = [4, 6];

interface Open {
  readonly fd: number;
  readonly watch: Disposable;
}

/** Echo requests from `netns`, or from the namespace of the calling thread. Sockets are opened with the first request. */
export function openEchoes({ netns }: { readonly netns?: NetnsRef } = {}): Echoes {
  return new KernelEchoes(netns);
}

class KernelEchoes implements Echoes {
  readonly #netns: NetnsRef | undefined;
  /** Told from others' requests by this, and from one another by the sequence. */
  readonly #id = randomInt(1, 0x10000);
  #sequence = randomInt(0x10000);
  readonly #sockets = new Map<Family, Open>();
  readonly #waiting = new Map<number, (outcome: EchoOutcome) => void>();
  readonly #head = new Uint8Array(HEAD);

  constructor(netns: NetnsRef | undefined) {
    this.#netns = netns;
  }

  echo(to: Ip, bytes: number, patience: number): Promise<EchoOutcome> {
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const sequence = this.#sequence;
    const packet = encodeSizedEcho(to.family, { id: this.#id, sequence }, bytes);
    const target = encodeSockaddr(to, 0);
    const { promise, resolve } = Promise.withResolvers<EchoOutcome>();
    const timer = setTimeout(() => {
      // What arrived while this process was busy counts.
      for (const family of FAMILIES) this.#drain(family);
      settle('silence');
    }, patience);
    const settle = (outcome: EchoOutcome): void => {
      clearTimeout(timer);
      this.#waiting.delete(sequence);
      resolve(outcome);
    };
    this.#waiting.set(sequence, settle);
    const sent = this.#send(to.family, packet, target);
    // Larger than the device's own MTU.
    if (sent === -ERRNO.EMSGSIZE) settle({ limit: undefined });
    return promise;
  }

  [Symbol.dispose](): void {
    for (const settle of this.#waiting.values()) settle('silence');
    for (const { fd, watch } of this.#sockets.values()) {
      watch[Symbol.dispose]();
      close(fd);
    }
    this.#sockets.clear();
  }

  /** Bytes that were sent, or the errno negated. */
  #send(family: Family, packet: Uint8Array, target: Uint8Array): number {
    try {
      const fd = (this.#sockets.get(family) ?? this.#open(family)).fd;
      return sendto(fd, packet, packet.length, 0, target, target.length);
    } catch {
      return -ERRNO.EAFNOSUPPORT;
    }
  }

  #open(family: Family): Open {
    const open = (): number => socket(family === 4 ? AF_INET : AF_INET6, FLAGS, IPPROTO[family]);
    const fd = expectSuccess(this.#netns === undefined ? open() : inNetns(this.#netns, open), 'opening a raw socket');
    const [filterLevel, filterOption, words] = FILTER[family];
    const filter = new Int32Array(words).fill(-1);
    for (const type of ECHO_TYPES[family]) filter[type >> 5]! &= ~(1 << (type & 31));
    const [level, option] = MTU_DISCOVER[family];
    try {
      expectSuccess(setsockopt(fd, filterLevel, filterOption, filter, filter.byteLength), 'choosing ICMP messages');
      expectSuccess(setsockopt(fd, level, option, Int32Array.of(PMTUDISC_PROBE), 4), 'forbidding fragments');
    } catch (error) {
      close(fd);
      throw error;
    }
    const watch = whenReadable(fd, () => this.#drain(family));
    watch.unref();
    const opened = { fd, watch };
    this.#sockets.set(family, opened);
    return opened;
  }

  #drain(family: Family): void {
    const fd = this.#sockets.get(family)?.fd;
    if (fd === undefined) return;
    // An error of the network, which stands before what can be read and is told as a message, too.
    for (let errors = 0; errors < ERRORS;) {
      const length = recv(fd, this.#head, this.#head.length, 0);
      if (length === -ERRNO.EAGAIN) return;
      if (length < 0) {
        errors++;
        continue;
      }
      const news = decodeEchoNews(family, this.#head.subarray(0, length));
      if (news?.id === this.#id) this.#waiting.get(news.sequence)?.(outcomeOf(news));
    }
  }
}

const FLAGS = SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC;

function outcomeOf({ limit }: EchoNews): EchoOutcome {
  if (limit === undefined) return 'answered';
  return { limit: limit === 0 ? undefined : limit };
}
