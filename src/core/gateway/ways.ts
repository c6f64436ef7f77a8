import type { HostMatch, PathMatch } from '../ingress/model.ts';
import { decoded } from '../ingress/read-ingress.ts';
import type { ServiceTarget } from '../ingress/read-ingress.ts';
import { PLAIN_SETTINGS } from '../ingress/settings.ts';
import type { Settings } from '../ingress/settings.ts';
import { UNRESOLVED_BACKEND } from '../ingress/virtual-host.ts';
import type { RequestTest, VirtualHost } from '../ingress/virtual-host.ts';
import { covers, hostRank } from './hostname.ts';
import type { GatewayModel } from './derive.ts';

/** One host and match of an HTTPRoute, and where a part of its requests goes. */
export interface RouteWay {
  readonly host: HostMatch;
  readonly path: PathMatch;
  /** Beyond host and path. */
  readonly tests: readonly RequestTest[];
  /** Of the requests that those before it have left over; absent: all. */
  readonly share?: { readonly parts: number; readonly whole: number };
  /** Absent where no Service is asked, as with a redirect. */
  readonly target?: ServiceTarget;
  readonly settings: Settings;
  /** Why it is answered 500. */
  readonly problem?: string;
}

/** What becomes of one HTTPRoute that a Gateway of ours is a parent of. */
export interface RouteWays {
  /** Why all of it is refused, or by all of its parents. */
  readonly refusal?: string;
  /** `gateways` are those that have the host, as `namespace/name`. */
  readonly ways: readonly (RouteWay & { readonly gateways: readonly string[] })[];
}

/** The ways of all HTTPRoutes of our Gateways, by `namespace/name`. */
export function routeWays({ routes }: Pick<GatewayModel, 'routes'>): ReadonlyMap<string, RouteWays> {
  return new Map(
    routes.flatMap(({ reading, attachments }) => {
      if (reading === undefined) return [];
      const parted = attachments.find(({ accepted }) => accepted.status === 'False')?.accepted;
      const places = attachments.flatMap((each) => each.places).filter(({ listener }) => listener.serves);
      const refusal = reading.problem ?? (places.length === 0 ? (parted ?? NOT_SERVED) : undefined);
      const settings = new Map(reading.backends.map((backend) => [backend.name, backend.settings]));
      const ways = hostsOf(places).flatMap(({ host, gateways }) =>
        reading.targets.flatMap(({ match, shares }) =>
          shares.map(({ backend, share, target }): RouteWays['ways'][number] => {
            const problem = backend === UNRESOLVED_BACKEND ? unresolved(reading.resolved.message) : {};
            return {
              host,
              path: match.path,
              tests: match.tests,
              ...(share === undefined ? {} : { share }),
              ...(target === undefined ? {} : { target }),
              settings: settings.get(backend) ?? PLAIN_SETTINGS,
              gateways,
              ...problem,
            };
          }),
        ),
      );
      return [[reading.key, { ways, ...(refusal === undefined ? {} : { refusal: refusal.message }) }] as const];
    }),
  );
}

const NOT_SERVED = { message: 'no listener that it is attached to is served' };

function unresolved(message: string): { readonly problem: string } {
  return { problem: message === '' ? 'the rule names no Service' : message };
}

type Places = GatewayModel['routes'][number]['attachments'][number]['places'];

/** Each host once, with the Gateways whose listeners it is at. */
function hostsOf(places: Places): readonly { readonly host: HostMatch; readonly gateways: readonly string[] }[] {
  const found = new Map<string, { readonly host: HostMatch; readonly gateways: Set<string> }>();
  for (const { listener, hosts } of places)
    for (const { host } of hosts) {
      const key = JSON.stringify(host);
      const known = found.get(key) ?? { host, gateways: new Set() };
      known.gateways.add(listener.gateway);
      found.set(key, known);
    }
  return [...found.values()].map(({ host, gateways }) => ({ host, gateways: [...gateways].sort() }));
}

/** What the proxy does with a request at a host of Gateways. */
export interface FoundWays {
  /** The kind of host by which the request is found. */
  readonly kind: HostMatch['kind'];
  /** In the order in which they are tried, whatever else the request must be like; `route` is whose it is. */
  readonly ways: readonly (RouteWay & { readonly route?: string })[];
}

/** Finds the ways of a request as the proxy does; undefined where no listener is for its host. */
export function findWays(
  { proxy, routes }: Pick<GatewayModel, 'proxy' | 'routes'>,
  request: { readonly port: number; readonly host: string; readonly path: string },
): FoundWays | undefined {
  const exact: HostMatch = { kind: 'exact', name: request.host.toLowerCase().replace(/\.$/, '') };
  const path = decoded(request.path.replace(/\/+/g, '/'));
  const [best] = proxy.virtualHosts
    .filter(({ port, host }) => port === request.port && covers(host, exact))
    .toSorted((a, b) => hostRank(b.host) - hostRank(a.host));
  if (best === undefined || path === undefined) return undefined;
  const list = listFor(best, path);
  const owners = ownersOf(routes);
  const ways = (list?.decisions ?? []).flatMap(({ tests, share, backend }) => {
    if (tests.some((test) => test.kind === 'path' && !new RegExp(`^(?:${test.value})$`).test(path))) return [];
    const owner = owners.get(backend) ?? { settings: PLAIN_SETTINGS, problem: 'no Service that it may name' };
    const rest = tests.filter(({ kind }) => kind !== 'path');
    return [{ host: best.host, path: list!.path, tests: rest, ...(share === undefined ? {} : { share }), ...owner }];
  });
  return { kind: best.host.kind, ways };
}

function listFor({ lists }: VirtualHost, path: string): VirtualHost['lists'][number] | undefined {
  const exact = lists.find((list) => list.path.kind === 'exact' && list.path.value === path);
  const prefixes = lists.filter((list) => list.path.kind === 'prefix' && `${path}/`.startsWith(`${list.path.value}/`));
  return exact ?? prefixes.toSorted((a, b) => b.path.value.length - a.path.value.length)[0];
}

/** Backends belong to one route each, except the one for what cannot be resolved. */
function ownersOf(
  routes: GatewayModel['routes'],
): ReadonlyMap<string, Pick<RouteWay, 'target' | 'settings'> & { readonly route: string }> {
  return new Map(
    routes.flatMap(({ reading }) => {
      const targets = new Map(
        reading?.targets.flatMap(({ shares }) => shares.map((each) => [each.backend, each.target])),
      );
      return (reading?.backends ?? []).map(({ name, owner, settings }) => {
        const target = targets.get(name);
        return [name, { route: owner, settings, ...(target === undefined ? {} : { target }) }] as const;
      });
    }),
  );
}
