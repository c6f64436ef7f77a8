import { constants } from 'node:os';
import { ByteWriter } from '../../base/bytes/index.ts';
import { ERRNO, errnoError, expectSuccess } from '../errno.ts';
import {
  AF_NETLINK,
  MSG_DONTWAIT,
  POLLIN,
  SOCK_CLOEXEC,
  SOCK_RAW,
  SOL_NETLINK,
  SOL_SOCKET,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  bindSocket,
  close,
  getsockopt,
  ioctlValue,
  poll,
  recv,
  recvInThread,
  send,
  sendInThread,
  setsockopt,
  socket,
} from '../libc.ts';
import { inNetns } from '../netns/netns.ts';
import type { NetnsRef } from '../netns/netns.ts';
import {
  NLMSG_DONE,
  NLMSG_ERROR,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  readAck,
  readMessages,
} from './message.ts';
import { writeMessage } from './message.ts';
import type { NetlinkMessage } from './message.ts';

/** Netlink protocols (linux/netlink.h). */
export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

/** SOL_NETLINK options (linux/netlink.h). */
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;

/** ioctl that opens the namespace a socket belongs to (linux/sockios.h). */
const SIOCGSKNS = 0x894c;

/** The kernel caps a dump's datagram at 32 KiB; events and acknowledgements are smaller. */
const RECEIVE_BUFFER = 64 * 1024;
/** Dumps that a concurrent change interrupted are asked again this often before the last answer is taken. */
const DUMP_ATTEMPTS = 5;
/** The kernel answers inside send(); this bounds the wait where it does not (ms). */
const ANSWER_TIMEOUT = 5000;

/** A netlink socket, bound to the namespace in which it was opened, used synchronously. */
export class NetlinkSocket implements Disposable {
  readonly fd: number;
  #sequence = 0;
  #sendBuffer = 0;
  readonly #buffer = new Uint8Array(RECEIVE_BUFFER);

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** Opens a socket of `protocol` in `netns`, or where the calling thread is. */
  static open(protocol: number, options: { readonly netns?: NetnsRef | undefined } = {}): NetlinkSocket {
    const create = (): number => socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    const fd = expectSuccess(
      options.netns === undefined ? create() : inNetns(options.netns, create),
      'opening a netlink socket',
    );
    const address = new Uint8Array(12);
    address[0] = AF_NETLINK;
    const bound = bindSocket(fd, address, address.length);
    if (bound < 0) {
      close(fd);
      throw errnoError(-bound, 'binding a netlink socket');
    }
    const opened = new NetlinkSocket(fd);
    for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK])
      opened.#option(SOL_NETLINK, option, 1);
    return opened;
  }

  /** A number that no earlier message of this socket carried. */
  nextSequence(): number {
    this.#sequence = (this.#sequence % 0x7fffffff) + 1;
    return this.#sequence;
  }

  /** Subscribes to a multicast group. */
  join(group: number): void {
    expectSuccess(this.#option(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group), `joining netlink group ${group}`);
  }

  /** Grows the receive queue to `bytes`, as far as this user may. */
  growReceiveQueue(bytes: number): void {
    if (this.#option(SOL_SOCKET, SO_RCVBUFFORCE, bytes) < 0) this.#option(SOL_SOCKET, SO_RCVBUF, bytes);
  }

  /** The largest single send that the kernel accepts after trying to make room for `bytes`: unlimited only for real root. */
  reserveSend(bytes: number): number {
    if (this.#sendBuffer >= bytes) return this.#sendBuffer;
    // The kernel doubles what is asked for, and keeps 32 bytes and the skb's own struct out of it.
    if (this.#option(SOL_SOCKET, SO_SNDBUFFORCE, bytes) < 0) this.#option(SOL_SOCKET, SO_SNDBUF, bytes);
    const value = new Int32Array(1);
    expectSuccess(
      getsockopt(this.fd, SOL_SOCKET, SO_SNDBUF, value, new Int32Array([4])),
      'reading the send buffer size of a netlink socket',
    );
    this.#sendBuffer = value[0]! - 4096;
    return this.#sendBuffer;
  }

  /** Sends one datagram. Returns 0, or the errno negated. */
  send(bytes: Uint8Array): number {
    return Math.min(0, send(this.fd, bytes, bytes.length, 0));
  }

  /** Messages that are waiting, possibly none; valid until the next call. `overrun` when the kernel had to drop some. */
  receive(): readonly NetlinkMessage[] | 'empty' | 'overrun' {
    const length = recv(this.fd, this.#buffer, this.#buffer.length, MSG_DONTWAIT);
    if (length === -ERRNO.EAGAIN || length === -ERRNO.EINTR) return 'empty';
    if (length === -ERRNO.ENOBUFS) return 'overrun';
    expectSuccess(length, 'receiving from a netlink socket');
    return readMessages(this.#buffer.subarray(0, length));
  }

  /** As {@link receive}, but waits for an answer that is owed. */
  receiveOwed(): readonly NetlinkMessage[] | 'overrun' {
    for (const wait of [0, ANSWER_TIMEOUT]) {
      if (wait > 0) poll(new Int32Array([this.fd, POLLIN]), 1, wait);
      const messages = this.receive();
      if (messages !== 'empty') return messages;
    }
    throw errnoError(constants.errno.ETIMEDOUT, 'waiting for the answer to a netlink request');
  }

  /** Asks for a table and returns what `decode` makes of each message of the answer; undefined results are left out. */
  dump<T>(
    type: number,
    writePayload: (writer: ByteWriter) => void,
    decode: (message: NetlinkMessage) => T | undefined,
    what: string,
  ): T[] {
    for (let attempt = 1; ; attempt++) {
      const dump = new Dump(this.nextSequence(), decode, what);
      expectSuccess(this.send(dump.request(type, writePayload)), what);
      while (!dump.done) {
        const messages = this.receiveOwed();
        if (messages === 'overrun') dump.interrupt();
        else dump.take(messages);
      }
      if (!dump.interrupted || attempt === DUMP_ATTEMPTS) return dump.entries;
    }
  }

  /**
   * As {@link dump}, but the kernel does its part in another thread: for tables that take long to walk. Nothing else may
   * use the socket meanwhile, and it must not be disposed before.
   */
  async dumpInThread<T>(
    type: number,
    writePayload: (writer: ByteWriter) => void,
    decode: (message: NetlinkMessage) => T | undefined,
    what: string,
  ): Promise<T[]> {
    for (let attempt = 1; ; attempt++) {
      const dump = new Dump(this.nextSequence(), decode, what);
      expectSuccess(await sendInThread(this.fd, dump.request(type, writePayload)), what);
      while (!dump.done) {
        const length = await recvInThread(this.fd, this.#buffer);
        if (length < 0) dump.interrupt();
        else dump.take(readMessages(this.#buffer.subarray(0, length)));
      }
      if (!dump.interrupted || attempt === DUMP_ATTEMPTS) return dump.entries;
    }
  }

  /** Opens the file of the namespace this socket is bound to. The caller closes it. */
  openNetns(): number {
    return expectSuccess(ioctlValue(this.fd, SIOCGSKNS, 0), 'opening the namespace of a netlink socket');
  }

  [Symbol.dispose](): void {
    close(this.fd);
  }

  #option(level: number, option: number, value: number): number {
    return setsockopt(this.fd, level, option, new Int32Array([value]), 4);
  }
}

/** One request for a table and what has come of its answer. */
class Dump<T> {
  readonly entries: T[] = [];
  done = false;
  /** The table changed while it was listed. */
  interrupted = false;
  readonly #sequence: number;
  readonly #decode: (message: NetlinkMessage) => T | undefined;
  readonly #what: string;

  constructor(sequence: number, decode: (message: NetlinkMessage) => T | undefined, what: string) {
    this.#sequence = sequence;
    this.#decode = decode;
    this.#what = what;
  }

  request(type: number, writePayload: (writer: ByteWriter) => void): Uint8Array {
    const writer = new ByteWriter();
    const header = { type, flags: NLM_F_REQUEST | NLM_F_DUMP, sequence: this.#sequence };
    writeMessage(writer, header, () => writePayload(writer));
    return writer.view();
  }

  take(messages: readonly NetlinkMessage[]): void {
    for (const message of messages) {
      if (message.sequence !== this.#sequence) continue;
      if ((message.flags & NLM_F_DUMP_INTR) !== 0) this.interrupted = true;
      if (message.type === NLMSG_DONE) this.done = true;
      else if (message.type === NLMSG_ERROR) throwAck(message, this.#what);
      else {
        const entry = this.#decode(message);
        if (entry !== undefined) this.entries.push(entry);
      }
    }
  }

  /** Something was lost. */
  interrupt(): void {
    this.interrupted = true;
    this.done = true;
  }
}

function throwAck(message: NetlinkMessage, what: string): never {
  const { errno, remark } = readAck(message);
  throw errnoError(errno, what, {}, remark);
}
