import type { Ip } from '../../base/ip/index.ts';

/** The link-local IPv6 address that a device makes from its hardware address, `66:0a:…` (RFC 4291, appendix A). */
export function linkLocalOf(mac: string): Ip {
  const [a = 0, b = 0, c = 0, ...rest] = mac.split(':').map((each) => Number.parseInt(each, 16));
  const bytes = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, ...rest];
  return { family: 6, value: bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n) };
}
