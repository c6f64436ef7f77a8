import { ERRNO } from '../errno.ts';
import { readTo } from '../libc.ts';
import type { Arena } from './memory.ts';
import type { Peers } from './peers.ts';
import type { SendBatch } from './send-batch.ts';
import { completeChecksum, versionOf } from './tcp-packet.ts';
import { segmentTcp } from './tcp-segmenter.ts';

/** `struct virtio_net_hdr`: flags, gso_type, hdr_len, gso_size, csum_start, csum_offset (linux/virtio_net.h). */
export const VNET_HEADER = 10;
export const VNET_NEEDS_CHECKSUM = 1;
export const VNET_TCPV4 = 1;
export const VNET_TCPV6 = 4;
const VNET_ECN = 0x80;
/** Destination, source, type (IEEE 802.3). */
export const ETHERNET_HEADER = 14;
export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_IPV6 = 0x86dd;

/** Frames read before they are sent: what fits the processor's second cache. */
const FRAMES = 8;
const FRAME = VNET_HEADER + ETHERNET_HEADER + 65_536 + 64;
/** Headers of the packets that one frame can become: 64 KiB in the smallest segments that TCP makes (48 bytes). */
const FRAME_HEADERS = 1400 * 100;

/** Takes what the kernel sends through the device and puts it into the batch for the peer that it is for. */
export class TapReader {
  readonly #fd: number;
  readonly #arena: Arena;
  readonly #batch: SendBatch;
  readonly #frames: number;
  readonly #headers: number;
  #nextHeader: number;
  packets = 0;
  bytes = 0;
  /** Frames for nobody: multicast, peers that have just left, what is neither IPv4 nor IPv6. */
  unknown = 0;

  constructor(fd: number, arena: Arena, batch: SendBatch) {
    this.#fd = fd;
    this.#arena = arena;
    this.#batch = batch;
    this.#frames = arena.take(FRAMES * FRAME);
    this.#headers = arena.take(2 * FRAME_HEADERS);
    this.#nextHeader = this.#headers;
  }

  /** Sends up to {@link FRAMES} frames. Throws when the device is gone. */
  forward(peers: Peers): void {
    this.#nextHeader = this.#headers;
    for (let index = 0; index < FRAMES; index++) {
      const frame = this.#frames + index * FRAME;
      const length = readTo(this.#fd, this.#arena.address + frame, FRAME);
      if (length === -ERRNO.EAGAIN) break;
      if (length < 0) throw new Error(`reading the tun device failed with errno ${-length}`);
      this.#frame(peers, frame, length);
    }
    this.#batch.flush();
  }

  #frame(peers: Peers, frame: number, length: number): void {
    const { bytes } = this.#arena;
    const ethernet = frame + VNET_HEADER;
    const ip = ethernet + ETHERNET_HEADER;
    const end = frame + length;
    const peer = peers.byMac(this.#arena, ethernet);
    const type = (bytes[ethernet + 12]! << 8) | bytes[ethernet + 13]!;
    if (peer === undefined || end - ip < 20 || (type !== ETHERTYPE_IPV4 && type !== ETHERTYPE_IPV6)) {
      this.unknown++;
      return;
    }
    this.#batch.to(peer.sockaddr);
    this.packets++;
    this.bytes += end - ip;
    const start = ethernet + this.#half(frame + 6);
    const kind = bytes[frame + 1]! & ~VNET_ECN;
    if (kind === VNET_TCPV4 || kind === VNET_TCPV6) this.#large(ip, start, end, this.#half(frame + 4));
    else {
      if ((bytes[frame]! & VNET_NEEDS_CHECKSUM) !== 0)
        completeChecksum(this.#arena, start, end, start + this.#half(frame + 8));
      this.#batch.packet(end - ip);
      this.#batch.piece(ip, end - ip);
    }
  }

  #large(ip: number, tcp: number, end: number, payload: number): void {
    if (payload === 0 || versionOf(this.#arena, ip) === 0) return;
    if (this.#nextHeader + FRAME_HEADERS > this.#headers + 2 * FRAME_HEADERS) {
      this.#batch.flush();
      this.#nextHeader = this.#headers;
    }
    this.#nextHeader = segmentTcp(this.#arena, { ip, tcp, end, payload }, this.#nextHeader, this.#batch);
  }

  /** A number of the offload header: in the machine's byte order. */
  #half(at: number): number {
    const { bytes } = this.#arena;
    return bytes[at]! | (bytes[at + 1]! << 8);
  }
}
