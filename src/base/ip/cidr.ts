import { bitsOf, formatIp, parseIp } from './address.ts';
import type { Family, Ip } from './address.ts';

/** A block of addresses. Host bits may be set on a parsed value; {@link networkOf} clears them. */
export interface Cidr {
  readonly ip: Ip;
  /** Prefix length: 0 to 32, or 0 to 128. */
  readonly prefix: number;
}

/** Parses `address/length`; undefined when either half is malformed or the length exceeds the family's bits. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const ip = parseIp(text.slice(0, slash));
  const length = text.slice(slash + 1);
  if (ip === undefined || !/^(0|[1-9]\d{0,2})$/.test(length)) return undefined;
  const prefix = Number(length);
  return prefix > bitsOf(ip.family) ? undefined : { ip, prefix };
}

/** `address/length`, host bits kept as they are. */
export function formatCidr(cidr: Cidr): string {
  return `${formatIp(cidr.ip)}/${cidr.prefix}`;
}

/** The one-address block of `ip`: /32 or /128. */
export function hostCidr(ip: Ip): Cidr {
  return { ip, prefix: bitsOf(ip.family) };
}

/** The same block with its host bits cleared. */
export function networkOf(cidr: Cidr): Cidr {
  const { first } = rangeOf(cidr);
  return { ip: { family: cidr.ip.family, value: first }, prefix: cidr.prefix };
}

/** First and last address of the block, inclusive. */
export function rangeOf(cidr: Cidr): { readonly family: Family; readonly first: bigint; readonly last: bigint } {
  const hostBits = BigInt(bitsOf(cidr.ip.family) - cidr.prefix);
  const first = (cidr.ip.value >> hostBits) << hostBits;
  return { family: cidr.ip.family, first, last: first | ((1n << hostBits) - 1n) };
}

/** Whether `ip` lies in the block; never across families. */
export function cidrContains(cidr: Cidr, ip: Ip): boolean {
  if (cidr.ip.family !== ip.family) return false;
  const hostBits = BigInt(bitsOf(ip.family) - cidr.prefix);
  return cidr.ip.value >> hostBits === ip.value >> hostBits;
}

/** Whether every address of `inner` lies in `outer`. */
export function cidrCovers(outer: Cidr, inner: Cidr): boolean {
  return inner.prefix >= outer.prefix && cidrContains(outer, inner.ip);
}

/** Number of addresses in the block. */
export function cidrSize(cidr: Cidr): bigint {
  return 1n << BigInt(bitsOf(cidr.ip.family) - cidr.prefix);
}
