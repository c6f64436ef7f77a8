import { parseIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';

/** Two or three numbers: a standard community (RFC 1997) or a large one (RFC 8092). */
export type Community = readonly number[];

/** Where a peer listens; without a port at 179. */
export interface PeerAddress {
  readonly ip: Ip;
  readonly port?: number;
}

/** An AS number, plain or in dotted form (RFC 5396): 64512, "64512", "1.10"; undefined when it is none. */
export function asNumber(value: unknown): number | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  const parts = typeof text === 'string' ? /^(?:(\d{1,5})\.)?(\d{1,10})$/.exec(text) : null;
  if (parts === null) return undefined;
  const [high, low] = [parts[1] === undefined ? 0 : Number(parts[1]), Number(parts[2])];
  if (parts[1] !== undefined && (high > 0xffff || low > 0xffff)) return undefined;
  const number = high * 0x1_0000 + low;
  return number >= 1 && number <= 0xffff_ffff ? number : undefined;
}

/** A community as Calico writes it: `aa:nn` of 16 bits each or `aa:nn:mm` of 32; undefined when it is none. */
export function community(value: unknown): Community | undefined {
  if (typeof value !== 'string' || !/^\d{1,10}(:\d{1,10}){1,2}$/.test(value)) return undefined;
  const numbers = value.split(':').map(Number);
  const most = numbers.length === 2 ? 0xffff : 0xffff_ffff;
  return numbers.every((number) => number <= most) ? numbers : undefined;
}

/** `10.0.0.1`, `10.0.0.1:1790`, `fd00::1` or `[fd00::1]:1790`; undefined when it is none of them. */
export function peerAddress(value: unknown): PeerAddress | undefined {
  if (typeof value !== 'string') return undefined;
  const plain = parseIp(value);
  if (plain !== undefined) return { ip: plain };
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(value);
  const ip = parseIp(parts?.[1] ?? parts?.[2] ?? '');
  const port = Number(parts?.[3]);
  if (ip === undefined || (ip.family === 6) !== (parts?.[1] !== undefined)) return undefined;
  return port >= 1 && port <= 65_535 ? { ip, port } : undefined;
}

/** A duration of whole seconds in Go's notation (`2m30s`), as metav1.Duration carries it; undefined when it is none. */
export function seconds(value: unknown): number | undefined {
  const parts = typeof value === 'string' ? /^(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?$/.exec(value) : null;
  if (parts === null || value === '') return undefined;
  const [hours = 0, minutes = 0, rest = 0] = parts.slice(1).map((part) => Number(part ?? 0));
  return hours * 3600 + minutes * 60 + rest;
}

/** Longest restart that the capability can carry (RFC 4724: 12 bits), seconds. */
export const LONGEST_RESTART = 4095;

/** Longest key of TCP's MD5 option that the kernel takes (TCP_MD5SIG_MAXKEYLEN). */
const LONGEST_PASSWORD = 80;

/** What is wrong with a password: in BIRD's configuration nothing stands for a quote, a line's end or other encodings. */
export function passwordProblem(password: string): string | undefined {
  if (password === '') return 'is empty';
  if (!/^[ !#-~]*$/.test(password)) return 'has a character other than printable ASCII without the double quote';
  return password.length > LONGEST_PASSWORD ? `is longer than ${LONGEST_PASSWORD} bytes` : undefined;
}

/** Whether BIRD and the kernel can take `pattern` for names of interfaces: 15 characters with `*` and `?`. */
export function isInterfacePattern(pattern: string): boolean {
  return /^[a-zA-Z0-9_.:*?-]{1,15}$/.test(pattern);
}

/** Whether `id` is a cluster id (RFC 4456): of the form of an IPv4 address. */
export function isClusterId(id: string): boolean {
  return parseIp(id)?.family === 4;
}
