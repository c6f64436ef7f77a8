import { MSG_DONTWAIT, recvmmsg, writev } from '../libc.ts';
import type { Arena } from './memory.ts';
import { MessageVector } from './message-vector.ts';
import type { Peer, Peers } from './peers.ts';
import {
  ETHERNET_HEADER,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  VNET_HEADER,
  VNET_NEEDS_CHECKSUM,
  VNET_TCPV4,
  VNET_TCPV6,
} from './tap-reader.ts';
import { TCP_CHECKSUM, versionOf } from './tcp-packet.ts';
import { TcpMerger } from './tcp-merger.ts';
import type { MergedSink } from './tcp-merger.ts';
import { SOL_UDP, UDP_GRO } from './udp-options.ts';

/** Errno of a device that was deleted while it is open (asm-generic/errno.h). */
const EBADFD = 77;
const MESSAGES = 8;
const DATAGRAM = 65_536;
/** Packets put together at most; the kernel's own receive offload gathers fewer. */
const MOST_PIECES = 128;
const HEADERS = VNET_HEADER + ETHERNET_HEADER;

/** Takes what comes from peers and gives it to the kernel through the device, as large packets where it can. */
export class TapWriter implements MergedSink {
  readonly #tap: number;
  readonly #arena: Arena;
  readonly #datagrams: MessageVector;
  readonly #frame: MessageVector;
  readonly #buffers: number;
  readonly #header: number;
  readonly #merger: TcpMerger;
  /** The device's own hardware address. */
  mac: Uint8Array = new Uint8Array(6);
  packets = 0;
  bytes = 0;
  /** Datagrams from an address that is no peer's. */
  strangers = 0;
  /** Packets that are no IP packets, or that the kernel did not take. */
  dropped = 0;

  constructor(tap: number, arena: Arena) {
    this.#tap = tap;
    this.#arena = arena;
    this.#datagrams = new MessageVector(arena, MESSAGES, MESSAGES);
    this.#frame = new MessageVector(arena, 1, MOST_PIECES + 1);
    this.#buffers = arena.take(MESSAGES * DATAGRAM);
    this.#header = arena.take(HEADERS);
    this.#merger = new TcpMerger(arena, this, MOST_PIECES);
    for (let index = 0; index < MESSAGES; index++) {
      this.#datagrams.setIovec(index, this.#buffers + index * DATAGRAM, DATAGRAM);
      this.#datagrams.setPieces(index, index, 1);
    }
  }

  /** Delivers what has arrived at `socket` by now, up to {@link MESSAGES} messages of the kernel. */
  forward(socket: number, peers: Peers): void {
    for (let index = 0; index < MESSAGES; index++) this.#datagrams.expect(index);
    const count = recvmmsg(socket, this.#datagrams.addressOf(0), MESSAGES, MSG_DONTWAIT, null);
    for (let index = 0; index < count; index++) this.#message(peers, index);
  }

  single(ip: number, length: number): void {
    const header = this.#header;
    this.#arena.bytes.fill(0, header, header + VNET_HEADER);
    this.#frame.setIovec(1, ip, length);
    this.#write(2, ip, length);
  }

  merged({ ip, tcp, length, payload, pieces, offsets, lengths }: TcpMerger): void {
    const { bytes } = this.#arena;
    const header = this.#header;
    const start = ETHERNET_HEADER + tcp - ip;
    const headers = ETHERNET_HEADER + lengths[0]! - payload;
    bytes[header] = VNET_NEEDS_CHECKSUM;
    bytes[header + 1] = versionOf(this.#arena, ip) === 4 ? VNET_TCPV4 : VNET_TCPV6;
    this.#half(header + 2, headers);
    this.#half(header + 4, payload);
    this.#half(header + 6, start);
    this.#half(header + 8, TCP_CHECKSUM);
    for (let index = 0; index < pieces; index++) this.#frame.setIovec(index + 1, offsets[index]!, lengths[index]!);
    this.#write(pieces + 1, ip, length);
  }

  #message(peers: Peers, index: number): void {
    const peer = peers.bySender(this.#arena, this.#datagrams.nameOf(index));
    if (peer === undefined) {
      this.strangers++;
      return;
    }
    this.#from(peer);
    const length = this.#datagrams.received(index);
    const size = this.#datagrams.control(index, SOL_UDP, UDP_GRO) || length;
    const start = this.#buffers + index * DATAGRAM;
    for (let at = 0; at < length; at += size) this.#merger.add(start + at, Math.min(size, length - at));
    this.#merger.flush();
  }

  /** The frames that follow have been sent by `peer`. */
  #from(peer: Peer): void {
    const ethernet = this.#header + VNET_HEADER;
    this.#arena.bytes.set(this.mac, ethernet);
    this.#arena.bytes.set(peer.mac, ethernet + 6);
  }

  #write(iovecs: number, ip: number, length: number): void {
    const { bytes } = this.#arena;
    const version = versionOf(this.#arena, ip);
    if (version !== 4 && version !== 6) {
      this.dropped++;
      return;
    }
    const type = version === 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
    bytes[this.#header + VNET_HEADER + 12] = type >> 8;
    bytes[this.#header + VNET_HEADER + 13] = type & 0xff;
    this.#frame.setIovec(0, this.#header, HEADERS);
    const written = writev(this.#tap, this.#frame.iovecAddress(0), iovecs);
    if (written === -EBADFD) throw new Error('the tun device is gone');
    if (written < 0) this.dropped++;
    else {
      this.packets++;
      this.bytes += length;
    }
  }

  #half(at: number, value: number): void {
    this.#arena.bytes[at] = value & 0xff;
    this.#arena.bytes[at + 1] = value >>> 8;
  }
}
