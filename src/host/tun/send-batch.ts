import { ERRNO } from '../errno.ts';
import { sendmmsg } from '../libc.ts';
import type { Arena } from './memory.ts';
import { MessageVector } from './message-vector.ts';
import type { PacketSink } from './tcp-segmenter.ts';
import { SOL_UDP, UDP_SEGMENT } from './udp-options.ts';

/** Datagrams in one such message (UDP_MAX_SEGMENTS, 64 up to Linux 6.8), and bytes: IP's 65 535 less the headers. */
const MOST_SEGMENTS = 64;
const MOST_BYTES = 65_000;
const MESSAGES = 64;
const IOVECS = 2048;

/**
 * Packets on their way to peers: gathered until `flush`, with as few system calls and as few walks through the kernel's
 * UDP code as possible. Packets of one size to one peer that follow each other become one message that the kernel cuts
 * again; where it refuses to, they go one by one.
 */
export class SendBatch implements PacketSink {
  /** The socket that is sent from. */
  socket = -1;
  readonly #vector: MessageVector;
  #cuts = true;
  #count = 0;
  #iovecs = 0;
  #sockaddr: Uint8Array = new Uint8Array();
  /** Of the message being filled: its peer, its iovecs, its packets' size and number; whether it takes no more. */
  #name: Uint8Array | undefined;
  #firstIovec = 0;
  readonly #sizes = new Int32Array(MESSAGES);
  readonly #first = new Int32Array(MESSAGES);
  readonly #pieces = new Int32Array(MESSAGES);
  #packets = 0;
  #bytes = 0;
  #closed = true;
  /** Packets that the kernel did not take. */
  dropped = 0;

  constructor(arena: Arena) {
    this.#vector = new MessageVector(arena, MESSAGES, IOVECS);
  }

  /** The packets that follow go to this socket address. */
  to(sockaddr: Uint8Array): void {
    this.#sockaddr = sockaddr;
  }

  /** Begins a packet, whose pieces follow, two at most. They must stay where they are until `flush`. */
  packet(length: number): void {
    const current = this.#count - 1;
    if (
      !this.#closed &&
      this.#name === this.#sockaddr &&
      length <= this.#sizes[current]! &&
      this.#packets < MOST_SEGMENTS &&
      this.#bytes + length <= MOST_BYTES &&
      this.#iovecs + 2 <= IOVECS
    ) {
      this.#packets++;
      this.#bytes += length;
      this.#closed = length < this.#sizes[current]!;
      return;
    }
    this.#endMessage();
    if (this.#count === MESSAGES || this.#iovecs + 2 > IOVECS) this.flush();
    this.#beginMessage(length);
  }

  piece(offset: number, length: number): void {
    this.#vector.setIovec(this.#iovecs++, offset, length);
  }

  /** Sends all that was gathered. Waits while the socket is full, which slows the senders down as a full link would. */
  flush(): void {
    this.#endMessage();
    const count = this.#count;
    this.#count = 0;
    this.#iovecs = 0;
    for (let from = 0; from < count;) {
      const sent = sendmmsg(this.socket, this.#vector.addressOf(from), count - from, 0);
      if (sent > 0) from += sent;
      else if (sent !== -ERRNO.EINTR) this.#refused(from++, -sent);
    }
  }

  #beginMessage(length: number): void {
    const index = this.#count++;
    this.#name = this.#sockaddr;
    this.#vector.setName(index, this.#sockaddr);
    this.#firstIovec = this.#iovecs;
    this.#sizes[index] = length;
    this.#packets = 1;
    this.#bytes = length;
    this.#closed = !this.#cuts;
  }

  #endMessage(): void {
    if (this.#name === undefined) return;
    const index = this.#count - 1;
    this.#first[index] = this.#firstIovec;
    this.#pieces[index] = this.#iovecs - this.#firstIovec;
    this.#vector.setPieces(index, this.#firstIovec, this.#pieces[index]!);
    const value = this.#sizes[index]!;
    this.#vector.setControl(index, this.#packets > 1 ? { level: SOL_UDP, type: UDP_SEGMENT, value } : undefined);
    if (this.#packets === 1) this.#sizes[index] = 0;
    this.#name = undefined;
    this.#closed = true;
  }

  /** The kernel did not take message `index`: perhaps it takes its packets one by one. */
  #refused(index: number, errno: number): void {
    const size = this.#sizes[index]!;
    if (size === 0) {
      this.dropped++;
      return;
    }
    // A device that cannot complete checksums: it will not cut the next message either.
    if (errno === ERRNO.EIO) this.#cuts = false;
    this.#vector.setControl(index);
    const end = this.#first[index]! + this.#pieces[index]!;
    for (let first = this.#first[index]!; first < end;) {
      let last = first;
      for (let bytes = 0; bytes < size && last < end; last++) bytes += this.#vector.iovecLength(last);
      this.#vector.setPieces(index, first, last - first);
      if (sendmmsg(this.socket, this.#vector.addressOf(index), 1, 0) < 0) this.dropped++;
      first = last;
    }
  }
}
