import { formatIp, ipToBytes } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import { expectSuccess } from '../errno.ts';
import {
  AF_INET6,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_RAW,
  bindSocket,
  close,
  recv,
  send,
  setsockopt,
  socket,
  whenReadable,
} from '../libc.ts';
import { parseMac } from '../netlink/link-codec.ts';
import { REQUESTS, SOLICITATIONS, attachFilter } from './answer-filter.ts';
import { ETH_P, decodeQuestion, encodeAnnouncement, encodeAnswer } from './frame.ts';

/** linux/socket.h, linux/in6.h. */
const AF_PACKET = 17;
const IPPROTO_IPV6 = 41;
const IPV6_ADD_MEMBERSHIP = 20;
/** The longest question, with options to spare. */
const FRAME = 256;
/** How often a new address is told. */
const TELLINGS = 3;
/** Where addresses are asked for, but for their last three bytes (RFC 4291 §2.7.1). */
const SOLICITED_NODE = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff] as const;

interface Open {
  readonly fd: number;
  readonly watch: Disposable;
}

/** The interface of a segment. */
export interface SegmentLink {
  readonly index: number;
  readonly mac: string;
}

/** One interface on which questions are answered. `within` runs its argument in the interface's namespace. */
export class Segment implements Disposable {
  readonly link: SegmentLink;
  readonly #own: Uint8Array;
  readonly #within: (section: () => number) => number;
  /** By text, with how often each is yet to be told. */
  readonly #addresses = new Map<string, { readonly ip: Ip; tellings: number }>();
  readonly #sockets = new Map<Family, Open>();
  /** Sockets that have joined the group that an address is asked for in, by the group. */
  readonly #groups = new Map<string, number>();
  readonly #frame = new Uint8Array(FRAME);

  constructor(link: SegmentLink, within: (section: () => number) => number) {
    this.link = link;
    this.#own = parseMac(link.mac);
    this.#within = within;
  }

  /** Answers for exactly these, and tells of those that are new. Throws what the kernel refuses, and does the rest. */
  answer(addresses: readonly Ip[]): void {
    const wanted = new Map(addresses.map((ip) => [formatIp(ip), ip]));
    for (const key of this.#addresses.keys()) if (!wanted.has(key)) this.#addresses.delete(key);
    for (const family of [4, 6] as const)
      this.#listen(
        family,
        addresses.some((ip) => ip.family === family),
      );
    for (const [key, ip] of wanted) {
      if (this.#addresses.has(key)) continue;
      const entry = { ip, tellings: TELLINGS };
      this.#addresses.set(key, entry);
      this.#tell(entry);
    }
    this.#join(addresses.filter(({ family }) => family === 6));
  }

  /** Tells of addresses that were told too seldom. */
  repeat(): void {
    for (const entry of this.#addresses.values()) if (entry.tellings > 0) this.#tell(entry);
  }

  [Symbol.dispose](): void {
    this.answer([]);
  }

  #tell(entry: { readonly ip: Ip; tellings: number }): void {
    entry.tellings--;
    for (const frame of encodeAnnouncement(this.#own, entry.ip)) this.#send(entry.ip.family, frame);
  }

  /** What does not go out is as good as lost on the way: it is told or asked for again. */
  #send(family: Family, frame: Uint8Array): void {
    const opened = this.#sockets.get(family);
    if (opened !== undefined) send(opened.fd, frame, frame.length, 0);
  }

  #listen(family: Family, wanted: boolean): void {
    const opened = this.#sockets.get(family);
    if (wanted && opened === undefined) this.#open(family);
    if (wanted || opened === undefined) return;
    opened.watch[Symbol.dispose]();
    close(opened.fd);
    this.#sockets.delete(family);
  }

  #open(family: Family): void {
    const fd = this.#socket(AF_PACKET, SOCK_RAW);
    try {
      // No frame comes to it before it is bound to a type.
      attachFilter(fd, family === 4 ? REQUESTS : SOLICITATIONS);
      const address = packetAddress(this.link.index, family === 4 ? ETH_P.arp : ETH_P.ipv6);
      expectSuccess(bindSocket(fd, address, address.length), 'listening for neighbours');
    } catch (error) {
      close(fd);
      throw error;
    }
    this.#sockets.set(family, { fd, watch: whenReadable(fd, () => this.#drain(fd)) });
  }

  #drain(fd: number): void {
    for (;;) {
      const length = recv(fd, this.#frame, FRAME, 0);
      if (length <= 0) return;
      const question = decodeQuestion(this.#frame.subarray(0, length));
      if (question === undefined || !this.#addresses.has(formatIp(question.target))) continue;
      this.#send(question.target.family, encodeAnswer(this.#own, question));
    }
  }

  /** Joins the groups by sockets of their own, so that switches that look at group membership lead questions here. */
  #join(addresses: readonly Ip[]): void {
    const wanted = new Map(addresses.map((ip) => [String(ip.value & 0xffffffn), ip]));
    for (const [group, fd] of this.#groups) {
      if (wanted.has(group)) continue;
      close(fd);
      this.#groups.delete(group);
    }
    for (const [group, ip] of wanted) {
      if (this.#groups.has(group)) continue;
      const fd = this.#socket(AF_INET6, SOCK_DGRAM);
      this.#groups.set(group, fd);
      const request = new Uint8Array(20);
      request.set([...SOLICITED_NODE, ...ipToBytes(ip).subarray(13)]);
      new DataView(request.buffer).setInt32(16, this.link.index, true);
      const joined = setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, request, request.length);
      if (joined >= 0) continue;
      close(fd);
      this.#groups.delete(group);
      expectSuccess(joined, 'joining the group in which neighbours ask');
    }
  }

  #socket(domain: number, type: number): number {
    return expectSuccess(
      this.#within(() => socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      'opening a socket',
    );
  }
}

/** `struct sockaddr_ll` (linux/if_packet.h). */
function packetAddress(index: number, protocol: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(20));
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, protocol);
  view.setInt32(4, index, true);
  return new Uint8Array(view.buffer);
}
