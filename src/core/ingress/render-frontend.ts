import { quote } from './haproxy-text.ts';
import type { Route } from './model.ts';
import { certificateListFile, FILES } from './render-options.ts';
import type { RenderOptions } from './render-options.ts';
import { renderPlainLookup } from './render-plain-requests.ts';
import { REQUEST_HOST } from './render-route.ts';
import { HOST_KINDS, MAX_REGEX_TEXT } from './render-virtual-hosts.ts';
import type { VirtualHostRules } from './render-virtual-hosts.ts';
import type { Twins } from './twins.ts';
import type { Port } from './virtual-host.ts';

/** Answers 404: where requests go that no rule is for. */
export const NOWHERE = 'nowhere';

/** Names of routes that decide between backends. */
export interface ChoiceName {
  readonly name: string;
  readonly route: Route;
}

/** By what requests find their backend, besides routes. */
interface Found {
  readonly virtual: VirtualHostRules;
  readonly twins: Twins;
}

/** What all requests pass: where they arrive, how they find their backend. */
export function renderFrontend(
  routes: readonly Route[],
  choices: readonly ChoiceName[],
  { virtual, twins }: Found,
  options: RenderOptions,
): string[] {
  return [
    'frontend ingress',
    ...options.addresses.flatMap((address) => binds(address, options)).map(indent),
    CLIENT,
    ...ownHeaders().map(indent),
    ...renderPlainLookup(routes, options.folder, twins.rules.length === 0).map(indent),
    ...requestChecks().map(indent),
    ...(virtual.files.size === 0 ? [] : [...USUAL_PORTS, ...virtual.first].map(indent)),
    ...lookups(routes, virtual, options.folder).map(indent),
    ...virtual.conditions.map(indent),
    ...[...choices.flatMap(choiceRules), ...twins.rules].map(indent),
    ...virtual.decisions.map(indent),
    ...TO_BACKEND,
    '',
    `backend ${NOWHERE}`,
    '  http-request return status 404 content-type text/plain string "no such host or path\\n"',
    '',
  ];
}

/** The same at a port that virtual hosts alone are on. */
export function renderPort({ port, tls }: Port, { virtual, twins }: Found, options: RenderOptions): string[] {
  const list = quote(`${options.folder}/${certificateListFile(port)}`);
  const secure = tls ? ` ssl crt-list ${list} alpn h2,http/1.1` : '';
  return [
    `frontend port-${port}`,
    ...options.addresses.map((each) => `  bind ${endpointText(each, port)}${bindWords(each, options)}${secure}`),
    CLIENT,
    ...requestChecks().map(indent),
    `  http-request set-var(txn.port) str(${port})`,
    ...[...virtual.first, ...HOST_KINDS.flatMap((kind) => virtual.lookup(kind)), ...virtual.conditions].map(indent),
    ...ownHeaders().map(indent),
    ...twins.rules.map(indent),
    ...virtual.decisions.map(indent),
    ...TO_BACKEND,
    '',
  ];
}

/** Where health and figures are asked for. */
export function renderStatusFrontend({ addresses, statusPort }: RenderOptions): string[] {
  return [
    'frontend status',
    ...addresses.map((address) => `  bind ${endpointText(address, statusPort)}`),
    '  http-request use-service prometheus-exporter if { path /metrics }',
    '  http-request return status 200 content-type text/plain string "ok\\n" if { path /healthz }',
    '  http-request return status 404',
    '',
  ];
}

/** An address with a port, as HAProxy takes it. */
export function endpointText(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The client's address as text, once for a connection: to write an address costs more than any other rule here. */
const CLIENT = '  tcp-request session set-var(sess.client) src,concat()';

/** A name that is empty is no backend's, and so leads to the default. */
const TO_BACKEND: readonly string[] = ['  use_backend %[var(txn.to)]', `  default_backend ${NOWHERE}`];

/** What listeners call the two ports, whatever they are here. */
const USUAL_PORTS: readonly string[] = [
  'http-request set-var(txn.port) str(443) if { ssl_fc }',
  'http-request set-var(txn.port) str(80) unless { ssl_fc }',
];

function bindWords(address: string, { acceptProxy }: RenderOptions): string {
  return `${address.includes(':') ? ' v6only' : ''}${acceptProxy ? ' accept-proxy' : ''}`;
}

function binds(address: string, options: RenderOptions): string[] {
  const { httpPort, httpsPort, folder } = options;
  const more = bindWords(address, options);
  const list = quote(`${folder}/${FILES.certificateList}`);
  return [
    `bind ${endpointText(address, httpPort)}${more}`,
    `bind ${endpointText(address, httpsPort)}${more} ssl crt-list ${list} alpn h2,http/1.1`,
  ];
}

/**
 * Host and path as they are compared: without port, dot at the end, percent-encoding, or slashes one after the other. A
 * path that leads upwards would reach the server as something else than what was compared, and a host with a slash
 * would be taken for a path.
 */
function requestChecks(): string[] {
  return [
    'http-request deny deny_status 400 if { req.hdr(host) -m sub / }',
    `http-request set-var(txn.host) ${REQUEST_HOST}`,
    'http-request set-var(txn.path) path',
    // Looked for first, as it costs little: most paths have nothing of the kind.
    'http-request set-var(txn.path) path,url_dec if { path -m sub % }',
    'http-request set-var(txn.path) var(txn.path),regsub(/+,/,g) if { var(txn.path) -m sub // }',
    "http-request deny deny_status 400 if { var(txn.path) -m sub /. } { var(txn.path) -m reg '(^|/)\\.\\.?(/|$)' }",
  ];
}

/**
 * The exact host first, then a wildcard, then any; of each an exact path, then the longest prefix or expression. What has
 * the same kind of host among the virtual hosts comes after that.
 */
function lookups(routes: readonly Route[], virtual: VirtualHostRules, folder: string): string[] {
  const keys = {
    exact: 'var(txn.host),concat(,txn.path)',
    wildcard: 'var(txn.host),regsub(^[^.]*,*),concat(,txn.path)',
    any: 'var(txn.path)',
  };
  return HOST_KINDS.flatMap((kind) => {
    const paths = new Set(routes.filter(({ host }) => host.kind === kind).map(({ path }) => path.kind));
    if (paths.size === 0) return virtual.lookup(kind);
    return [
      `http-request set-var(txn.key) ${keys[kind]} unless { var(txn.to) -m found }`,
      ...(paths.has('exact') ? [find(`map_str(${folder}/${FILES.exact})`)] : []),
      ...(paths.has('regex') ? regexLookup(folder) : []),
      ...(paths.has('prefix') ? [find(`concat(/),map_beg(${folder}/${FILES.prefix})`)] : []),
      ...virtual.lookup(kind),
    ];
  });
}

function find(how: string): string {
  return `http-request set-var(txn.to) var(txn.key),${how} unless { var(txn.to) -m found }`;
}

function regexLookup(folder: string): string[] {
  return [
    `http-request set-var(txn.regex) var(txn.key),map_reg(${folder}/${FILES.regex}) if !{ var(txn.to) -m found } { path,length le ${MAX_REGEX_TEXT} }`,
    `http-request set-var(txn.rank) var(txn.key),concat(/),map_beg_int(${folder}/${FILES.rank},0)`,
    `http-request set-var(txn.to) var(txn.regex),field(2,:) if !{ var(txn.to) -m found } { var(txn.regex) -m found } { var(txn.regex),field(1,:),sub(txn.rank) ge 0 }`,
  ];
}

/** Of requests replaced, never added to: what a client claims of itself is not to be believed. */
function ownHeaders(): string[] {
  return [
    'http-request set-header X-Forwarded-For %[var(sess.client)]',
    'http-request set-header X-Real-IP %[var(sess.client)]',
    'http-request set-header X-Forwarded-Host %[req.hdr(host)]',
    'http-request set-header X-Forwarded-Port %fp',
    'http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]',
    // Clients are told of some server, as the published conformance features want it.
    'http-response add-header Server sluice unless { res.hdr(server) -m found }',
  ];
}

function choiceRules({ name, route }: ChoiceName): string[] {
  const here = `{ var(txn.to) -m str ${name} }`;
  return [
    ...route.choices.map((choice) => {
      if (choice.kind === 'share')
        return `${decide(choice.backend)} if ${here} { rand(${choice.whole}) lt ${choice.parts} }`;
      const { kind, name: key, value } = choice.condition;
      const fetch = kind === 'header' ? 'req.hdr' : 'req.cook';
      return `${decide(choice.backend)} if ${here} { ${fetch}(${key}) -m str -- ${quote(value)} }`;
    }),
    `${decide(route.backend)} if ${here}`,
  ];
}

function decide(backend: string): string {
  return `http-request set-var(txn.to) str(${backend})`;
}

function indent(line: string): string {
  return `  ${line}`;
}
