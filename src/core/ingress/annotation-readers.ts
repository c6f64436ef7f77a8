import {
  readAuthority,
  readCidrs,
  readFlag,
  readNumber,
  readPath,
  readSeconds,
  readSize,
  readToken,
  readTokens,
  readUrl,
  words,
} from './annotation-values.ts';
import type { Value } from './annotation-values.ts';
import type { Draft } from './annotation-draft.ts';

/** Puts an annotation's value into the draft, or says what is wrong with it. */
export type AnnotationReader = (text: string, draft: Draft) => string | undefined;

/** A reader of one value: how it is read and where it goes. */
function reader<T>(read: (text: string) => Value<T>, put: (draft: Draft, value: T) => void): AnnotationReader {
  return (text, draft) => {
    const result = read(text);
    if ('problem' in result) return result.problem;
    put(draft, result.value);
    return undefined;
  };
}

const flag = (put: (draft: Draft, value: boolean) => void): AnnotationReader => reader(readFlag, put);

const count = (least: number, most: number, put: (draft: Draft, value: number) => void): AnnotationReader =>
  reader((text) => readNumber(text, least, most), put);

const oneOf = <T extends string>(values: readonly T[], put: (draft: Draft, value: T) => void): AnnotationReader =>
  reader((text) => {
    const value = values.find((each) => each === text);
    return value === undefined ? { problem: `must be one of ${values.join(', ')}` } : { value };
  }, put);

/** Text of one line for a header. */
const readText = (text: string): Value<string> =>
  /^[\x20-\x7e]{1,256}$/.test(text) ? { value: text } : { problem: 'must be up to 256 characters of ASCII' };

const readOrigins = (text: string): Value<readonly string[]> => {
  const origins = words(text);
  const wrong = origins.find((each) => each !== '*' && !/^https?:\/\/(?:\*\.)?[A-Za-z0-9.-]+(?::\d{1,5})?$/.test(each));
  if (wrong !== undefined || origins.length === 0 || origins.length > 32)
    return { problem: 'must be * or up to 32 origins such as https://example.org, separated by commas' };
  return { value: origins };
};

const readReplacement = (text: string): Value<string> =>
  /^\/(?:[A-Za-z0-9._~!&'()*+,;=:@/-]|\$[1-9])*$/.test(text)
    ? { value: text }
    : { problem: 'must be an absolute path, with $1 to $9 for the groups of the path' };

const readSecretName = (text: string): Value<string> =>
  /^(?:[a-z0-9-]+\/)?[a-z0-9.-]+$/.test(text) ? { value: text } : { problem: 'must be the name of a Secret' };

/** By name, without the prefix. The names, and what they mean, are those of ingress-nginx. */
export const ANNOTATION_READERS: Readonly<Record<string, AnnotationReader>> = {
  affinity: oneOf(['cookie'], (draft) => (draft.sticky = true)),
  'app-root': reader(readPath, ({ settings }, value) => (settings.appRoot = value)),
  'auth-realm': reader(readText, (draft, value) => (draft.authRealm = value)),
  'auth-secret': reader(readSecretName, (draft, value) => (draft.authSecret = value)),
  'auth-type': oneOf(['basic'], (draft) => (draft.basicAuth = true)),
  'backend-protocol': oneOf(['HTTP', 'HTTPS', 'GRPC', 'GRPCS'], ({ settings }, value) => {
    settings.protocol = value.startsWith('GRPC') ? 'h2' : 'http1';
    if (value.endsWith('S')) settings.serverTls = true;
  }),
  canary: flag(({ canary }, value) => (canary.enabled = value)),
  'canary-by-cookie': reader(readToken, ({ canary }, value) => (canary.cookie = value)),
  'canary-by-header': reader(readToken, ({ canary }, value) => (canary.header = value)),
  'canary-by-header-value': reader(readText, ({ canary }, value) => (canary.headerValue = value)),
  'canary-weight': count(0, 1_000_000, ({ canary }, value) => (canary.weight = value)),
  'canary-weight-total': count(1, 1_000_000, ({ canary }, value) => (canary.whole = value)),
  'cors-allow-credentials': flag(({ corsValues }, value) => (corsValues.credentials = value)),
  'cors-allow-headers': reader(readTokens, ({ corsValues }, value) => (corsValues.headers = value)),
  'cors-allow-methods': reader(readTokens, ({ corsValues }, value) => (corsValues.methods = value)),
  'cors-allow-origin': reader(readOrigins, ({ corsValues }, value) => (corsValues.origins = value)),
  'cors-expose-headers': reader(readTokens, ({ corsValues }, value) => (corsValues.expose = value)),
  'cors-max-age': count(0, 86_400_000, ({ corsValues }, value) => (corsValues.maxAge = value)),
  'denylist-source-range': reader(readCidrs, ({ settings }, value) => (settings.deny = value)),
  'enable-cors': flag((draft, value) => (draft.cors = value)),
  'force-ssl-redirect': flag((draft, value) => (draft.forceSslRedirect = value)),
  'limit-burst-multiplier': count(1, 100, (draft, value) => (draft.burst = value)),
  'limit-connections': count(1, 1_000_000, ({ settings }, value) => (settings.connections = value)),
  'limit-rpm': count(1, 1_000_000, (draft, value) => (draft.requestsPerMinute = value)),
  'limit-rps': count(1, 1_000_000, (draft, value) => (draft.requestsPerSecond = value)),
  'load-balance': oneOf(['round_robin', 'ewma', 'least_conn', 'ip_hash'], ({ settings }, value) => {
    settings.balance = value === 'round_robin' ? 'roundrobin' : value === 'ip_hash' ? 'source' : 'leastconn';
  }),
  'permanent-redirect': reader(readUrl, ({ settings }, location) => (settings.redirect = { location, code: 301 })),
  'permanent-redirect-code': count(300, 308, (draft, value) => (draft.redirectCode = value)),
  'proxy-body-size': reader(readSize, ({ settings }, value) => {
    if (value > 0) settings.bodyLimit = value;
  }),
  'proxy-connect-timeout': reader(readSeconds, ({ settings }, value) => (settings.connectTimeout = value)),
  'proxy-read-timeout': reader(readSeconds, raiseServerTimeout),
  'proxy-send-timeout': reader(readSeconds, raiseServerTimeout),
  'rewrite-target': reader(readReplacement, (draft, value) => (draft.rewriteTarget = value)),
  'server-alias': reader(readHosts, (draft, value) => (draft.aliases = value)),
  'service-upstream': flag((draft, value) => (draft.serviceUpstream = value)),
  'session-cookie-max-age': count(0, 1_000_000_000, ({ cookie }, value) => (cookie.maxAge = value)),
  'session-cookie-name': reader(readToken, ({ cookie }, value) => (cookie.name = value)),
  'session-cookie-path': reader(readPath, ({ cookie }, value) => (cookie.path = value)),
  'session-cookie-samesite': oneOf(['Strict', 'Lax', 'None'], ({ cookie }, value) => (cookie.sameSite = value)),
  'session-cookie-secure': flag(({ cookie }, value) => (cookie.secure = value)),
  'ssl-redirect': flag((draft, value) => (draft.sslRedirect = value)),
  'temporal-redirect': reader(readUrl, ({ settings }, location) => (settings.redirect = { location, code: 302 })),
  'upstream-hash-by': oneOf(['$request_uri', '$remote_addr', '$binary_remote_addr'], ({ settings }, value) => {
    settings.balance = value === '$request_uri' ? 'uri' : 'source';
  }),
  'upstream-vhost': reader(readAuthority, ({ settings }, value) => (settings.upstreamHost = value)),
  'use-regex': flag((draft, value) => (draft.useRegex = value)),
  'whitelist-source-range': reader(readCidrs, ({ settings }, value) => (settings.allow = value)),
  'allowlist-source-range': reader(readCidrs, ({ settings }, value) => (settings.allow = value)),
  'x-forwarded-prefix': reader(readPath, ({ settings }, value) => (settings.forwardedPrefix = value)),
};

/** One timeout covers both directions here: the longer one of the two. */
function raiseServerTimeout({ settings }: Draft, value: number): void {
  settings.serverTimeout = Math.max(settings.serverTimeout ?? 0, value);
}

function readHosts(text: string): Value<readonly string[]> {
  const hosts = words(text);
  return hosts.length > 0 && hosts.every((host) => /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(host))
    ? { value: hosts }
    : { problem: 'must be host names, separated by commas' };
}
