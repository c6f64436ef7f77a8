import { Attributes, ByteReader, attribute, attributeNest, attributeU32 } from '../../base/bytes/index.ts';
import type { ByteWriter } from '../../base/bytes/index.ts';
import { bitsOf, ipFromBytes, ipToBytes } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import { AF_INET, AF_INET6 } from '../libc.ts';
import { SCOPES, familyNumber, scopeName } from './address-codec.ts';
import type { Resolver } from './link-codec.ts';
import { MAIN_TABLE } from './port.ts';
import type { Route, RouteEntry } from './port.ts';

/** RTA_* (linux/rtnetlink.h). */
const RTA = {
  DST: 1,
  SRC: 2,
  OIF: 4,
  GATEWAY: 5,
  PRIORITY: 6,
  PREFSRC: 7,
  METRICS: 8,
  MULTIPATH: 9,
  CACHEINFO: 12,
  TABLE: 15,
  MARK: 16,
  VIA: 18,
} as const;
const RTAX_MTU = 2;
const RTNH_F_ONLINK = 4;
const RTM_F_CLONED = 0x200;
/** `struct rta_cacheinfo`: two counters come before `expires`. */
const EXPIRES_AT = 8;
const RT_SCOPE_NOWHERE = 255;
const RTPROT_BOOT = 3;
/** Table number in the header for tables beyond 255, whose real number is in RTA_TABLE. */
const RT_TABLE_COMPAT = 252;

const TYPES = { unicast: 1, local: 2, blackhole: 6, unreachable: 7, prohibit: 8, throw: 9 } as const;
const TYPE_NAMES = new Map(Object.entries(TYPES).map(([name, type]) => [type as number, name as keyof typeof TYPES]));

/** Payload of RTM_NEWROUTE and RTM_DELROUTE: `struct rtmsg`, then attributes. A delete matches any scope and, unless given, any protocol. */
export function encodeRoute(
  writer: ByteWriter,
  route: Route,
  resolver: Resolver,
  purpose: 'create' | 'delete' = 'create',
): void {
  const { ip, prefix } = route.destination;
  const table = route.table ?? MAIN_TABLE;
  const removing = purpose === 'delete';
  writer.u8(familyNumber(ip.family));
  writer.u8(prefix);
  writer.u16(0);
  writer.u8(table > 255 ? RT_TABLE_COMPAT : table);
  writer.u8(route.protocol ?? (removing ? 0 : RTPROT_BOOT));
  writer.u8(removing ? RT_SCOPE_NOWHERE : scopeOf(route));
  writer.u8(removing && route.type === undefined ? 0 : TYPES[route.type ?? 'unicast']);
  writer.u32(route.onlink === true ? RTNH_F_ONLINK : 0);
  if (prefix > 0) attribute(writer, RTA.DST, ipToBytes(ip));
  attributeU32(writer, RTA.TABLE, table);
  if (route.via !== undefined) writeVia(writer, ip.family, route.via);
  if (route.link !== undefined) attributeU32(writer, RTA.OIF, resolver.indexOf(route.link));
  if (route.source !== undefined) attribute(writer, RTA.PREFSRC, ipToBytes(route.source));
  if (route.metric !== undefined) attributeU32(writer, RTA.PRIORITY, route.metric);
  const { mtu } = route;
  if (mtu !== undefined && !removing) attributeNest(writer, RTA.METRICS, () => attributeU32(writer, RTAX_MTU, mtu));
}

/** Payload of the RTM_GETROUTE that dumps; with strict checking the kernel applies the filter itself. */
export function encodeRouteDump(
  writer: ByteWriter,
  filter: { readonly family: Family; readonly table?: number; readonly protocol?: number; readonly link?: number },
): void {
  writer.u32(familyNumber(filter.family));
  writer.u8(0);
  writer.u8(filter.protocol ?? 0);
  writer.u16(0);
  writer.u32(0);
  if (filter.table !== undefined) attributeU32(writer, RTA.TABLE, filter.table);
  if (filter.link !== undefined) attributeU32(writer, RTA.OIF, filter.link);
}

/** Payload of the RTM_GETROUTE that looks up the route of one packet. */
export function encodeRouteLookup(
  writer: ByteWriter,
  destination: Ip,
  options: { readonly mark?: number; readonly source?: Ip },
): void {
  const bits = bitsOf(destination.family);
  writer.u8(familyNumber(destination.family));
  writer.u8(bits);
  writer.u8(options.source === undefined ? 0 : bits);
  writer.u8(0);
  writer.u32(0);
  writer.u32(0);
  attribute(writer, RTA.DST, ipToBytes(destination));
  if (options.source !== undefined) attribute(writer, RTA.SRC, ipToBytes(options.source));
  if (options.mark !== undefined) attributeU32(writer, RTA.MARK, options.mark);
}

/** The route that an RTM_NEWROUTE or RTM_DELROUTE describes; undefined for families and types that Sluice does not use. */
export function decodeRoute(payload: Uint8Array): RouteEntry | undefined {
  const reader = new ByteReader(payload);
  const family = reader.u8();
  const prefix = reader.u8();
  reader.skip(2);
  const table = reader.u8();
  const protocol = reader.u8();
  const scope = reader.u8();
  const type = TYPE_NAMES.get(reader.u8());
  const flags = reader.u32();
  if ((family !== AF_INET && family !== AF_INET6) || type === undefined) return undefined;
  const attributes = new Attributes(payload.subarray(12));
  const hop = firstHop(attributes, flags);
  const destination = attributes.bytes(RTA.DST);
  const source = attributes.bytes(RTA.PREFSRC);
  const metric = attributes.u32(RTA.PRIORITY);
  const mtu = attributes.nested(RTA.METRICS)?.u32(RTAX_MTU);
  const ip = destination === undefined ? zeroOf(family) : ipFromBytes(destination);
  // The kernel shows unreachable kinds of IPv6 route on lo; IPv4's have no device.
  const link = type === 'unicast' || type === 'local' ? hop.link : undefined;
  return {
    destination: { ip, prefix },
    type,
    protocol,
    table: attributes.u32(RTA.TABLE) ?? table,
    scope: scopeName(scope),
    ...(hop.via === undefined ? {} : { via: hop.via }),
    ...(link === undefined ? {} : { link }),
    ...(hop.onlink ? { onlink: true } : {}),
    ...(source === undefined ? {} : { source: ipFromBytes(source) }),
    ...(metric === undefined || metric === 0 ? {} : { metric }),
    ...(mtu === undefined || mtu === 0 ? {} : { mtu }),
    ...(mtu !== undefined && mtu > 0 && isLearnt(attributes, flags) ? { mtuLearnt: true as const } : {}),
  };
}

/** What the kernel was told by ICMP expires. */
function isLearnt(attributes: Attributes, flags: number): boolean {
  const cache = attributes.bytes(RTA.CACHEINFO);
  if ((flags & RTM_F_CLONED) === 0 || cache === undefined || cache.length < EXPIRES_AT + 4) return false;
  const reader = new ByteReader(cache);
  reader.skip(EXPIRES_AT);
  return reader.i32() > 0;
}

function scopeOf(route: Route): number {
  if (route.scope !== undefined) return SCOPES[route.scope];
  if (route.type === 'local') return SCOPES.host;
  const direct = route.type === undefined || route.type === 'unicast';
  // IPv6 has no scopes; IPv4 refuses a gateway route of link scope and treats a direct one of global scope as odd.
  return direct && route.via === undefined && route.destination.ip.family === 4 ? SCOPES.link : SCOPES.global;
}

function writeVia(writer: ByteWriter, family: Family, via: Ip): void {
  if (via.family === family) return attribute(writer, RTA.GATEWAY, ipToBytes(via));
  const start = beginPlain(writer);
  writer.u16(familyNumber(via.family));
  writer.raw(ipToBytes(via));
  writer.patch16(start, writer.length - start);
  writer.align(4);
}

/** RTA_VIA (`struct rtvia`): the gateway of another family than the route. */
function beginPlain(writer: ByteWriter): number {
  const start = writer.length;
  writer.u16(0);
  writer.u16(RTA.VIA);
  return start;
}

interface Hop {
  readonly via: Ip | undefined;
  readonly link: number | undefined;
  readonly onlink: boolean;
}

function firstHop(attributes: Attributes, flags: number): Hop {
  const multipath = attributes.bytes(RTA.MULTIPATH);
  if (multipath === undefined)
    return { via: viaOf(attributes), link: attributes.u32(RTA.OIF), onlink: (flags & RTNH_F_ONLINK) !== 0 };
  // struct rtnexthop: length u16, flags u8, hops u8, ifindex i32, attributes.
  const reader = new ByteReader(multipath);
  const length = reader.u16();
  const hopFlags = reader.u8();
  reader.skip(1);
  const link = reader.i32();
  return {
    via: viaOf(new Attributes(multipath.subarray(8, length))),
    link,
    onlink: (hopFlags & RTNH_F_ONLINK) !== 0,
  };
}

function viaOf(attributes: Attributes): Ip | undefined {
  const gateway = attributes.bytes(RTA.GATEWAY) ?? attributes.bytes(RTA.VIA)?.subarray(2);
  return gateway === undefined ? undefined : ipFromBytes(gateway);
}

function zeroOf(family: number): Ip {
  return { family: family === AF_INET ? 4 : 6, value: 0n };
}
