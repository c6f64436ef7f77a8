import {
  Attributes,
  ByteReader,
  attribute,
  attributeNest,
  attributeText,
  attributeU32,
  attributeU8,
} from '../../base/bytes/index.ts';
import type { ByteWriter } from '../../base/bytes/index.ts';
import { ipFromBytes, ipToBytes } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import { AF_INET, AF_INET6 } from '../libc.ts';
import { decodeSockaddr, encodeSockaddr } from '../probe/sockaddr.ts';
import { keyBytes } from './key.ts';
import type { WireguardChange, WireguardDevice, WireguardPeer, WireguardPeerChange } from './port.ts';

/** enum wg_cmd, WG_GENL_VERSION (linux/wireguard.h). */
export const WG_CMD = { GET_DEVICE: 0, SET_DEVICE: 1 } as const;
const VERSION = 1;
/** enum wgdevice_attribute. */
const DEVICE = { IFNAME: 2, PRIVATE_KEY: 3, PUBLIC_KEY: 4, LISTEN_PORT: 6, FWMARK: 7, PEERS: 8 } as const;
/** enum wgpeer_attribute. */
const PEER = {
  PUBLIC_KEY: 1,
  PRESHARED_KEY: 2,
  FLAGS: 3,
  ENDPOINT: 4,
  KEEPALIVE: 5,
  LAST_HANDSHAKE: 6,
  RX_BYTES: 7,
  TX_BYTES: 8,
  ALLOWEDIPS: 9,
} as const;
/** enum wgpeer_flag. */
const REMOVE_ME = 1;
const REPLACE_ALLOWEDIPS = 2;
/** enum wgallowedip_attribute. */
const ALLOWEDIP = { FAMILY: 1, ADDRESS: 2, MASK: 3 } as const;

/** `struct genlmsghdr` (linux/genetlink.h) for a command of WireGuard's, and the device's name. */
export function encodeDevice(writer: ByteWriter, command: number, name: string): void {
  writer.u8(command);
  writer.u8(VERSION);
  writer.u16(0);
  attributeText(writer, DEVICE.IFNAME, name);
}

/** The device's own settings, after {@link encodeDevice}. */
export function encodeSettings(writer: ByteWriter, { privateKey, listenPort, firewallMark }: WireguardChange): void {
  if (privateKey !== undefined) attribute(writer, DEVICE.PRIVATE_KEY, keyBytes(privateKey));
  if (listenPort !== undefined) attribute(writer, DEVICE.LISTEN_PORT, littleEndian16(listenPort));
  if (firewallMark !== undefined) attributeU32(writer, DEVICE.FWMARK, firewallMark);
}

/** The changes of peers, after {@link encodeDevice}. */
export function encodePeers(writer: ByteWriter, peers: readonly WireguardPeerChange[]): void {
  attributeNest(writer, DEVICE.PEERS, () => {
    for (const peer of peers) attributeNest(writer, 0, () => encodePeer(writer, peer));
  });
}

/** Bytes that a peer takes at most in {@link encodePeers}. */
export function peerSize(peer: WireguardPeerChange): number {
  return 132 + ('remove' in peer ? 0 : 48 * peer.allowedIps.length);
}

/** The device that the messages of one dump describe: each says it again, and the peers go on from one to the next. */
export function decodeDevice(payloads: readonly Uint8Array[]): WireguardDevice {
  const peers = new Map<string, WireguardPeer>();
  let device: Omit<WireguardDevice, 'peers'> = { publicKey: undefined, listenPort: 0, firewallMark: 0 };
  for (const payload of payloads) {
    const attributes = new Attributes(payload.subarray(4));
    // Those after the first say only which device it is.
    if (attributes.has(DEVICE.LISTEN_PORT))
      device = {
        publicKey: base64(attributes.bytes(DEVICE.PUBLIC_KEY)),
        listenPort: attributes.u16(DEVICE.LISTEN_PORT) ?? 0,
        firewallMark: attributes.u32(DEVICE.FWMARK) ?? 0,
      };
    for (const [, bytes] of attributes.list(DEVICE.PEERS)) {
      const peer = decodePeer(new Attributes(bytes));
      const known = peers.get(peer.publicKey);
      peers.set(
        peer.publicKey,
        known === undefined ? peer : { ...known, allowedIps: [...known.allowedIps, ...peer.allowedIps] },
      );
    }
  }
  return { ...device, peers: [...peers.values()] };
}

function encodePeer(writer: ByteWriter, peer: WireguardPeerChange): void {
  attribute(writer, PEER.PUBLIC_KEY, keyBytes(peer.publicKey));
  if ('remove' in peer) return attributeU32(writer, PEER.FLAGS, REMOVE_ME);
  attributeU32(writer, PEER.FLAGS, REPLACE_ALLOWEDIPS);
  const { endpoint, allowedIps, keepaliveSeconds, presharedKey } = peer;
  if (presharedKey !== undefined) attribute(writer, PEER.PRESHARED_KEY, keyBytes(presharedKey));
  if (endpoint !== undefined) attribute(writer, PEER.ENDPOINT, encodeSockaddr(endpoint.ip, endpoint.port));
  if (keepaliveSeconds !== undefined) attribute(writer, PEER.KEEPALIVE, littleEndian16(keepaliveSeconds));
  attributeNest(writer, PEER.ALLOWEDIPS, () => {
    for (const cidr of allowedIps) attributeNest(writer, 0, () => encodeAllowedIp(writer, cidr));
  });
}

function encodeAllowedIp(writer: ByteWriter, { ip, prefix }: Cidr): void {
  attribute(writer, ALLOWEDIP.FAMILY, littleEndian16(ip.family === 4 ? AF_INET : AF_INET6));
  attribute(writer, ALLOWEDIP.ADDRESS, ipToBytes(ip));
  attributeU8(writer, ALLOWEDIP.MASK, prefix);
}

function decodePeer(attributes: Attributes): WireguardPeer {
  const endpoint = attributes.bytes(PEER.ENDPOINT);
  const presharedKey = base64(attributes.bytes(PEER.PRESHARED_KEY));
  return {
    publicKey: base64(attributes.bytes(PEER.PUBLIC_KEY)) ?? '',
    endpoint: endpoint === undefined ? undefined : decodeSockaddr(endpoint),
    allowedIps: attributes.list(PEER.ALLOWEDIPS).flatMap(([, bytes]) => decodeAllowedIp(new Attributes(bytes)) ?? []),
    // struct __kernel_timespec: seconds, nanoseconds; zero for never.
    lastHandshake: Number(host64(attributes.bytes(PEER.LAST_HANDSHAKE))) || undefined,
    keepaliveSeconds: attributes.u16(PEER.KEEPALIVE) ?? 0,
    ...(presharedKey === undefined ? {} : { presharedKey }),
    receivedBytes: host64(attributes.bytes(PEER.RX_BYTES)),
    sentBytes: host64(attributes.bytes(PEER.TX_BYTES)),
  };
}

function decodeAllowedIp(attributes: Attributes): Cidr | undefined {
  const address = attributes.bytes(ALLOWEDIP.ADDRESS);
  const prefix = attributes.u8(ALLOWEDIP.MASK);
  return address === undefined || prefix === undefined ? undefined : { ip: ipFromBytes(address), prefix };
}

function host64(bytes: Uint8Array | undefined): bigint {
  return bytes === undefined ? 0n : new ByteReader(bytes).u64();
}

function littleEndian16(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, value >> 8);
}

/** Undefined for a key of zeros, which stands for none. */
function base64(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined || bytes.every((byte) => byte === 0) ? undefined : Buffer.from(bytes).toString('base64');
}
