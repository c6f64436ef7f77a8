import { ByteReader, ByteWriter } from '../../base/bytes/index.ts';
import { ipFromBytes, ipToBytes } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';

/** Ethernet types (linux/if_ether.h). */
export const ETH_P = { arp: 0x0806, ipv6: 0x86dd } as const;

const BROADCAST = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
const NOBODY = new Uint8Array(6);
const ETHERNET = 14;
/** RFC 826, for IPv4 over Ethernet: the fixed part, and the operations. */
const ARP = { fixed: [0, 1, 8, 0, 6, 4], bytes: 28, request: 1, reply: 2 } as const;
/** RFC 8200 §3, RFC 4861 §4.3 and §4.4. */
const IPV6 = { header: 40, icmp: 58, hopLimit: 255 } as const;
const ND = { solicitation: 135, advertisement: 136, bytes: 24, targetLinkLayer: 2 } as const;
const SOLICITED = 0x40000000;
const OVERRIDE = 0x20000000;
/** All nodes of a link (RFC 4291 §2.7.1), and the frames to them. */
const ALL_NODES = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_MAC = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1);

/** Somebody asks who has `target`. */
export interface Question {
  readonly target: Ip;
  /** Hardware address of who asks. */
  readonly mac: Uint8Array;
  /** Bytes of the address of who asks: all zero where it has none yet and wants to know whether it may take the target. */
  readonly asker: Uint8Array;
}

/** The ARP request or neighbour solicitation in an Ethernet frame; undefined for anything else. */
export function decodeQuestion(frame: Uint8Array): Question | undefined {
  if (frame.length < ETHERNET + ARP.bytes) return undefined;
  const reader = new ByteReader(frame);
  reader.skip(6);
  const mac = reader.raw(6);
  const type = reader.u16be();
  if (type === ETH_P.arp) return decodeArp(reader);
  return type === ETH_P.ipv6 && frame.length >= ETHERNET + IPV6.header + ND.bytes
    ? decodeSolicitation(reader, mac)
    : undefined;
}

function decodeArp(reader: ByteReader): Question | undefined {
  for (const byte of ARP.fixed) if (reader.u8() !== byte) return undefined;
  if (reader.u16be() !== ARP.request) return undefined;
  const mac = reader.raw(6);
  const asker = reader.raw(4);
  reader.skip(6);
  return { target: ipFromBytes(reader.raw(4)), mac, asker };
}

function decodeSolicitation(reader: ByteReader, mac: Uint8Array): Question | undefined {
  reader.skip(6);
  const [next, hops] = [reader.u8(), reader.u8()];
  const asker = reader.raw(16);
  reader.skip(16);
  const [type, code] = [reader.u8(), reader.u8()];
  // A hop limit below 255: it came by a router, and is none of this link's.
  if (next !== IPV6.icmp || hops !== IPV6.hopLimit || type !== ND.solicitation || code !== 0) return undefined;
  reader.skip(6);
  return { target: ipFromBytes(reader.raw(16)), mac, asker };
}

/** The frame that tells who asked that `own`, a hardware address, has the target. */
export function encodeAnswer(own: Uint8Array, { target, mac, asker }: Question): Uint8Array {
  if (target.family === 4) return encodeArp({ own, ip: ipToBytes(target), operation: ARP.reply, to: mac, asker });
  const isProbe = asker.every((byte) => byte === 0);
  return isProbe
    ? encodeAdvertisement(own, target, { to: ALL_NODES_MAC, ip: ALL_NODES, flags: OVERRIDE })
    : encodeAdvertisement(own, target, { to: mac, ip: asker, flags: OVERRIDE | SOLICITED });
}

/**
 * The frames that tell the whole segment that `own` has `ip`: an unsolicited neighbour advertisement, or a gratuitous ARP
 * request and reply, since some neighbours heed one alone (RFC 5227 §3).
 */
export function encodeAnnouncement(own: Uint8Array, ip: Ip): readonly Uint8Array[] {
  if (ip.family === 6) return [encodeAdvertisement(own, ip, { to: ALL_NODES_MAC, ip: ALL_NODES, flags: OVERRIDE })];
  const bytes = ipToBytes(ip);
  return [ARP.request, ARP.reply].map((operation) =>
    encodeArp({ own, ip: bytes, operation, to: BROADCAST, asker: bytes }),
  );
}

interface ArpPacket {
  readonly own: Uint8Array;
  readonly ip: Uint8Array;
  readonly operation: number;
  readonly to: Uint8Array;
  readonly asker: Uint8Array;
}

function encodeArp({ own, ip, operation, to, asker }: ArpPacket): Uint8Array {
  const writer = new ByteWriter(ETHERNET + ARP.bytes);
  writer.raw(to);
  writer.raw(own);
  writer.u16be(ETH_P.arp);
  for (const byte of ARP.fixed) writer.u8(byte);
  writer.u16be(operation);
  writer.raw(own);
  writer.raw(ip);
  writer.raw(operation === ARP.request ? NOBODY : to);
  writer.raw(asker);
  return writer.view();
}

/** The source is the address itself: it is on the interface, as far as neighbours are concerned. */
function encodeAdvertisement(
  own: Uint8Array,
  target: Ip,
  { to, ip, flags }: { readonly to: Uint8Array; readonly ip: Uint8Array; readonly flags: number },
): Uint8Array {
  const address = ipToBytes(target);
  const writer = new ByteWriter(ETHERNET + IPV6.header + ND.bytes + 8);
  writer.raw(to);
  writer.raw(own);
  writer.u16be(ETH_P.ipv6);
  writer.u32be(0x60000000);
  writer.u16be(ND.bytes + 8);
  writer.u8(IPV6.icmp);
  writer.u8(IPV6.hopLimit);
  writer.raw(address);
  writer.raw(ip);
  writer.u8(ND.advertisement);
  writer.zeros(3);
  writer.u32be(flags);
  writer.raw(address);
  writer.u8(ND.targetLinkLayer);
  writer.u8(1);
  writer.raw(own);
  const frame = writer.view();
  new DataView(frame.buffer, frame.byteOffset).setUint16(ETHERNET + IPV6.header + 2, icmpChecksum(frame));
  return frame;
}

/** Over the pseudo-header (RFC 8200 §8.1): addresses, length and protocol, then the message. */
function icmpChecksum(frame: Uint8Array): number {
  const message = frame.subarray(ETHERNET + IPV6.header);
  const addresses = frame.subarray(ETHERNET + 8, ETHERNET + IPV6.header);
  let sum = message.length + IPV6.icmp;
  for (const part of [addresses, message])
    for (let i = 0; i < part.length; i += 2) sum += (part[i]! << 8) | part[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
