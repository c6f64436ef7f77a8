import { ipToBytes } from '../../base/ip/index.ts';
import type { Cidr, Ip } from '../../base/ip/index.ts';

/** Sizes in bytes, {@link MAPS} their use. Numbers are little-endian but where a packet has them. */
export const MAPS = {
  /** {@link stateValue}: what was learnt in an earlier generation no longer counts. */
  state: { name: 'sluice_state', kind: 'array', keySize: 4, valueSize: 8, size: 1 },
  /** Connections: {@link KEY} to {@link KNOWN}. The kernel forgets those first that were used least recently. */
  known: { name: 'sluice_known', kind: 'lru-hash', keySize: 40, valueSize: 32, size: 65_536 },
  /** Tunnels: {@link TUNNEL} to what {@link KNOWN} begins with. */
  tunnels: { name: 'sluice_tunnels', kind: 'lru-hash', keySize: 8, valueSize: 16, size: 8192 },
  /** Blocks of other nodes: {@link blockKey} to {@link hopValue}. */
  hops: { name: 'sluice_hops', kind: 'longest-prefix', keySize: 20, valueSize: 128, size: 65_536 },
} as const;

/** Of {@link stateValue}. */
export const STATE = { generation: 0, learns: 4 } as const;
/** Where packets of a connection come in, and between whom: IPv4 as addresses of `::ffff:0:0/96`. */
export const KEY = { link: 0, source: 4, destination: 20, ports: 36 } as const;
/** The other end and the UDP port of a tunnel over IPv4. */
export const TUNNEL = { peer: 0, port: 4 } as const;
/** Until when it counts, in nanoseconds since boot; of which generation it is; by which link, and between which MACs, it goes on. */
export const KNOWN = { until: 0, generation: 8, link: 12, macs: 16 } as const;
/**
 * `wrap` is 1 where `header` (with `sum`, that of its IP header's words without length and TOS) is put around what is no longer
 * than `limit` or will be cut later; `neighbour`, for what is not wrapped, and `peer` are `struct bpf_redir_neigh`.
 */
export const HOP = { wrap: 0, link: 4, neighbour: 8, peer: 32, limit: 52, sum: 56, header: 64 } as const;

/** Ethernet, IPv4, UDP, VXLAN, Ethernet. */
export const HEADER = 64;
/** In the header: what depends on the packet. */
export const FIELD = {
  tos: 15,
  length: 16,
  checksum: 24,
  sourcePort: 34,
  port: 36,
  udpLength: 38,
  innerType: 62,
} as const;
const ETHERNET = 14;
const AF = { 4: 2, 6: 10 } as const;

/** How packets of a block are sent. */
export interface Hop {
  /** The neighbour on the device that they leave by. */
  readonly via: Ip;
  /** What the VXLAN device would do, where that can be spared. */
  readonly wrapping?: Wrapping;
}

/** A tunnel of VXLAN over IPv4 to a peer on the same segment. */
export interface Wrapping {
  /** Index of the device that the peer is behind. */
  readonly link: number;
  readonly own: Ip;
  readonly peer: Ip;
  readonly vni: number;
  readonly port: number;
  /** Of the tunnel's devices. */
  readonly ownMac: string;
  readonly peerMac: string;
  /** MTU of the device. */
  readonly mtu: number;
}

/** The only key of the state. */
export const STATE_KEY = new Uint8Array(4);

/** Without `learns` no connection becomes known. */
export function stateValue(generation: number, learns: boolean): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Uint32Array([generation, learns ? 1 : 0]).buffer);
}

/** Key of a block. */
export function blockKey({ ip, prefix }: Cidr): Uint8Array<ArrayBuffer> {
  const key = new Uint8Array(20);
  new DataView(key.buffer).setUint32(0, ip.family === 4 ? 96 + prefix : prefix, true);
  key.set(mapped(ip), 4);
  return key;
}

/** Value of {@link HOP}. */
export function hopValue({ via, wrapping }: Hop): Uint8Array<ArrayBuffer> {
  const value = new Uint8Array(MAPS.hops.valueSize);
  const view = new DataView(value.buffer);
  setNeighbour(view, HOP.neighbour, via);
  if (wrapping === undefined) return value;
  const { link, own, peer, vni, port, ownMac, peerMac, mtu } = wrapping;
  view.setUint32(HOP.wrap, 1, true);
  view.setUint32(HOP.link, link, true);
  setNeighbour(view, HOP.peer, peer);
  view.setUint32(HOP.limit, mtu + ETHERNET, true);
  const header = new DataView(value.buffer, HOP.header, HEADER);
  header.setUint16(12, 0x0800);
  header.setUint8(14, 0x45);
  // Whole, since nobody is on the way who would have to divide it.
  header.setUint16(20, 0x4000);
  header.setUint8(22, 64);
  header.setUint8(23, 17);
  value.set(ipToBytes(own), HOP.header + 26);
  value.set(ipToBytes(peer), HOP.header + 30);
  header.setUint16(36, port);
  // The VNI is there (RFC 7348, 5).
  header.setUint8(42, 8);
  header.setUint32(46, vni << 8);
  value.set(macBytes(peerMac), HOP.header + 50);
  value.set(macBytes(ownMac), HOP.header + 56);
  let sum = 0;
  for (let at = 14; at < 34; at += 2) sum += header.getUint16(at);
  view.setUint32(HOP.sum, sum, true);
  return value;
}

function setNeighbour(view: DataView, at: number, ip: Ip): void {
  view.setUint32(at, AF[ip.family], true);
  for (const [i, byte] of ipToBytes(ip).entries()) view.setUint8(at + 4 + i, byte);
}

function macBytes(mac: string): Uint8Array {
  return Uint8Array.fromHex(mac.replaceAll(':', ''));
}

function mapped(ip: Ip): Uint8Array {
  const bytes = ipToBytes(ip);
  return ip.family === 6 ? bytes : Uint8Array.from([...Array<number>(10).fill(0), 0xff, 0xff, ...bytes]);
}
