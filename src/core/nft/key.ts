import type { Ip } from '../../base/ip/index.ts';
import type { ElementKey } from './model.ts';

/** An address as key bytes: 8 or 32 hex digits. */
export function addressKey(ip: Ip): ElementKey {
  // Small numbers turn into text several times faster than big ones, and there are many of these.
  return ip.family === 4 ? Number(ip.value).toString(16).padStart(8, '0') : ip.value.toString(16).padStart(32, '0');
}

/** A hardware address, `66:0a:…`, as key bytes: six and their padding. */
export function etherKey(mac: string): ElementKey {
  return `${mac.replaceAll(':', '').toLowerCase()}0000`;
}

/** An interface name as key bytes: 16 bytes, padded with NUL. Throws a RangeError past the kernel's 15 characters. */
export function ifnameKey(name: string): ElementKey {
  if (name.length === 0 || name.length > 15)
    throw new RangeError(`an interface name has 1 to 15 characters: '${name}'`);
  let hex = '';
  for (let i = 0; i < name.length; i++) hex += name.charCodeAt(i).toString(16).padStart(2, '0');
  return hex.padEnd(32, '0');
}

/** A protocol number as key bytes: one byte and its padding. */
export function protoKey(protocol: number): ElementKey {
  return `${protocol.toString(16).padStart(2, '0')}000000`;
}

/** A port as key bytes: two bytes in network order and their padding. */
export function portKey(port: number): ElementKey {
  return `${port.toString(16).padStart(4, '0')}0000`;
}

/** A 32-bit number in the byte order of the host; every platform that Sluice runs on is little-endian. */
export function hostKey(value: number): ElementKey {
  return SMALL[value] ?? encodeHost(value);
}

/** Most are numbers of backends. */
const SMALL: readonly ElementKey[] = Array.from({ length: 256 }, (_, value) => encodeHost(value));

function encodeHost(value: number): ElementKey {
  const hex = (value >>> 0).toString(16).padStart(8, '0');
  return hex.slice(6, 8) + hex.slice(4, 6) + hex.slice(2, 4) + hex.slice(0, 2);
}

/** The key of an interval, both ends inclusive. */
export function rangeKey(first: ElementKey, last: ElementKey): ElementKey {
  return `${first}-${last}`;
}

/** Inverse of {@link addressKey}. */
export function addressOfKey(key: ElementKey): Ip {
  return { family: key.length === 8 ? 4 : 6, value: BigInt(`0x${key}`) };
}
