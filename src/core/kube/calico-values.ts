import { hostCidr, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';

/** A port of a Calico rule: a number, a range with both ends, or a name. */
export type CalicoPort = { readonly first: number; readonly last: number } | { readonly name: string };

/** Names of protocols that Calico knows, with IANA numbers; upper and lower case are the same to it. */
const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1, icmpv6: 58, sctp: 132, udplite: 136 };

/** The IANA number of a protocol as Calico's rules name it, 1 to 255; undefined when it is none. */
export function calicoProtocol(value: unknown): number | undefined {
  if (typeof value === 'string' && Object.hasOwn(PROTOCOLS, value.toLowerCase())) return PROTOCOLS[value.toLowerCase()];
  const number = typeof value === 'string' && /^\d{1,3}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) return undefined;
  return number >= 1 && number <= 255 ? number : undefined;
}

/** A port as Calico's rules write it: 80, "80", "80:90" or "http"; or what is wrong with it. */
export function calicoPort(value: unknown): CalicoPort | string {
  if (typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value))) {
    const number = Number(value);
    return isPort(number) ? { first: number, last: number } : 'must be between 1 and 65535';
  }
  const range = typeof value === 'string' ? /^(\d+):(\d+)$/.exec(value) : null;
  if (range !== null) {
    const [first, last] = [Number(range[1]), Number(range[2])];
    if (!isPort(first) || !isPort(last)) return 'both ends of the range must be between 1 and 65535';
    return first <= last ? { first, last } : `the range begins with ${first}, after its end ${last}`;
  }
  // Calico's own pattern, which is wider than that of container ports.
  if (typeof value === 'string' && /^[A-Za-z0-9_.-]{1,128}$/.test(value)) return { name: value };
  return 'must be a number, a range such as "8080:8090", or the name of a port';
}

/** A block, or an address by itself as the block of that one; host bits are kept. Undefined when it is neither. */
export function calicoNet(value: unknown): Cidr | undefined {
  if (typeof value !== 'string') return undefined;
  const ip = parseIp(value);
  return ip === undefined ? parseCidr(value) : hostCidr(ip);
}

function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 65535;
}
