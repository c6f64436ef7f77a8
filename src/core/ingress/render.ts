import { REFUSED_BACKEND } from './derive.ts';
import type { Certificate, IngressModel } from './model.ts';
import { renderBackend } from './render-backend.ts';
import { endpointText, renderFrontend, renderStatusFrontend } from './render-frontend.ts';
import { renderMaps } from './render-maps.ts';
import { certificateFile, FILES } from './render-options.ts';
import type { RenderOptions } from './render-options.ts';
import { assignSlots } from './slots.ts';
import type { Slots } from './slots.ts';

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
  const slots = assignSlots(model.backends, previous);
  const choices = model.routes
    .filter(({ choices: some }) => some.length > 0)
    .map((route, index) => ({ name: `choice:${index}`, route }));
  const names = new Map(choices.map(({ name, route }) => [route, name]));
  const maps = renderMaps(model.routes, (route) => names.get(route) ?? route.backend);
  const frontends = [...renderFrontend(model.routes, choices, options), ...renderStatusFrontend(options)];
  const backends = model.backends.map((backend) => ({
    head: renderBackend(backend, options.httpsPort),
    slots: slots.get(backend.name) ?? [],
  }));
  const list = certificateList(model.certificates, options.folder);
  const write = (server: (slot: Slots[number], place: number) => string): string =>
    [
      ...GENERAL,
      ...frontends,
      ...REFUSED,
      ...backends.flatMap(({ head, slots: places }) => [...head, ...places.map(server), '']),
    ].join('\n');
  const shape = [write(emptyServer), list, ...Object.values(maps)].join('\n');
  const certificates = new Map(model.certificates.map(({ name, pem }) => [certificateFile(name), pem]));
  return {
    files: new Map([
      [FILES.config, write(serverLine)],
      [FILES.exact, maps.exact],
      [FILES.prefix, maps.prefix],
      [FILES.rank, maps.rank],
      [FILES.regex, maps.regex],
      [FILES.certificateList, list],
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

const GENERAL: readonly string[] = [
  'global',
  '  log stderr format raw local0 notice',
  `  hard-stop-after ${HARD_STOP}`,
  '  ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets',
  '  tune.ssl.default-dh-param 2048',
  '',
  'defaults',
  '  mode http',
  '  log global',
  '  option dontlognull',
  '  option redispatch',
  // A client that is about to send its next request must not find the connection closed by a reload.
  '  option idle-close-on-response',
  '  timeout connect 5s',
  '  timeout client 60s',
  '  timeout server 60s',
  '  timeout tunnel 1h',
  '  timeout http-request 10s',
  '  timeout http-keep-alive 75s',
  '',
];

const REFUSED: readonly string[] = [
  `backend ${REFUSED_BACKEND}`,
  '  http-request return status 503 content-type text/plain string "this Ingress is not served: its events say why\\n"',
  '',
];

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

/** The first one answers clients that ask for a host which nobody has a certificate for. */
function certificateList(certificates: readonly Certificate[], folder: string): string {
  const lines = certificates.flatMap(({ name, hosts }) =>
    hosts.map((host) => `${folder}/${certificateFile(name)} ${host}`),
  );
  return [`${folder}/${FILES.defaultCertificate} !*`, ...lines].map((line) => `${line}\n`).join('');
}
