import type { Ip } from '../../base/ip/index.ts';
import { AF_INET } from '../libc.ts';
import { parseMac } from '../netlink/link-codec.ts';
import { encodeSockaddr } from '../probe/sockaddr.ts';
import type { Memory } from './memory.ts';

/** Frames for `mac` go to the forwarder at `remote`, and what comes from there has been sent by `mac`. */
export interface TunnelPeer {
  readonly mac: string;
  readonly remote: Ip;
}

/** A peer as the forwarder uses it. */
export interface Peer {
  readonly mac: Uint8Array;
  readonly sockaddr: Uint8Array;
}

/** Who is behind which hardware address and which socket address. The last answer is kept: packets come in trains. */
export class Peers {
  readonly #byMac = new Map<number, Peer>();
  readonly #bySockaddr = new Map<string, Peer>();
  #lastMac = -1;
  #lastByMac: Peer | undefined;
  #lastSender: Peer | undefined;

  constructor(peers: readonly TunnelPeer[], port: number) {
    for (const { mac, remote } of peers) {
      const peer: Peer = { mac: parseMac(mac), sockaddr: encodeSockaddr(remote, port) };
      this.#byMac.set(macNumber(peer.mac, 0), peer);
      this.#bySockaddr.set(keyOf(peer.sockaddr, 0), peer);
    }
  }

  /** The peer that a frame whose destination stands at `at` is for. */
  byMac({ bytes }: Memory, at: number): Peer | undefined {
    const mac = macNumber(bytes, at);
    if (mac !== this.#lastMac) {
      this.#lastMac = mac;
      this.#lastByMac = this.#byMac.get(mac);
    }
    return this.#lastByMac;
  }

  /** The peer that a datagram came from whose sender's `struct sockaddr` stands at `at`: address and port must both be its own. */
  bySender({ bytes }: Memory, at: number): Peer | undefined {
    if (this.#lastSender !== undefined && sameSockaddr(this.#lastSender.sockaddr, bytes, at)) return this.#lastSender;
    const peer = this.#bySockaddr.get(keyOf(bytes, at));
    if (peer !== undefined) this.#lastSender = peer;
    return peer;
  }
}

function macNumber(bytes: Uint8Array, at: number): number {
  const high = (bytes[at]! << 8) | bytes[at + 1]!;
  const low = ((bytes[at + 2]! << 24) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!) >>> 0;
  return high * 0x1_0000_0000 + low;
}

/** Family, port and address; not IPv6's flow label and scope. */
function keyOf(bytes: Uint8Array, at: number): string {
  const [from, to] = bytes[at] === AF_INET ? [4, 8] : [8, 24];
  return Buffer.from([...bytes.subarray(at + 2, at + 4), ...bytes.subarray(at + from, at + to)]).toString('latin1');
}

function sameSockaddr(sockaddr: Uint8Array, bytes: Uint8Array, at: number): boolean {
  const four = sockaddr[0] === AF_INET;
  const end = four ? 8 : 24;
  for (let i = 0; i < end; i++) {
    // The flow label of IPv6 says nothing of who sends.
    if (i === 4 && !four) i = 8;
    if (sockaddr[i] !== bytes[at + i]) return false;
  }
  return true;
}
