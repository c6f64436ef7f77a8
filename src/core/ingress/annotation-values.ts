import { parseCidr, parseIp } from '../../base/ip/index.ts';

/** What was read, or why it cannot be. */
export type Value<T> = { readonly value: T } | { readonly problem: string };

/** `true` or `false`. */
export function readFlag(text: string): Value<boolean> {
  if (text === 'true' || text === 'false') return { value: text === 'true' };
  return { problem: 'must be "true" or "false"' };
}

/** A whole number within bounds. */
export function readNumber(text: string, least: number, most: number): Value<number> {
  const value = Number(text);
  if (/^\d{1,10}$/.test(text) && value >= least && value <= most) return { value };
  return { problem: `must be a whole number from ${least} to ${most}` };
}

/** Seconds, with or without the unit `s`; at least one, at most a day. */
export function readSeconds(text: string): Value<number> {
  return readNumber(text.replace(/s$/, ''), 1, 86_400);
}

/** nginx's sizes: a number with `k`, `m` or `g`; 0 is no limit. */
export function readSize(text: string): Value<number> {
  const [, digits, unit] = /^(\d{1,9})([kmg]?)$/i.exec(text) ?? [];
  if (digits === undefined) return { problem: 'must be a size such as 512k, 8m or 1g' };
  return { value: Number(digits) * 1024 ** ['', 'k', 'm', 'g'].indexOf(unit!.toLowerCase()) };
}

/** Addresses and CIDRs, separated by commas. */
export function readCidrs(text: string): Value<readonly string[]> {
  const parts = words(text);
  const wrong = parts.find((part) => parseCidr(part) === undefined && parseIp(part) === undefined);
  if (wrong !== undefined) return { problem: `has '${wrong}', which is neither an address nor a CIDR` };
  return parts.length === 0 ? { problem: 'is empty' } : { value: parts };
}

/** A name of a header or a cookie (RFC 9110, token). */
export function readToken(text: string): Value<string> {
  return /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/.test(text)
    ? { value: text }
    : { problem: "must be one word, of letters, digits and !#$%&'*+.^_`|~- alone" };
}

/** Tokens, separated by commas. */
export function readTokens(text: string): Value<string> {
  const parts = words(text);
  return parts.length > 0 && parts.every((part) => 'value' in readToken(part))
    ? { value: parts.join(', ') }
    : { problem: 'must be names, separated by commas' };
}

/** An absolute path without anything that a shell, a log format or a header would read differently. */
export function readPath(text: string): Value<string> {
  return /^\/[A-Za-z0-9._~!$&'()*+,;=:@/-]*$/.test(text) ? { value: text } : { problem: 'must be an absolute path' };
}

/** An absolute URL of scheme http or https. */
export function readUrl(text: string): Value<string> {
  return /^https?:\/\/[A-Za-z0-9.:[\]-]+(?:[/?][A-Za-z0-9._~!$&'()*+,;=:@/?%-]*)?$/.test(text)
    ? { value: text }
    : { problem: 'must be a URL of http or https' };
}

/** A host, with or without a port. */
export function readAuthority(text: string): Value<string> {
  return /^[A-Za-z0-9.-]+(?::\d{1,5})?$/.test(text) ? { value: text } : { problem: 'must be a host name' };
}

/** The parts of a list that is separated by commas, without spaces around them. */
export function words(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
