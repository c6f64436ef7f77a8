import { Attributes, ByteReader, attribute } from '../../base/bytes/index.ts';
import type { ByteWriter } from '../../base/bytes/index.ts';
import { ipFromBytes, ipToBytes } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import { AF_INET, AF_INET6 } from '../libc.ts';
import { familyNumber } from './address-codec.ts';
import { formatMac, parseMac } from './link-codec.ts';
import type { Resolver } from './link-codec.ts';
import type { FdbEntry, Neighbour, NeighbourEntry } from './port.ts';

/** NDA_*, NUD_* and NTF_* (linux/neighbour.h). */
const NDA_DST = 1;
const NDA_LLADDR = 2;
const NDA_IFINDEX = 8;
const NUD = { reachable: 2, stale: 4, noarp: 0x40, permanent: 0x80 } as const;
const NTF_SELF = 2;
const NTF_PROXY = 8;
const AF_BRIDGE = 7;

/** Payload of RTM_NEWNEIGH and RTM_DELNEIGH: `struct ndmsg`, then attributes. */
export function encodeNeighbour(writer: ByteWriter, neighbour: Neighbour, resolver: Resolver): void {
  const state = neighbour.state ?? 'permanent';
  const proxy = neighbour.proxy === true;
  writeNdmsg(writer, {
    family: familyNumber(neighbour.ip.family),
    index: resolver.indexOf(neighbour.link),
    state: state === 'other' ? NUD.stale : NUD[state],
    flags: proxy ? NTF_PROXY : 0,
  });
  attribute(writer, NDA_DST, ipToBytes(neighbour.ip));
  if (!proxy) attribute(writer, NDA_LLADDR, parseMac(neighbour.mac));
}

/** Payload of RTM_GETNEIGH. */
export function encodeNeighbourDump(writer: ByteWriter, family: Family | undefined, index: number | undefined): void {
  writeNdmsg(writer, { family: familyNumber(family), index: 0, state: 0, flags: 0 });
  if (index !== undefined) writeIndex(writer, index);
}

/** Payload of RTM_NEWNEIGH and RTM_DELNEIGH for a VXLAN device's forwarding entry. */
export function encodeFdb(writer: ByteWriter, entry: FdbEntry, resolver: Resolver): void {
  const index = resolver.indexOf(entry.link);
  writeNdmsg(writer, { family: AF_BRIDGE, index, state: NUD.permanent | NUD.noarp, flags: NTF_SELF });
  attribute(writer, NDA_LLADDR, parseMac(entry.mac));
  attribute(writer, NDA_DST, ipToBytes(entry.remote));
}

/** Payload of RTM_GETNEIGH for forwarding entries. The kernel takes the index in the header for this family. */
export function encodeFdbDump(writer: ByteWriter, index: number | undefined): void {
  writeNdmsg(writer, { family: AF_BRIDGE, index: index ?? 0, state: 0, flags: 0 });
}

/** The neighbour that an RTM_NEWNEIGH or RTM_DELNEIGH describes; undefined without an IP family or without a MAC. */
export function decodeNeighbour(payload: Uint8Array): NeighbourEntry | undefined {
  const { family, index, state, attributes } = readNdmsg(payload);
  const ip = attributes.bytes(NDA_DST);
  const mac = attributes.bytes(NDA_LLADDR);
  if ((family !== AF_INET && family !== AF_INET6) || ip === undefined || mac?.length !== 6) return undefined;
  return { link: index, ip: ipFromBytes(ip), mac: formatMac(mac), state: stateName(state) };
}

/** The forwarding entry that an RTM_NEWNEIGH of the bridge family describes; undefined when it has no remote address. */
export function decodeFdb(payload: Uint8Array): (FdbEntry & { readonly link: number }) | undefined {
  const { family, index, attributes } = readNdmsg(payload);
  const remote = attributes.bytes(NDA_DST);
  const mac = attributes.bytes(NDA_LLADDR);
  if (family !== AF_BRIDGE || remote === undefined || mac?.length !== 6) return undefined;
  return { link: index, mac: formatMac(mac), remote: ipFromBytes(remote) };
}

function writeNdmsg(
  writer: ByteWriter,
  header: { readonly family: number; readonly index: number; readonly state: number; readonly flags: number },
): void {
  writer.u32(header.family);
  writer.u32(header.index);
  writer.u16(header.state);
  writer.u8(header.flags);
  writer.u8(0);
}

function writeIndex(writer: ByteWriter, index: number): void {
  writer.u16(8);
  writer.u16(NDA_IFINDEX);
  writer.u32(index);
}

function readNdmsg(payload: Uint8Array): {
  readonly family: number;
  readonly index: number;
  readonly state: number;
  readonly attributes: Attributes;
} {
  const reader = new ByteReader(payload);
  const family = reader.u8();
  reader.skip(3);
  const index = reader.i32();
  const state = reader.u16();
  return { family, index, state, attributes: new Attributes(payload.subarray(12)) };
}

function stateName(state: number): NeighbourEntry['state'] {
  if ((state & NUD.permanent) !== 0) return 'permanent';
  if ((state & NUD.noarp) !== 0) return 'noarp';
  if ((state & NUD.reachable) !== 0) return 'reachable';
  return (state & NUD.stale) !== 0 ? 'stale' : 'other';
}
