import {
  Attributes,
  ByteReader,
  attribute,
  attributeNest,
  attributeText,
  attributeU16be,
  attributeU32,
} from '../../base/bytes/index.ts';
import type { ByteWriter } from '../../base/bytes/index.ts';
import { ipFromBytes, ipToBytes } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { ServiceProtocol } from '../../core/service/model.ts';
import { AF_INET, AF_INET6 } from '../libc.ts';
import type { IpvsChange, IpvsDestination, IpvsServer, IpvsServerId } from './port.ts';

/** IPVS_CMD_*, IPVS_GENL_VERSION (linux/ip_vs.h). */
const CMD = {
  NEW_SERVICE: 1,
  SET_SERVICE: 2,
  DEL_SERVICE: 3,
  GET_SERVICE: 4,
  NEW_DEST: 5,
  SET_DEST: 6,
  DEL_DEST: 7,
  GET_DEST: 8,
} as const;
const VERSION = 1;
/** IPVS_CMD_ATTR_*, IPVS_SVC_ATTR_*, IPVS_DEST_ATTR_*. */
const ATTR = { SERVICE: 1, DEST: 2 } as const;
const SERVICE = { AF: 1, PROTOCOL: 2, ADDR: 3, PORT: 4, SCHED_NAME: 6, FLAGS: 7, TIMEOUT: 8, NETMASK: 9 } as const;
const DEST = {
  ADDR: 1,
  PORT: 2,
  FWD_METHOD: 3,
  WEIGHT: 4,
  U_THRESH: 5,
  L_THRESH: 6,
  ACTIVE_CONNS: 7,
  INACT_CONNS: 8,
  ADDR_FAMILY: 11,
} as const;
/** IP_VS_CONN_F_MASQ: translate the address. */
const MASQUERADE = 0;
/**
 * IP_VS_SVC_F_PERSISTENT and IP_VS_SVC_F_SCHED1, by which `sh` and `mh` pass over destinations that take nothing new
 * (IP_VS_SVC_F_SCHED_SH_FALLBACK, …_MH_FALLBACK).
 */
const PERSISTENT = 0x1;
const FALLBACK = 0x8;
/** A flag that means nothing to the kernel, which keeps it and tells it: the server was made by Sluice. */
export const SLUICE = 0x10_0000;
const WITH_FALLBACK: readonly string[] = ['sh', 'mh'];
const PROTOCOLS: Readonly<Record<ServiceProtocol, number>> = { TCP: 6, UDP: 17, SCTP: 132 };
/** `union nf_inet_addr`: IPv4 addresses are the first four bytes of it. */
const ADDRESS_BYTES = 16;

const COMMANDS = {
  'add-server': CMD.NEW_SERVICE,
  'set-server': CMD.SET_SERVICE,
  'delete-server': CMD.DEL_SERVICE,
  'add-destination': CMD.NEW_DEST,
  'set-destination': CMD.SET_DEST,
  'delete-destination': CMD.DEL_DEST,
} as const;

/**
 * The request for one step: `struct genlmsghdr`, then the server, whose maker `owner` tells, and, where there is one, its
 * destination.
 */
export function encodeChange(writer: ByteWriter, change: IpvsChange, owner: number): void {
  header(writer, COMMANDS[change.kind]);
  attributeNest(writer, ATTR.SERVICE, () => {
    encodeId(writer, change.server);
    if ('scheduler' in change.server) encodeSettings(writer, change.server, owner);
  });
  if ('destination' in change) attributeNest(writer, ATTR.DEST, () => encodeDestination(writer, change.destination));
}

/** The request for all servers. */
export function encodeServersRequest(writer: ByteWriter): void {
  header(writer, CMD.GET_SERVICE);
}

/** The request for a server's destinations. */
export function encodeDestinationsRequest(writer: ByteWriter, server: IpvsServerId): void {
  header(writer, CMD.GET_DEST);
  attributeNest(writer, ATTR.SERVICE, () => encodeId(writer, server));
}

/** A server of an answer; undefined where another than `owner` made it. */
export function decodeServer(payload: Uint8Array, owner: number): IpvsServer | undefined {
  const service = new Attributes(new Attributes(payload.subarray(4)).bytes(ATTR.SERVICE) ?? new Uint8Array());
  const flags = new ByteReader(service.bytes(SERVICE.FLAGS) ?? new Uint8Array(8)).u32();
  const number = service.u16(SERVICE.PROTOCOL);
  const protocol = (Object.keys(PROTOCOLS) as ServiceProtocol[]).find((each) => PROTOCOLS[each] === number);
  const address = decodeAddress(service.bytes(SERVICE.ADDR), service.u16(SERVICE.AF));
  if ((flags & owner) === 0 || protocol === undefined || address === undefined) return undefined;
  return {
    address,
    protocol,
    port: service.u16be(SERVICE.PORT) ?? 0,
    scheduler: service.text(SERVICE.SCHED_NAME) ?? '',
    ...((flags & PERSISTENT) === 0 ? {} : { persistSeconds: service.u32(SERVICE.TIMEOUT) ?? 0 }),
  };
}

/** A destination of an answer about a server of the family. */
export function decodeDestination(
  payload: Uint8Array,
  family: Ip['family'],
): (IpvsDestination & { readonly connections: number }) | undefined {
  const dest = new Attributes(new Attributes(payload.subarray(4)).bytes(ATTR.DEST) ?? new Uint8Array());
  const address = decodeAddress(dest.bytes(DEST.ADDR), dest.u16(DEST.ADDR_FAMILY) ?? familyNumber(family));
  if (address === undefined) return undefined;
  return {
    address,
    port: dest.u16be(DEST.PORT) ?? 0,
    weight: dest.u32(DEST.WEIGHT) ?? 0,
    connections: (dest.u32(DEST.ACTIVE_CONNS) ?? 0) + (dest.u32(DEST.INACT_CONNS) ?? 0),
  };
}

function header(writer: ByteWriter, command: number): void {
  writer.u8(command);
  writer.u8(VERSION);
  writer.u16(0);
}

function encodeId(writer: ByteWriter, { address, protocol, port }: IpvsServerId): void {
  attributeU16(writer, SERVICE.AF, familyNumber(address.family));
  attributeU16(writer, SERVICE.PROTOCOL, PROTOCOLS[protocol]);
  attribute(writer, SERVICE.ADDR, padded(address));
  attributeU16be(writer, SERVICE.PORT, port);
}

function encodeSettings(writer: ByteWriter, { address, scheduler, persistSeconds }: IpvsServer, owner: number): void {
  const fallback = WITH_FALLBACK.includes(scheduler) ? FALLBACK : 0;
  attributeText(writer, SERVICE.SCHED_NAME, scheduler);
  // struct ip_vs_flags: the bits, and which of them count.
  writer.u16(12);
  writer.u16(SERVICE.FLAGS);
  writer.u32(owner | fallback | (persistSeconds === undefined ? 0 : PERSISTENT));
  writer.u32(0xffff_ffff);
  attributeU32(writer, SERVICE.TIMEOUT, persistSeconds ?? 0);
  // Each client for itself: a mask of IPv4, a length of IPv6.
  attributeU32(writer, SERVICE.NETMASK, address.family === 4 ? 0xffff_ffff : 128);
}

function encodeDestination(writer: ByteWriter, { address, port, weight }: IpvsDestination): void {
  attribute(writer, DEST.ADDR, padded(address));
  attributeU16be(writer, DEST.PORT, port);
  attributeU32(writer, DEST.FWD_METHOD, MASQUERADE);
  attributeU32(writer, DEST.WEIGHT, weight);
  attributeU32(writer, DEST.U_THRESH, 0);
  attributeU32(writer, DEST.L_THRESH, 0);
  attributeU16(writer, DEST.ADDR_FAMILY, familyNumber(address.family));
}

function decodeAddress(bytes: Uint8Array | undefined, family: number | undefined): Ip | undefined {
  if (bytes === undefined || (family !== AF_INET && family !== AF_INET6)) return undefined;
  return ipFromBytes(bytes.subarray(0, family === AF_INET ? 4 : ADDRESS_BYTES));
}

function familyNumber(family: Ip['family']): number {
  return family === 4 ? AF_INET : AF_INET6;
}

function padded(address: Ip): Uint8Array {
  const bytes = new Uint8Array(ADDRESS_BYTES);
  bytes.set(ipToBytes(address));
  return bytes;
}

function attributeU16(writer: ByteWriter, type: number, value: number): void {
  attribute(writer, type, Uint8Array.of(value & 0xff, value >> 8));
}
