import { ByteWriter } from '../../base/bytes/index.ts';
import { hasCode } from '../../base/errors.ts';
import type { SluiceError } from '../../base/errors.ts';
import { ERRNO, errnoError } from '../errno.ts';
import type { ErrnoCode } from '../errno.ts';
import { close } from '../libc.ts';
import { openNetns } from '../netns/netns.ts';
import type { NetnsRef } from '../netns/netns.ts';
import { changesNames, describeChange, encodeChange } from './change-codec.ts';
import type { Resolver } from './link-codec.ts';
import { NLMSG_ERROR, readAck, writeMessage } from './message.ts';
import type { LinkRef, NetworkChange } from './port.ts';
import type { NetlinkSocket } from './socket.ts';

/** Changes per send: their acknowledgements must fit the receive queue of an unprivileged socket (about 250). */
const BATCH = 100;

/** Changes on their way to the kernel: sent in as few datagrams as possible, each answer matched to its change. Use once. */
export class ChangeBatch {
  readonly #socket: NetlinkSocket;
  readonly #indexOf: (ref: LinkRef) => number;
  readonly #writer = new ByteWriter(4096);
  readonly #namespaces = new Map<NetnsRef, number>();
  /** Sequence number of each message in the writer → index of its change. */
  readonly #waiting = new Map<number, number>();
  #namesPending = false;

  constructor(socket: NetlinkSocket, indexOf: (ref: LinkRef) => number) {
    this.#socket = socket;
    this.#indexOf = indexOf;
  }

  run(changes: readonly NetworkChange[]): readonly (SluiceError<ErrnoCode> | undefined)[] {
    const outcomes = Array.from<SluiceError<ErrnoCode> | undefined>({ length: changes.length });
    try {
      for (const [index, change] of changes.entries()) this.#add(index, change, changes, outcomes);
      this.#flush(changes, outcomes);
      return outcomes;
    } finally {
      for (const fd of this.#namespaces.values()) close(fd);
    }
  }

  #add(
    index: number,
    change: NetworkChange,
    changes: readonly NetworkChange[],
    outcomes: (SluiceError<ErrnoCode> | undefined)[],
  ): void {
    const resolver: Resolver = {
      indexOf: (ref) => this.#indexOf(ref),
      netnsFd: (ref) => this.#netnsFd(ref),
    };
    if (this.#namesPending || this.#waiting.size >= BATCH) this.#flush(changes, outcomes);
    const start = this.#writer.length;
    const sequence = this.#socket.nextSequence();
    const { type, flags, write } = encodeChange(change);
    try {
      writeMessage(this.#writer, { type, flags, sequence }, () => write(this.#writer, resolver));
      this.#waiting.set(sequence, index);
      this.#namesPending = changesNames(change);
    } catch (error) {
      this.#writer.truncate(start);
      outcomes[index] = describeFailure(error, change);
    }
  }

  #flush(changes: readonly NetworkChange[], outcomes: (SluiceError<ErrnoCode> | undefined)[]): void {
    this.#namesPending = false;
    if (this.#waiting.size === 0) return;
    const sent = this.#socket.send(this.#writer.view());
    this.#writer.truncate();
    if (sent < 0) {
      for (const index of this.#waiting.values())
        outcomes[index] = errnoError(-sent, describeChange(changes[index]!), { change: changes[index] });
      this.#waiting.clear();
    }
    while (this.#waiting.size > 0) this.#receive(changes, outcomes);
  }

  #receive(changes: readonly NetworkChange[], outcomes: (SluiceError<ErrnoCode> | undefined)[]): void {
    const messages = this.#socket.receiveOwed();
    if (messages === 'overrun') {
      for (const index of this.#waiting.values())
        outcomes[index] = errnoError(ERRNO.ENOBUFS, describeChange(changes[index]!), { change: changes[index] });
      this.#waiting.clear();
      return;
    }
    for (const message of messages) {
      const index = this.#waiting.get(message.sequence);
      if (index === undefined || message.type !== NLMSG_ERROR) continue;
      this.#waiting.delete(message.sequence);
      const { errno, remark } = readAck(message);
      const change = changes[index]!;
      if (errno !== 0) outcomes[index] = errnoError(errno, describeChange(change), { change }, remark);
    }
  }

  #netnsFd(ref: NetnsRef): number {
    if (typeof ref === 'number') return ref;
    const known = this.#namespaces.get(ref);
    if (known !== undefined) return known;
    const fd = openNetns(ref);
    this.#namespaces.set(ref, fd);
    return fd;
  }
}

/** Failures to encode: an unknown link or namespace, a malformed hardware address. */
function describeFailure(error: unknown, change: NetworkChange): SluiceError<ErrnoCode> {
  if (hasCode(error, 'not-found'))
    return errnoError(Number(error.data['errno']), describeChange(change), { change }, error.message);
  return errnoError(ERRNO.EINVAL, describeChange(change), { change }, String(error));
}
