import { REFUSED_BACKEND } from './derive.ts';
import type { Certificate, IngressModel } from './model.ts';
import { renderBackend } from './render-backend.ts';
import { endpointText, NOWHERE, renderFrontend, renderPort, renderStatusFrontend } from './render-frontend.ts';
import { renderMaps } from './render-maps.ts';
import { certificateFile, certificateListFile, FILES } from './render-options.ts';
import type { RenderOptions } from './render-options.ts';
import { renderPlainHosts } from './render-plain-requests.ts';
import { renderVirtualHosts } from './render-virtual-hosts.ts';
import { assignSlots } from './slots.ts';
import type { Slots } from './slots.ts';
import { twinsOf } from './twins.ts';
import { UNRESOLVED_BACKEND } from './virtual-host.ts';
import type { Port } from './virtual-host.ts';

/** Everything that the proxy reads, and what of it can change while it runs. */
export interface Rendered {
  /** By name below the folder; the configuration itself is {@link FILES}.config. */
  readonly files: ReadonlyMap<string, string>;
  /** What only a reload changes. */
  readonly shape: string;
  readonly slots: ReadonlyMap<string, Slots>;
  /** Certificate files and their content. */
  readonly certificates: ReadonlyMap<string, string>;
}

/** Writes the proxy's files for a model. Servers keep the places that they had in `previous`. */
export function renderIngress(
  model: IngressModel,
  options: RenderOptions,
  previous: ReadonlyMap<string, Slots> = new Map(),
): Rendered {
  const twins = twinsOf(model.backends, options.folder, options.keepClient === true);
  const slots = assignSlots(twins.backends, previous);
  const choices = model.routes
    .filter(({ choices: some }) => some.length > 0)
    .map((route, index) => ({ name: `choice:${index}`, route }));
  const names = new Map(choices.map(({ name, route }) => [route, name]));
  const maps = renderMaps(model.routes, (route) => names.get(route) ?? route.backend);
  const plainHosts = renderPlainHosts(model.routes);
  const virtual = renderVirtualHosts(model, options.folder, NOWHERE, twins.of);
  const ports = model.ports ?? [];
  const more = ports.filter(({ port }) => !USUAL_PORTS.includes(port));
  const frontends = [
    ...renderFrontend(model.routes, choices, { virtual, twins }, options),
    ...more.flatMap((port) => renderPort(port, { virtual, twins }, options)),
    ...renderStatusFrontend(options),
  ];
  const backends = twins.backends.map((backend) => ({
    head: renderBackend(backend, options),
    slots: slots.get(backend.name) ?? [],
  }));
  const lists = certificateLists(model.certificates, ports, options.folder);
  const write = (server: (slot: Slots[number], place: number) => string): string =>
    [
      ...GENERAL,
      ...(options.keepClient === true ? ['  source 0.0.0.0 usesrc clientip'] : []),
      '',
      ...frontends,
      ...REFUSED,
      ...(virtual.files.size === 0 ? [] : UNRESOLVED),
      ...backends.flatMap(({ head, slots: places }) => [...head, ...places.map(server), '']),
    ].join('\n');
  const shape = [
    write(emptyServer),
    ...lists.values(),
    plainHosts,
    ...Object.values(maps),
    twins.map,
    ...virtual.files.values(),
  ].join('\n');
  const certificates = new Map(model.certificates.map(({ name, pem }) => [certificateFile(name), pem]));
  return {
    files: new Map([
      [FILES.config, write(serverLine)],
      [FILES.plainHosts, plainHosts],
      [FILES.exact, maps.exact],
      [FILES.prefix, maps.prefix],
      [FILES.rank, maps.rank],
      [FILES.regex, maps.regex],
      [FILES.twins, twins.map],
      ...virtual.files,
      ...lists,
      [FILES.defaultCertificate, options.defaultCertificate],
      ...certificates,
    ]),
    shape,
    slots,
    certificates,
  };
}

/** How long connections to an earlier configuration may go on after a reload. */
const HARD_STOP = '1h';

/** What clients are told whose connection no server has taken. */
const NOBODY =
  'no server took the connection: none is ready or reachable, or a policy of its pods does not let this client in';

const GENERAL: readonly string[] = [
  'global',
  '  log stderr format raw local0 notice',
  `  hard-stop-after ${HARD_STOP}`,
  '  ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets',
  '  tune.ssl.default-dh-param 2048',
  '',
  'defaults',
  '  mode http',
  '  option dontlognull',
  // A server that does not take the connection at once, while the cluster is one network, is gone or is not to be had by
  // this client: another one is asked at once, and six seconds are enough to know.
  '  option redispatch 1',
  '  retries 2',
  '  timeout connect 2s',
  // A client that is about to send its next request must not find the connection closed by a reload.
  '  option idle-close-on-response',
  '  timeout client 60s',
  '  timeout server 60s',
  '  timeout tunnel 1h',
  '  timeout http-request 10s',
  '  timeout http-keep-alive 75s',
  `  http-error status 503 content-type text/plain string "${NOBODY}\\n"`,
];

const UNRESOLVED: readonly string[] = [
  `backend ${UNRESOLVED_BACKEND}`,
  '  http-request return status 500 content-type text/plain string "this route cannot be served: its status says why\\n"',
  '',
];

const REFUSED: readonly string[] = [
  `backend ${REFUSED_BACKEND}`,
  '  http-request return status 503 content-type text/plain string "this Ingress is not served: its events say why\\n"',
  '',
];

/** The ports that there are in any case, as listeners call them. */
const USUAL_PORTS: readonly number[] = [80, 443];

/** The name of the server at a place. */
export function serverName(place: number): string {
  return `s${place + 1}`;
}

function serverLine(slot: Slots[number], place: number): string {
  return slot === undefined
    ? emptyServer(slot, place)
    : `  server ${serverName(place)} ${endpointText(slot.host, slot.port)}`;
}

function emptyServer(_: unknown, place: number): string {
  return `  server ${serverName(place)} 127.0.0.1:1 disabled`;
}

/** A list for each port with TLS. The first certificate answers clients that ask for a host which nobody has one for. */
function certificateLists(
  certificates: readonly Certificate[],
  ports: readonly Port[],
  folder: string,
): ReadonlyMap<string, string> {
  const line = (name: string, host = '!*'): string => `${folder}/${certificateFile(name)} ${host}\n`;
  const whole = (own: readonly string[], port: Port | undefined): string => {
    const all = port?.certificates ?? [];
    const general = all.filter(({ host }) => host === undefined).map(({ name }) => line(name));
    const special = all.flatMap(({ name, host }) => (host === undefined ? [] : [line(name, host)]));
    return [...general, `${folder}/${FILES.defaultCertificate} !*\n`, ...own, ...special].join('');
  };
  const own = certificates.flatMap(({ name, hosts }) => hosts.map((host) => line(name, host)));
  const usual = ports.find(({ port }) => port === 443);
  const more = ports.filter(({ port, tls }) => tls && port !== 443);
  return new Map([
    [FILES.certificateList, whole(own, usual)],
    ...more.map((port) => [certificateListFile(port.port), whole([], port)] as const),
  ]);
}
