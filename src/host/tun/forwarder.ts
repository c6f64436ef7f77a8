import { ERRNO, errnoError } from '../errno.ts';
import { POLLIN, poll, readTo } from '../libc.ts';
import { parseMac } from '../netlink/link-codec.ts';
import { Arena } from './memory.ts';
import { Peers } from './peers.ts';
import type { TunnelPeer } from './peers.ts';
import { SendBatch } from './send-batch.ts';
import { TapReader } from './tap-reader.ts';
import { TapWriter } from './tap-writer.ts';

/** Enough for both directions' buffers. */
const ARENA = 2 * 1024 * 1024;
/** `struct pollfd`: fd i32, events i16, revents i16. */
const POLLFD_WORDS = 2;

/** The descriptors that a forwarder works on; it closes none of them. */
export interface ForwarderDescriptors {
  readonly tap: number;
  readonly socket: number;
  /** An eventfd: becomes readable when there is news for the forwarder. */
  readonly news: number;
}

/** What a forwarder has done, in the order of `COUNTERS`. */
export const COUNTERS = [
  'packetsOut',
  'bytesOut',
  'unknownDestinations',
  'refusedBySocket',
  'packetsIn',
  'bytesIn',
  'strangers',
  'refusedByDevice',
] as const;

/**
 * Carries packets between the device and the peers, in the calling thread, which it keeps until told to stop. No
 * packet causes an allocation.
 */
export class Forwarder {
  readonly #descriptors: ForwarderDescriptors;
  readonly #arena = new Arena(ARENA);
  readonly #reader: TapReader;
  readonly #writer: TapWriter;
  readonly #batch: SendBatch;
  readonly #counters: Float64Array;
  #socket: number;
  #peers = new Peers([], 0);

  /** `counters` is where other threads read what has been done. */
  constructor(descriptors: ForwarderDescriptors, counters: Float64Array) {
    const { tap, socket } = descriptors;
    this.#descriptors = descriptors;
    this.#counters = counters;
    this.#socket = socket;
    this.#batch = new SendBatch(this.#arena);
    this.#reader = new TapReader(tap, this.#arena, this.#batch);
    this.#writer = new TapWriter(tap, this.#arena);
  }

  /** From the next packet on: another socket, own hardware address, or peers, who all use UDP port `port`. */
  change(to: {
    readonly socket: number;
    readonly mac: string;
    readonly port: number;
    readonly peers: readonly TunnelPeer[];
  }): void {
    this.#socket = to.socket;
    this.#batch.socket = to.socket;
    this.#writer.mac = parseMac(to.mac);
    this.#peers = new Peers(to.peers, to.port);
  }

  /** Works until `onNews`, called whenever the eventfd was written to, returns false. Throws when the device is gone. */
  run(onNews: () => boolean): void {
    const { tap, news } = this.#descriptors;
    const fds = Int32Array.of(news, POLLIN, tap, POLLIN, this.#socket, POLLIN);
    const counter = this.#arena.address + this.#arena.take(8);
    while (true) {
      const ready = poll(fds, fds.length / POLLFD_WORDS, -1);
      if (ready === -ERRNO.EINTR) continue;
      if (ready < 0) throw errnoError(-ready, 'waiting for packets');
      if (hasEvent(fds, 0)) {
        readTo(news, counter, 8);
        if (!onNews()) return;
        fds[4] = this.#socket;
        continue;
      }
      if (hasEvent(fds, 1)) this.#reader.forward(this.#peers);
      if (hasEvent(fds, 2)) this.#writer.forward(this.#socket, this.#peers);
      this.#count();
    }
  }

  #count(): void {
    const counters = this.#counters;
    counters[0] = this.#reader.packets;
    counters[1] = this.#reader.bytes;
    counters[2] = this.#reader.unknown;
    counters[3] = this.#batch.dropped;
    counters[4] = this.#writer.packets;
    counters[5] = this.#writer.bytes;
    counters[6] = this.#writer.strangers;
    counters[7] = this.#writer.dropped;
  }
}

/** Whether the kernel reported anything, errors too, for entry `index`. */
function hasEvent(fds: Int32Array, index: number): boolean {
  return fds[index * POLLFD_WORDS + 1]! >>> 16 !== 0;
}
