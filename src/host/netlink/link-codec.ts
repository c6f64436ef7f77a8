import {
  Attributes,
  ByteReader,
  attribute,
  attributeNest,
  attributeText,
  attributeU16be,
  attributeU32,
  attributeU8,
  beginNest,
  endNest,
} from '../../base/bytes/index.ts';
import type { ByteWriter } from '../../base/bytes/index.ts';
import { ipFromBytes, ipToBytes } from '../../base/ip/index.ts';
import { SluiceError } from '../../base/errors.ts';
import type { NetnsRef } from '../netns/netns.ts';
import { USUAL_PACKET_SIZE } from './port.ts';
import type { IpipSettings, Link, LinkRef, NetworkChange, NewLink, NewLinkBase, VxlanSettings } from './port.ts';

/** What encoding needs from outside: interface indexes of names, and open descriptors of namespaces. */
export interface Resolver {
  indexOf(ref: LinkRef): number;
  netnsFd(ref: NetnsRef): number;
}

/** IFLA_* (linux/if_link.h). */
const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  TXQLEN: 13,
  LINKINFO: 18,
  IFALIAS: 20,
  AF_SPEC: 26,
  NET_NS_FD: 28,
  LINK_NETNSID: 37,
  GSO_IPV4_MAX_SIZE: 63,
  GRO_IPV4_MAX_SIZE: 64,
} as const;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
/** veth.h */
const VETH_INFO_PEER = 1;
/** IFLA_VXLAN_* (linux/if_link.h). */
const VXLAN = { ID: 1, LINK: 3, LOCAL: 4, LEARNING: 7, PORT: 15, LOCAL6: 17 } as const;
/** IFLA_IPTUN_* (linux/if_tunnel.h). */
const IPTUN = { LOCAL: 2, TTL: 4, PMTUDISC: 10 } as const;
const IFLA_MACVLAN_MODE = 1;
/** MACVLAN_MODE_* (linux/if_link.h). */
const MACVLAN_MODES = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const ADDR_GEN_MODES = { eui64: 0, none: 1 } as const;
const AF_INET6 = 10;

/** Interface flags (linux/if.h). */
const IFF_UP = 1;
const IFF_LOWER_UP = 0x10000;

/** Payload of the RTM_NEWLINK that creates `link`: `struct ifinfomsg`, then attributes (linux/rtnetlink.h, linux/if_link.h). */
export function encodeNewLink(writer: ByteWriter, link: NewLink, resolver: Resolver): void {
  writeIfinfo(writer, 0, link.up === true ? IFF_UP : 0, link.up === true ? IFF_UP : 0);
  attributeText(writer, IFLA.IFNAME, link.name);
  writeCommon(writer, link, resolver);
  if (link.txqlen !== undefined) attributeU32(writer, IFLA.TXQLEN, link.txqlen);
  if (link.type === 'macvlan') {
    attributeU32(writer, IFLA.LINK, resolver.indexOf(link.parent));
    if (link.netns !== undefined) attributeU32(writer, IFLA.NET_NS_FD, resolver.netnsFd(link.netns));
  }
  attributeNest(writer, IFLA.LINKINFO, () => {
    attributeText(writer, IFLA_INFO_KIND, link.type);
    if (!isBare(link)) attributeNest(writer, IFLA_INFO_DATA, () => writeKind(writer, link, resolver));
  });
}

/** Kinds of which the kernel wants to know no more than that. */
type BareLink = Extract<NewLink, { type: 'bridge' | 'ifb' | 'wireguard' | 'tun' | 'ovs' }>;

function isBare(link: NewLink): link is BareLink {
  return ['bridge', 'ifb', 'wireguard', 'tun', 'ovs'].includes(link.type);
}

/** Payload of the RTM_NEWLINK that changes an existing link. */
export function encodeSetLink(
  writer: ByteWriter,
  change: Extract<NetworkChange, { kind: 'set-link' }>,
  resolver: Resolver,
): void {
  writeIfinfo(
    writer,
    resolver.indexOf(change.link),
    change.up === true ? IFF_UP : 0,
    change.up === undefined ? 0 : IFF_UP,
  );
  if (change.name !== undefined) attributeText(writer, IFLA.IFNAME, change.name);
  const { master, ...rest } = change;
  writeCommon(writer, master === undefined || master === null ? rest : { ...rest, master }, resolver);
  if (master === null) attributeU32(writer, IFLA.MASTER, 0);
  if (change.netns !== undefined) attributeU32(writer, IFLA.NET_NS_FD, resolver.netnsFd(change.netns));
  const mode = change.ipv6AddressGeneration;
  if (mode !== undefined)
    attributeNest(writer, IFLA.AF_SPEC, () =>
      attributeNest(writer, AF_INET6, () => attributeU8(writer, IFLA_INET6_ADDR_GEN_MODE, ADDR_GEN_MODES[mode])),
    );
}

/** Payload that names one link by index: deletes and look-ups. Index 0 asks for all, or for the one named by attribute. */
export function encodeLinkIndex(writer: ByteWriter, index: number, name?: string): void {
  writeIfinfo(writer, index, 0, 0);
  if (name !== undefined) attributeText(writer, IFLA.IFNAME, name);
}

/** Payload that dumps the links of one kind, or of all. */
export function encodeLinkDump(writer: ByteWriter, kind: string | undefined): void {
  writeIfinfo(writer, 0, 0, 0);
  if (kind !== undefined) attributeNest(writer, IFLA.LINKINFO, () => attributeText(writer, IFLA_INFO_KIND, kind));
}

/** The link that an RTM_NEWLINK or RTM_DELLINK describes. */
export function decodeLink(payload: Uint8Array): Link {
  const reader = new ByteReader(payload);
  reader.skip(4);
  const index = reader.i32();
  const flags = reader.u32();
  const attributes = new Attributes(payload.subarray(16));
  const info = attributes.nested(IFLA.LINKINFO);
  const mac = attributes.bytes(IFLA.ADDRESS);
  const kind = info?.text(IFLA_INFO_KIND);
  const data = kind === 'vxlan' || kind === 'ipip' ? info?.nested(IFLA_INFO_DATA) : undefined;
  return {
    index,
    name: attributes.text(IFLA.IFNAME) ?? '',
    kind,
    mac: mac?.length === 6 ? formatMac(mac) : undefined,
    mtu: attributes.u32(IFLA.MTU) ?? 0,
    ...decodePacketSize(attributes),
    up: (flags & IFF_UP) !== 0,
    carrier: (flags & IFF_LOWER_UP) !== 0,
    master: attributes.u32(IFLA.MASTER),
    lower: attributes.u32(IFLA.LINK),
    lowerNetnsId: attributes.i32(IFLA.LINK_NETNSID),
    alias: attributes.text(IFLA.IFALIAS),
    vxlan: data === undefined || kind !== 'vxlan' ? undefined : decodeVxlan(data),
    ...(data === undefined || kind !== 'ipip' ? {} : { ipip: decodeIpip(data) }),
  };
}

/** Kernels before 6.3 know no other than the usual one. */
function decodePacketSize(attributes: Attributes): Pick<Link, 'packetSize'> {
  const packetSize = attributes.u32(IFLA.GSO_IPV4_MAX_SIZE) ?? USUAL_PACKET_SIZE;
  return packetSize > USUAL_PACKET_SIZE ? { packetSize } : {};
}

/** Six bytes as `aa:bb:cc:dd:ee:ff`. */
export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** Inverse of {@link formatMac}; throws `invalid` for any other text. */
export function parseMac(text: string): Uint8Array {
  if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(text))
    throw new SluiceError('invalid', `"${text}" is not a hardware address`);
  return Uint8Array.from(text.split(':'), (byte) => Number.parseInt(byte, 16));
}

function writeIfinfo(writer: ByteWriter, index: number, flags: number, change: number): void {
  writer.u32(0);
  writer.u32(index);
  writer.u32(flags);
  writer.u32(change);
}

function writeCommon(
  writer: ByteWriter,
  link: Pick<NewLinkBase, 'mac' | 'mtu' | 'packetSize' | 'master'> & { readonly alias?: string },
  resolver: Resolver,
): void {
  if (link.mac !== undefined) attribute(writer, IFLA.ADDRESS, parseMac(link.mac));
  if (link.mtu !== undefined) attributeU32(writer, IFLA.MTU, link.mtu);
  if (link.packetSize !== undefined)
    for (const each of [IFLA.GSO_IPV4_MAX_SIZE, IFLA.GRO_IPV4_MAX_SIZE]) attributeU32(writer, each, link.packetSize);
  if (link.master !== undefined) attributeU32(writer, IFLA.MASTER, resolver.indexOf(link.master));
  if (link.alias !== undefined) attributeText(writer, IFLA.IFALIAS, link.alias);
}

function writeKind(writer: ByteWriter, link: Exclude<NewLink, BareLink>, resolver: Resolver): void {
  switch (link.type) {
    case 'veth': {
      const peer = beginNest(writer, VETH_INFO_PEER);
      // Not IFF_UP: the kernel answers ENOTCONN for a peer that is born up.
      writeIfinfo(writer, 0, 0, 0);
      attributeText(writer, IFLA.IFNAME, link.peer.name);
      writeCommon(writer, link.peer, resolver);
      if (link.peer.netns !== undefined) attributeU32(writer, IFLA.NET_NS_FD, resolver.netnsFd(link.peer.netns));
      endNest(writer, peer);
      return;
    }
    case 'vxlan':
      return writeVxlan(writer, link.vxlan, resolver);
    case 'ipip':
      return writeIpip(writer, link.ipip);
    case 'macvlan':
      return attributeU32(writer, IFLA_MACVLAN_MODE, MACVLAN_MODES[link.mode]);
  }
}

function writeVxlan(writer: ByteWriter, vxlan: VxlanSettings, resolver: Resolver): void {
  attributeU32(writer, VXLAN.ID, vxlan.vni);
  attributeU16be(writer, VXLAN.PORT, vxlan.port);
  attributeU8(writer, VXLAN.LEARNING, 0);
  if (vxlan.device !== undefined) attributeU32(writer, VXLAN.LINK, resolver.indexOf(vxlan.device));
  if (vxlan.local !== undefined)
    attribute(writer, vxlan.local.family === 4 ? VXLAN.LOCAL : VXLAN.LOCAL6, ipToBytes(vxlan.local));
}

function decodeVxlan(data: Attributes): VxlanSettings {
  const local = data.bytes(VXLAN.LOCAL) ?? data.bytes(VXLAN.LOCAL6);
  const device = data.u32(VXLAN.LINK);
  return {
    vni: data.u32(VXLAN.ID) ?? 0,
    port: data.u16be(VXLAN.PORT) ?? 0,
    ...(local === undefined ? {} : { local: ipFromBytes(local) }),
    ...(device === undefined || device === 0 ? {} : { device }),
  };
}

function writeIpip(writer: ByteWriter, { local }: IpipSettings): void {
  if (local !== undefined) attribute(writer, IPTUN.LOCAL, ipToBytes(local));
  // 0: as the wrapped packet's. With a fixed far end that could loop; without one, it is what other implementations do.
  attributeU8(writer, IPTUN.TTL, 0);
  attributeU8(writer, IPTUN.PMTUDISC, 1);
}

function decodeIpip(data: Attributes): IpipSettings {
  const local = data.bytes(IPTUN.LOCAL);
  return local === undefined || local.every((byte) => byte === 0) ? {} : { local: ipFromBytes(local) };
}
