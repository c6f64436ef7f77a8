import { quote, quoteFormat } from './haproxy-text.ts';
import type { Location, Settings } from './settings.ts';

/** A request's host as it is compared: without port and dot at the end. */
export const REQUEST_HOST = 'req.hdr(host),host_only,lower,rtrim(.)';

/** Changes headers of requests and of responses, also of those that the proxy itself makes. */
export function renderHeaders({ requestHeaders = [], responseHeaders = [] }: Settings): string[] {
  return (
    [
      ['http-request', requestHeaders],
      ['http-after-response', responseHeaders],
    ] as const
  ).flatMap(([rule, changes]) =>
    changes.map((change) =>
      change.kind === 'remove'
        ? `${rule} del-header ${change.name}`
        : `${rule} ${change.kind}-header ${change.name} ${quoteFormat(change.value)}`,
    ),
  );
}

/**
 * The proxy's own timeouts begin again with every connection that is tried and every piece of an answer's headers; this
 * looks at the whole.
 */
export function renderDeadline(milliseconds: number): string[] {
  return [
    'http-request set-var(txn.asked) date(0,ms) if METH_GET',
    `http-response deny deny_status 504 if { var(txn.asked) -m found } { date(0,ms),sub(txn.asked) gt ${milliseconds} }`,
  ];
}

/**
 * Replaces the first elements of a path. Requests were compared decoded and without doubled slashes, so each character
 * is looked for in every form that it can have.
 */
export function renderPrefixRewrite(prefix: string, replacement: string): string {
  const bytes = [...encodeURIComponent(prefix).matchAll(/%(..)|(.)/g)].map(([, hex, character = '']) =>
    hex === undefined ? character.charCodeAt(0) : Number.parseInt(hex, 16),
  );
  const start = bytes.map(anyForm).join('');
  return replacement === ''
    ? `http-request replace-path ${quote(`^${start}${SLASH}*(.*)$`)} /\\1`
    : `http-request replace-path ${quote(`^${start}(${SLASH}.*)?$`)} ${quoteFormat(`${replacement}\\1`)}`;
}

const SLASH = '(?:/|%2[fF])';

function anyForm(byte: number): string {
  const character = String.fromCharCode(byte);
  if (character === '/') return `${SLASH}+`;
  const hex = byte.toString(16).padStart(2, '0');
  const encoded = `%${hex.replaceAll(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)}`;
  if (byte > 0x7e) return encoded;
  return `(?:${/[A-Za-z0-9]/.test(character) ? character : `\\${character}`}|${encoded})`;
}

/** Usual ports are left out; without a port of its own, and of a scheme of its own, the redirect keeps the listener's. */
export function renderLocation({ code, scheme, host = '%[var(txn.host)]', port }: Location): string[] {
  const line = (to: string, portText: string, conditions: readonly string[]): string => {
    const when = conditions.length === 0 ? '' : ` if ${conditions.join(' ')}`;
    return `http-request redirect code ${code} location ${to}://${host}${portText}%[pathq]${when}`;
  };
  const cases =
    scheme === undefined
      ? ([
          ['https', ['{ ssl_fc }']],
          ['http', ['!{ ssl_fc }']],
        ] as const)
      : ([[scheme, []]] as const);
  return cases.flatMap(([to, conditions]) => {
    const usual = to === 'https' ? 443 : 80;
    if (port !== undefined) return [line(to, port === usual ? '' : `:${port}`, conditions)];
    if (scheme !== undefined) return [line(to, '', conditions)];
    return [
      line(to, '', [...conditions, `{ var(txn.port) -m str ${usual} }`]),
      line(to, ':%[var(txn.port)]', conditions),
    ];
  });
}
