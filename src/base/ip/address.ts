/** Address family: the IP version, not the kernel's AF number. */
export type Family = 4 | 6;

/** One address. `value` is the address read as a big-endian unsigned integer of {@link bitsOf} bits. */
export interface Ip {
  readonly family: Family;
  readonly value: bigint;
}

/** Bits in an address of `family`: 32 or 128. */
export function bitsOf(family: Family): 32 | 128 {
  return family === 4 ? 32 : 128;
}

/** Parses an address in text form (RFC 4291 §2.2 for IPv6; strict dotted quad, no leading zeros, for IPv4). */
export function parseIp(text: string): Ip | undefined {
  const value = text.includes(':') ? parseV6(text) : parseV4(text);
  return value === undefined ? undefined : { family: text.includes(':') ? 6 : 4, value };
}

/** Text form; IPv6 as RFC 5952 prescribes (lower case, longest run of zero groups compressed). */
export function formatIp(ip: Ip): string {
  return ip.family === 4 ? formatV4(ip.value) : formatV6(ip.value);
}

/** Orders by family, then numerically: negative, zero or positive as for `Array.prototype.sort`. */
export function compareIp(a: Ip, b: Ip): number {
  if (a.family !== b.family) return a.family - b.family;
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}

/** Whether the two are the same address of the same family. */
export function equalIp(a: Ip, b: Ip): boolean {
  return a.family === b.family && a.value === b.value;
}

/** Network byte order: 4 or 16 bytes. */
export function ipToBytes(ip: Ip): Uint8Array {
  const bytes = new Uint8Array(bitsOf(ip.family) / 8);
  let rest = ip.value;
  for (let i = bytes.length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** Inverse of {@link ipToBytes}; throws a RangeError unless there are 4 or 16 bytes. */
export function ipFromBytes(bytes: Uint8Array): Ip {
  if (bytes.length !== 4 && bytes.length !== 16)
    throw new RangeError(`an address has 4 or 16 bytes, not ${bytes.length}`);
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return { family: bytes.length === 4 ? 4 : 6, value };
}

const DOT = 0x2e;
const ZERO = 0x30;

/** By hand, because every pod of a cluster passes through here. */
function parseV4(text: string): bigint | undefined {
  let value = 0;
  let octets = 0;
  for (let i = 0; i < text.length; i++) {
    const start = i;
    let octet = 0;
    for (; i < text.length && text.charCodeAt(i) !== DOT; i++) {
      const digit = text.charCodeAt(i) - ZERO;
      if (digit < 0 || digit > 9) return undefined;
      octet = octet * 10 + digit;
    }
    const digits = i - start;
    if (digits === 0 || digits > 3 || octet > 255 || (digits > 1 && text.charCodeAt(start) === ZERO)) return undefined;
    value = value * 256 + octet;
    octets++;
  }
  return octets === 4 && text.charCodeAt(text.length - 1) !== DOT ? BigInt(value) : undefined;
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  // RFC 4291 §2.2: only the last 32 bits may be written as a dotted quad.
  const head = parseGroups(halves[0] ?? '', { dottedEnd: halves.length === 1 });
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', { dottedEnd: true }) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<number>(missing).fill(0), ...tail];
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

function parseGroups(text: string, { dottedEnd }: { readonly dottedEnd: boolean }): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (dottedEnd && part.includes('.') && index === parts.length - 1) {
      const v4 = parseV4(part);
      if (v4 === undefined) return undefined;
      groups.push(Number(v4 >> 16n), Number(v4 & 0xffffn));
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups.length > 8 ? undefined : groups;
}

function formatV4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
}

function formatV6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn));
  // RFC 5952 §5: addresses known to embed IPv4 (::ffff:0:0/96) keep the dotted form.
  if (value >> 32n === 0xffffn) return `::ffff:${formatV4(value & 0xffffffffn)}`;
  const { start, length } = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let i = 0; i <= groups.length; i++) {
    if (groups[i] === 0) continue;
    if (i - start > best.length) best = { start, length: i - start };
    start = i + 1;
  }
  return best;
}
