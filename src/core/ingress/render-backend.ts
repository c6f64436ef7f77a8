import { chunks, quote, quoteFormat } from './haproxy-text.ts';
import type { Backend } from './model.ts';
import type { RenderOptions } from './render-options.ts';
import { renderDeadline, renderHeaders, renderLocation, renderPrefixRewrite, REQUEST_HOST } from './render-route.ts';
import type { BasicAuth, Cors, Settings, StickyCookie } from './settings.ts';

/** A backend without its servers, and the list of its users when it asks for a password. */
export function renderBackend(
  { name, settings, endpoints, external }: Backend,
  { httpsPort, keepClient }: Pick<RenderOptions, 'httpsPort' | 'keepClient'>,
): string[] {
  const users = settings.auth === undefined ? [] : userList(name, settings.auth);
  return [
    ...users,
    `backend ${name}`,
    ...[
      ...balancing(settings),
      ...timeouts(settings),
      ...admission(settings),
      ...redirects(settings, httpsPort),
      ...(settings.cors === undefined ? [] : crossOrigin(settings.cors)),
      ...(settings.auth === undefined
        ? []
        : [`http-request auth realm ${quoteFormat(settings.auth.realm)} unless { http_auth(${name}) }`]),
      ...ownAnswers(settings),
      ...changes(settings),
      ...(settings.location === undefined ? [] : renderLocation(settings.location)),
      ...renderHeaders(settings),
      ...(keepClient === true ? [ownName(endpoints, external === true)] : []),
      ...serverDefaults(settings),
    ].map((line) => `  ${line}`),
  ];
}

/**
 * Nobody is spoken to in the name of a client of the other family, and nobody outside of the cluster, whose answers would
 * go to the client: then the proxy speaks for itself.
 */
function ownName([first]: Backend['endpoints'], always: boolean): string {
  const is6 = first?.host.includes(':') === true;
  const own = is6 ? 'http-request set-src ipv6(::)' : 'http-request set-src ipv4(0.0.0.0)';
  return always ? own : `${own} ${is6 ? 'unless' : 'if'} { src -m sub : }`;
}

function userList(name: string, { users }: BasicAuth): string[] {
  return [`userlist ${name}`, ...users.map((user) => `  user ${quote(user.name)} password ${quote(user.hash)}`), ''];
}

function balancing({ balance, sticky }: Settings): string[] {
  const hashed = balance === 'source' || balance === 'uri' ? ['hash-type consistent'] : [];
  return [`balance ${balance}`, ...hashed, ...(sticky === undefined ? [] : stickiness(sticky))];
}

/** The cookie names a server by a hash of its address, so that it outlives changes of other servers. */
function stickiness({ name, maxAge, path, secure, sameSite }: StickyCookie): string[] {
  const attributes = [
    ...(maxAge === undefined ? [] : [`Max-Age=${maxAge}`]),
    ...(path === undefined ? [] : [`Path=${path}`]),
    ...(sameSite === undefined ? [] : [`SameSite=${sameSite}`]),
  ];
  const options = ['insert', 'indirect', 'nocache', 'httponly', ...(secure === true ? ['secure'] : []), 'dynamic'];
  const attrs = attributes.map((each) => ` attr ${quote(each)}`).join('');
  return [`cookie ${quote(name)} ${options.join(' ')}${attrs}`, 'dynamic-cookie-key sluice'];
}

function timeouts({ connectTimeout, serverTimeout, responseTimeout, connecting, deadline }: Settings): string[] {
  return [
    ...(responseTimeout === undefined ? [] : [`timeout server ${responseTimeout}ms`]),
    ...(connecting === undefined ? [] : [`timeout connect ${connecting.timeout}ms`, `retries ${connecting.retries}`]),
    ...(deadline === undefined ? [] : renderDeadline(deadline)),
    ...(connectTimeout === undefined ? [] : [`timeout connect ${connectTimeout}s`]),
    ...(serverTimeout === undefined ? [] : [`timeout server ${serverTimeout}s`, `timeout tunnel ${serverTimeout}s`]),
  ];
}

function admission({ allow, deny, rate, connections }: Settings): string[] {
  const table = [
    ...(rate === undefined ? [] : [`http_req_rate(${rate.seconds}s)`]),
    ...(connections === undefined ? [] : ['conn_cur']),
  ];
  return [
    ...addressList('denied', deny),
    ...(deny === undefined ? [] : ['http-request deny deny_status 403 if denied']),
    ...addressList('allowed', allow),
    ...(allow === undefined ? [] : ['http-request deny deny_status 403 unless allowed']),
    ...(table.length === 0
      ? []
      : [
          `stick-table type ipv6 size 100k expire ${Math.max(60, rate?.seconds ?? 0)}s store ${table.join(',')}`,
          'http-request track-sc0 src',
        ]),
    ...(rate === undefined ? [] : [`http-request deny deny_status 429 if { sc_http_req_rate(0) gt ${rate.requests} }`]),
    ...(connections === undefined ? [] : [`http-request deny deny_status 429 if { sc_conn_cur(0) gt ${connections} }`]),
  ];
}

function addressList(name: string, cidrs: readonly string[] | undefined): string[] {
  return chunks(cidrs ?? []).map((some) => `acl ${name} src ${some.join(' ')}`);
}

function redirects({ toHttps }: Settings, httpsPort: number): string[] {
  if (toHttps !== true) return [];
  const port = httpsPort === 443 ? '' : `:${httpsPort}`;
  return [`http-request redirect code 308 location https://%[${REQUEST_HOST}]${port}%[pathq] unless { ssl_fc }`];
}

/** Browsers ask before they send what another site's script wants to: the answer to that needs no password. */
function crossOrigin({ origins, methods, headers, credentials, maxAge, expose }: Cors): string[] {
  const any = origins.includes('*');
  const acl = any
    ? ['acl cors_origin req.hdr(origin) -m found']
    : origins.map((origin) => `acl cors_origin req.hdr(origin) -m reg -i ${quote(originExpression(origin))}`);
  const answer = [
    ['Access-Control-Allow-Methods', quoteFormat(methods)],
    ['Access-Control-Allow-Headers', quoteFormat(headers)],
    ['Access-Control-Max-Age', `${maxAge}`],
  ];
  const common = [
    // With credentials a browser takes no `*`: the origin itself stands for it.
    ['Access-Control-Allow-Origin', any && !credentials ? "'*'" : '%[var(txn.origin)]'],
    ...(credentials ? [['Access-Control-Allow-Credentials', 'true']] : []),
  ];
  const hdr = [...common, ...answer].map(([name, value]) => `hdr ${name} ${value}`).join(' ');
  const later = [...common, ...(expose === undefined ? [] : [['Access-Control-Expose-Headers', quoteFormat(expose)]])];
  return [
    ...acl,
    'http-request set-var(txn.origin) req.hdr(origin) if cors_origin',
    `http-request return status 204 ${hdr} if METH_OPTIONS cors_origin { req.hdr(access-control-request-method) -m found }`,
    ...later.map(([name, value]) => `http-response set-header ${name} ${value} if { var(txn.origin) -m found }`),
    ...(any && !credentials ? [] : ['http-response add-header Vary Origin']),
  ];
}

function originExpression(origin: string): string {
  return `^${origin.replaceAll(/[.*]/g, '\\$&').replace('\\*\\.', '[a-z0-9.-]+\\.')}$`;
}

function ownAnswers({ redirect, appRoot, bodyLimit }: Settings): string[] {
  return [
    ...(redirect === undefined
      ? []
      : [`http-request redirect code ${redirect.code} location ${quoteFormat(redirect.location)}`]),
    ...(appRoot === undefined ? [] : [`http-request redirect code 302 location ${quoteFormat(appRoot)} if { path / }`]),
    ...(bodyLimit === undefined
      ? []
      : [
          `http-request deny deny_status 413 if { req.hdr(content-length) -m found } { req.hdr_val(content-length) gt ${bodyLimit} }`,
          // What does not say how long it is could be of any length.
          'http-request return status 411 if { method POST PUT PATCH } !{ req.hdr(content-length) -m found }',
        ]),
  ];
}

function changes({ rewrite, upstreamHost, forwardedPrefix }: Settings): string[] {
  return [
    ...(rewrite?.kind === 'path' ? [`http-request set-path ${quoteFormat(rewrite.path)}`] : []),
    ...(rewrite?.kind === 'prefix' ? [renderPrefixRewrite(rewrite.prefix, rewrite.replacement)] : []),
    ...(rewrite?.kind === 'regex'
      ? [`http-request replace-path ${quote(`(?i)^(?:${rewrite.pattern})`)} ${quoteFormat(rewrite.replacement)}`]
      : []),
    ...(upstreamHost === undefined ? [] : [`http-request set-header Host ${quoteFormat(upstreamHost)}`]),
    ...(forwardedPrefix === undefined
      ? []
      : [`http-request set-header X-Forwarded-Prefix ${quoteFormat(forwardedPrefix)}`]),
  ];
}

function serverDefaults({ protocol, serverTls }: Settings): string[] {
  if (serverTls === true) return [`default-server ssl verify none${protocol === 'h2' ? ' alpn h2' : ''}`];
  return protocol === 'h2' ? ['default-server proto h2'] : [];
}
