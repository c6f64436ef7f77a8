import { fold, sumOf } from './checksum.ts';
import type { Memory } from './memory.ts';
import {
  IPV6_HEADER,
  TCP,
  TCP_ACK,
  TCP_CHECKSUM,
  TCP_FLAGS,
  TCP_PSH,
  TCP_SEQUENCE,
  ipLength,
  pseudoSum,
  read16,
  read32,
  tcpHeaderLength,
  versionOf,
  write16,
  writeHalf,
} from './tcp-packet.ts';

/** Largest IP packet (RFC 791 §3.1; for IPv6 without the header, which only makes this one safer). */
const LARGEST = 65_535;
/** Don't fragment, more fragments and the offset: all but the first must be clear (RFC 791 §3.1). */
const NOT_A_FRAGMENT = 0xbf;

/** Takes what is left when neighbours have been put together. */
export interface MergedSink {
  /** A packet as it came. */
  single(offset: number, length: number): void;
  /** A large packet: `pieces` of `memory.words`-sized pairs are in the merger's `offsets` and `lengths`. */
  merged(merger: TcpMerger): void;
}

/**
 * Puts TCP packets that follow each other in one stream together into one large packet, as a network card's receive
 * offload does: the kernel then has one packet to route and filter instead of forty. Only whole, plain segments whose
 * checksum is right are merged; everything else passes as it is, in the order in which it came.
 */
export class TcpMerger {
  readonly #memory: Memory;
  readonly #sink: MergedSink;
  /** The packet's pieces: headers with the first payload, then a payload each. */
  readonly offsets: Int32Array;
  readonly lengths: Int32Array;
  pieces = 0;
  /** Where the large packet's headers are; its length; payload bytes of each of the packets that it was. */
  ip = 0;
  tcp = 0;
  length = 0;
  payload = 0;
  #nextSequence = 0;
  #closed = false;

  constructor(memory: Memory, sink: MergedSink, most: number) {
    this.#memory = memory;
    this.#sink = sink;
    this.offsets = new Int32Array(most);
    this.lengths = new Int32Array(most);
  }

  /** The IP packet at `ip`, `length` bytes long. It must stay there until `flush`. */
  add(ip: number, length: number): void {
    const memory = this.#memory;
    const tcp = tcpOf(memory, ip, length);
    if (tcp === 0 || !isPlain(memory, ip, tcp, length)) {
      this.flush();
      this.#sink.single(ip, length);
      return;
    }
    const payloadAt = tcp + tcpHeaderLength(memory, tcp);
    const payload = ip + length - payloadAt;
    if (this.pieces > 0 && this.#continues(ip, tcp, payloadAt, payload)) return this.#append(payloadAt, payload, tcp);
    this.flush();
    this.#begin(ip, tcp, length, payload);
  }

  /** Hands over what is waiting. */
  flush(): void {
    if (this.pieces === 1) this.#sink.single(this.ip, this.length);
    else if (this.pieces > 1) {
      this.#finish();
      this.#sink.merged(this);
    }
    this.pieces = 0;
  }

  #begin(ip: number, tcp: number, length: number, payload: number): void {
    this.ip = ip;
    this.tcp = tcp;
    this.length = length;
    this.payload = payload;
    this.pieces = 1;
    this.offsets[0] = ip;
    this.lengths[0] = length;
    this.#nextSequence = (read32(this.#memory, tcp + TCP_SEQUENCE) + payload) >>> 0;
    this.#closed = (this.#memory.bytes[tcp + TCP_FLAGS]! & TCP_PSH) !== 0;
  }

  #continues(ip: number, tcp: number, payloadAt: number, payload: number): boolean {
    return (
      !this.#closed &&
      this.pieces < this.offsets.length &&
      payload <= this.payload &&
      this.length + payload <= LARGEST &&
      tcp - ip === this.tcp - this.ip &&
      read32(this.#memory, tcp + TCP_SEQUENCE) === this.#nextSequence &&
      sameStream(this.#memory, this.ip, ip, tcp - ip, payloadAt - ip)
    );
  }

  #append(payloadAt: number, payload: number, tcp: number): void {
    const { bytes } = this.#memory;
    this.offsets[this.pieces] = payloadAt;
    this.lengths[this.pieces] = payload;
    this.pieces++;
    this.length += payload;
    this.#nextSequence = (this.#nextSequence + payload) >>> 0;
    const pushed = bytes[tcp + TCP_FLAGS]! & TCP_PSH;
    bytes[this.tcp + TCP_FLAGS]! |= pushed;
    // A short packet or a pushed one ends what the kernel could cut again at the same places.
    this.#closed = payload < this.payload || pushed !== 0;
  }

  /** Makes the first packet's headers those of the whole: its length, and the checksum left to whoever cuts it again. */
  #finish(): void {
    const memory = this.#memory;
    const { ip, tcp, length } = this;
    if (versionOf(memory, ip) === 4) {
      // Changed by the difference (RFC 1624), so that a header that was wrong stays wrong.
      const old = read16(memory, ip + 2);
      const sum = ~read16(memory, ip + 10) & 0xffff;
      write16(memory, ip + 2, length);
      write16(memory, ip + 10, ~fold(sum + (~old & 0xffff) + length) & 0xffff);
    } else write16(memory, ip + 4, length - IPV6_HEADER);
    writeHalf(memory, tcp + TCP_CHECKSUM, pseudoSum(memory, ip, length - (tcp - ip)));
  }
}

/** Where the TCP header is, when the packet is TCP in one piece without IP options, as long as it says; else 0. */
function tcpOf(memory: Memory, ip: number, length: number): number {
  const { bytes } = memory;
  const version = versionOf(memory, ip);
  if (version === 4) {
    if (length < 40 || bytes[ip] !== 0x45 || bytes[ip + 9] !== TCP) return 0;
    if ((bytes[ip + 6]! & NOT_A_FRAGMENT) !== 0 || bytes[ip + 7] !== 0) return 0;
    return ipLength(memory, ip) === length ? ip + 20 : 0;
  }
  if (version !== 6 || length < IPV6_HEADER + 20 || bytes[ip + 6] !== TCP) return 0;
  return ipLength(memory, ip) === length ? ip + IPV6_HEADER : 0;
}

/** Whether it carries data, says nothing else than ACK and perhaps PSH, and has a right checksum. */
function isPlain(memory: Memory, ip: number, tcp: number, length: number): boolean {
  const header = tcpHeaderLength(memory, tcp);
  if (header < 20 || tcp - ip + header >= length) return false;
  if ((memory.bytes[tcp + TCP_FLAGS]! & ~TCP_PSH) !== TCP_ACK) return false;
  const sum = pseudoSum(memory, ip, length - (tcp - ip)) + sumOf(memory, tcp, ip + length);
  return fold(sum) === 0xffff;
}

/**
 * Whether two packets' headers agree in all that a receiver sees: everything but lengths, identification, checksums,
 * sequence and PSH. `tcp` and `header` are the lengths of the IP header and of both.
 */
function sameStream({ bytes }: Memory, a: number, b: number, tcp: number, header: number): boolean {
  const four = tcp === 20;
  for (let at = 0; at < tcp; at++) {
    if (four ? at === 2 || at === 4 || at === 10 : at === 4) at++;
    else if (bytes[a + at] !== bytes[b + at]) return false;
  }
  for (let at = tcp; at < header; at++) {
    const field = at - tcp;
    if (field === TCP_SEQUENCE) at += 3;
    else if (field === TCP_CHECKSUM) at++;
    else if (field !== TCP_FLAGS && bytes[a + at] !== bytes[b + at]) return false;
  }
  return true;
}
