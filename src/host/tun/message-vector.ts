import type { Arena } from './memory.ts';

/** `struct mmsghdr` on 64-bit Linux: msghdr (56 bytes) and msg_len, padded (linux/socket.h, recvmmsg(2)). */
const MMSGHDR = 64;
const NAME_LENGTH = 8;
const IOV = 16;
const IOV_COUNT = 24;
const CONTROL = 32;
const CONTROL_LENGTH = 40;
const LENGTH = 56;
/** `struct iovec`: base, length. */
const IOVEC = 16;
/** Room for a `struct sockaddr_in6`. */
const NAME = 32;
/** Room for one control message of up to 8 bytes: `struct cmsghdr` is length u64, level i32, type i32. */
const CONTROL_ROOM = 24;
const CMSGHDR = 16;

/** An array of `struct mmsghdr`, each with room for an address and one control message, over one array of iovecs. */
export class MessageVector {
  readonly #arena: Arena;
  readonly #headers: number;
  readonly #names: number;
  readonly #controls: number;
  readonly #iovecs: number;
  /** How many messages and iovecs there is room for. */
  readonly messages: number;
  readonly iovecs: number;

  constructor(arena: Arena, messages: number, iovecs: number) {
    this.#arena = arena;
    this.messages = messages;
    this.iovecs = iovecs;
    this.#headers = arena.take(messages * MMSGHDR);
    this.#names = arena.take(messages * NAME);
    this.#controls = arena.take(messages * CONTROL_ROOM);
    this.#iovecs = arena.take(iovecs * IOVEC);
    for (let index = 0; index < messages; index++) {
      arena.putPointer(this.#headers + index * MMSGHDR, this.nameOf(index));
      arena.putPointer(this.#headers + index * MMSGHDR + CONTROL, this.#controls + index * CONTROL_ROOM);
    }
  }

  /** The address of the header of message `index`, for the kernel. */
  addressOf(index: number): number {
    return this.#arena.address + this.#headers + index * MMSGHDR;
  }

  /** The address of iovec `index`. */
  iovecAddress(index: number): number {
    return this.#arena.address + this.#iovecs + index * IOVEC;
  }

  /** The offset of the socket address of message `index`. */
  nameOf(index: number): number {
    return this.#names + index * NAME;
  }

  setName(index: number, sockaddr: Uint8Array): void {
    this.#arena.bytes.set(sockaddr, this.nameOf(index));
    this.#word(index, NAME_LENGTH, sockaddr.length);
  }

  /** Asks the kernel to fill in the sender and control data of message `index`. */
  expect(index: number): void {
    this.#word(index, NAME_LENGTH, NAME);
    this.#word(index, CONTROL_LENGTH, CONTROL_ROOM);
  }

  /** Message `index` consists of `count` iovecs from `first`. */
  setPieces(index: number, first: number, count: number): void {
    this.#arena.putPointer(this.#headers + index * MMSGHDR + IOV, this.#iovecs + first * IOVEC);
    this.#word(index, IOV_COUNT, count);
  }

  setIovec(iovec: number, offset: number, length: number): void {
    const at = this.#iovecs + iovec * IOVEC;
    this.#arena.putPointer(at, offset);
    this.#arena.words[(at >> 2) + 2] = length;
  }

  /** The length of iovec `index`. */
  iovecLength(iovec: number): number {
    return this.#arena.words[((this.#iovecs + iovec * IOVEC) >> 2) + 2]!;
  }

  /** Bytes received in message `index`. */
  received(index: number): number {
    return this.#arena.words[(this.#headers + index * MMSGHDR + LENGTH) >> 2]!;
  }

  /** The control message of message `index`: a number of 16 bits; none without `value`. */
  setControl(index: number, control?: { readonly level: number; readonly type: number; readonly value: number }): void {
    if (control === undefined) return this.#word(index, CONTROL_LENGTH, 0);
    const at = (this.#controls + index * CONTROL_ROOM) >> 2;
    const { words } = this.#arena;
    words[at] = CMSGHDR + 2;
    words[at + 2] = control.level;
    words[at + 3] = control.type;
    words[at + 4] = control.value;
    this.#word(index, CONTROL_LENGTH, CONTROL_ROOM);
  }

  /** The number in the control message that the kernel delivered with message `index`; 0 without one of that kind. */
  control(index: number, level: number, type: number): number {
    const at = (this.#controls + index * CONTROL_ROOM) >> 2;
    const { words } = this.#arena;
    const present = words[(this.#headers + index * MMSGHDR + CONTROL_LENGTH) >> 2]! >= CMSGHDR + 4;
    return present && words[at + 2] === level && words[at + 3] === type ? words[at + 4]! : 0;
  }

  #word(index: number, field: number, value: number): void {
    this.#arena.words[(this.#headers + index * MMSGHDR + field) >> 2] = value;
  }
}
