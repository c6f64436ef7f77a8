import { cidrContains, formatIp, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { Ingress, Service } from '../kube/types.ts';
import { ingressFilter } from './class.ts';
import type { Endpoint } from './model.ts';
import type { ServiceTarget } from './read-ingress.ts';
import type { IngressWorld } from './world.ts';

/** What a name is known to stand for: addresses, or why there are none. */
export type KnownName = { readonly addresses: readonly string[] } | { readonly problem: string };

/** Servers behind a name, or why there are none. */
export interface NamedServers {
  readonly endpoints: readonly Endpoint[];
  readonly problem?: string;
}

/**
 * Addresses at which a name would lead the proxy to its own machine, or to what is only for machines themselves, as the
 * services of cloud providers at 169.254.169.254: whoever may write a Service must not get there by it.
 */
const FORBIDDEN = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/96',
  '::ffff:0:0/96',
  '64:ff9b::/96',
  'fe80::/10',
  'ff00::/8',
].map((text) => parseCidr(text)!);

/** A name with more addresses than this uses the first of them. */
const MOST_ADDRESSES = 32;

/** The names that Services of type ExternalName behind our Ingresses stand for; what is an address already is none. */
export function externalNames({
  ingresses,
  classes,
  services,
  withoutClass,
}: Pick<IngressWorld, 'ingresses' | 'classes' | 'services' | 'withoutClass'>): ReadonlySet<string> {
  const aliases = [...services.values()].filter(({ spec }) => spec?.type === 'ExternalName');
  if (aliases.length === 0) return new Set();
  const wanted = new Set(ingresses.filter(ingressFilter(classes, withoutClass)).flatMap(servicesOf));
  return new Set(
    aliases.flatMap((service) => {
      const name = nameOf(service);
      return wanted.has(keyOf(service)) && isName(name) ? [name] : [];
    }),
  );
}

/** The servers behind a Service of type ExternalName; none without a problem while the name is being looked up. */
export function namedServers(
  service: Service,
  { service: key, port: wanted }: ServiceTarget,
  names: ReadonlyMap<string, KnownName>,
): NamedServers {
  const none = (why: string): NamedServers => ({ endpoints: [], problem: `Service ${key} (ExternalName): ${why}` });
  const port = portOf(service, wanted);
  if (port === undefined) return none(`it has no TCP port ${wanted}, and only a number can do without`);
  const name = nameOf(service);
  const ip = parseIp(name);
  if (ip === undefined && !isName(name)) return none(`'${name}' is neither a name nor an address`);
  const known = ip === undefined ? names.get(name) : { addresses: [formatIp(ip)] };
  if (known === undefined) return { endpoints: [] };
  if ('problem' in known) return none(`${name} ${known.problem}`);
  const ips = known.addresses.flatMap((text) => parseIp(text) ?? []);
  const forbidden = ips.find(isForbidden);
  if (forbidden !== undefined)
    return none(`${name} stands for ${formatIp(forbidden)}, which is an address of the proxy's own machine or link`);
  return { endpoints: ips.slice(0, MOST_ADDRESSES).map((each) => ({ host: formatIp(each), port })) };
}

/** As ingress-nginx: the target port of that port, or, as such Services need not list ports, the very number. */
function portOf({ spec }: Service, wanted: number | string): number | undefined {
  const port = (spec?.ports ?? []).find(
    (each) =>
      (each.protocol ?? 'TCP') === 'TCP' && (typeof wanted === 'number' ? each.port === wanted : each.name === wanted),
  );
  if (port === undefined) return typeof wanted === 'number' ? wanted : undefined;
  return typeof port.targetPort === 'number' && port.targetPort > 0 ? port.targetPort : port.port;
}

function isForbidden(ip: Ip): boolean {
  return FORBIDDEN.some((cidr) => cidrContains(cidr, ip));
}

function isName(text: string): boolean {
  return (
    text.length <= 253 &&
    /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/.test(text) &&
    parseIp(text) === undefined
  );
}

/** Without the dot at the end. */
function nameOf({ spec }: Service): string {
  return (spec?.externalName ?? '').toLowerCase().replace(/\.$/, '');
}

function keyOf({ metadata }: Service): string {
  return `${metadata?.namespace ?? 'default'}/${metadata?.name ?? ''}`;
}

function servicesOf({ metadata, spec }: Ingress): string[] {
  const paths = (spec?.rules ?? []).flatMap(({ http }) => http?.paths ?? []);
  const backends = [spec?.defaultBackend, ...paths.map(({ backend }) => backend)];
  return backends.flatMap((each) =>
    each?.service === undefined ? [] : [`${metadata?.namespace ?? 'default'}/${each.service.name}`],
  );
}
