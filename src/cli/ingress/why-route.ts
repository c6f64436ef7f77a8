import { SluiceError } from '../../base/errors.ts';
import { readGatewayWorld } from '../../app/ingress/read-gateways.ts';
import { readIngressWorld } from '../../app/ingress/read-world.ts';
import { deriveGateways, findWays, routeWays } from '../../core/gateway/index.ts';
import type { GatewayModel, RouteWay, RouteWays } from '../../core/gateway/index.ts';
import { deriveIngress, matchRoute } from '../../core/ingress/index.ts';
import type { IngressWorld, Way } from '../../core/ingress/index.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import type { AskedPort } from '../check/port-text.ts';
import type { ClusterSnapshot } from '../cluster.ts';
import type { Judge } from '../judge.ts';
import { checkSource, enterProxies, followWays } from './follow.ts';
import type { Entrance, Followed, Request } from './follow.ts';
import { findProxies } from './proxies.ts';
import type { Proxies } from './proxies.ts';
import type { IngressTarget } from './why-ingress.ts';

/** An HTTPRoute by its name. */
export interface RouteTarget {
  readonly kind: 'route';
  /** `namespace/name`. */
  readonly key: string;
}

/** Reads `NAMESPACE/httproute/NAME` or `httproute/NAME`; undefined when it is neither. */
export function readRouteTarget(text: string, namespace: string): RouteTarget | undefined {
  const named = /^(?:([^/]+)\/)?httproutes?\/([^/]+)$/u.exec(text);
  return named === null ? undefined : { kind: 'route', key: `${named[1] ?? namespace}/${named[2]}` };
}

/** What became of requests by HTTPRoutes. */
export interface RouteReport {
  /** `namespace/httproute/name` of each that has some of them. */
  readonly titles: readonly string[];
  readonly refusal: string | undefined;
  readonly proxies: Proxies;
  readonly entrances: readonly Entrance[];
  readonly followed: readonly (Omit<Followed, 'way'> & { readonly way: RouteWay })[];
  readonly allowed: boolean;
}

/** Whom and what to ask. */
interface Around {
  readonly judge: Judge;
  readonly snapshot: ClusterSnapshot;
  readonly client: KubeClient;
}

/** The ports of a request are the listeners' own. */
type RouteRequest = Request & { readonly port: AskedPort | undefined };

/** Follows a request; undefined when no HTTPRoute has it, as the one that is named or by its URL. */
export async function followThroughRoutes(
  target: IngressTarget | RouteTarget,
  { judge, snapshot, client }: Around,
  request: RouteRequest,
): Promise<RouteReport | undefined> {
  if (target.kind === 'ingress') return undefined;
  const proxies = findProxies(snapshot.pods, snapshot.nodes);
  const { services, endpointSlices: slices, namespaces } = snapshot;
  const world = await readIngressWorld(client, { services, slices }, proxies);
  const model = deriveGateways(await readGatewayWorld(client, world, namespaces));
  const port = portOf(request.port) ?? (target.kind === 'url' && target.tls ? 443 : 80);
  const found = target.kind === 'route' ? byName(model, target.key) : byUrl(model, world, target, port);
  if (found === undefined) return undefined;
  checkSource(request.from, judge);
  const { titles, ways, refusal } = found;
  const entrances = enterProxies(proxies, judge, port, request);
  const followed = ways.map((way) => {
    const [result] = followWays({ ways: [asWay(way, refusal)], warnings: [] }, proxies, judge, request);
    return { ...result!, way };
  });
  const isOpen = entrances.every(({ judged }) => judged.answer.allowed);
  const isServed = refusal === undefined && followed.length > 0 && followed.every((each) => each.allowed);
  return { titles, refusal, proxies, entrances, followed, allowed: isOpen && isServed };
}

type Found = Omit<RouteWays, 'ways'> & { readonly ways: readonly RouteWay[]; readonly titles: readonly string[] };

function byName(model: GatewayModel, key: string): Found | undefined {
  const ways = routeWays(model).get(key);
  return ways === undefined ? undefined : { ...ways, titles: [titleOf(key)] };
}

const HOST_KINDS = ['exact', 'wildcard', 'any'] as const;

/** Of hosts of the same kind, the Ingress has the request; a host that is found is not looked for further. */
function byUrl(
  model: GatewayModel,
  world: IngressWorld,
  { text, host, path }: Extract<IngressTarget, { kind: 'url' }>,
  port: number,
): Found | undefined {
  const found = findWays(model, { port, host, path });
  if (found === undefined) return undefined;
  const ingress = matchRoute(deriveIngress(world).routes, host, path);
  if (ingress !== undefined && HOST_KINDS.indexOf(ingress.host.kind) <= HOST_KINDS.indexOf(found.kind))
    return undefined;
  if (found.ways.length === 0)
    throw new SluiceError(
      'no-such-place',
      `a Gateway has the host of ${text}, and no HTTPRoute the path: the proxy answers 404`,
    );
  const titles = [...new Set(found.ways.flatMap(({ route }) => route ?? []))].map(titleOf);
  return { ways: found.ways, titles: titles.length === 0 ? [text] : titles };
}

function titleOf(key: string): string {
  return key.replace('/', '/httproute/');
}

/** What has no Service is answered by the proxy, so that nobody is asked of it. */
export function asWay({ host, path, target, settings, problem }: RouteWay, refusal: string | undefined): Way {
  const stop = refusal ?? problem;
  return {
    host,
    path,
    settings,
    canary: false,
    target: target ?? { service: '', port: 0 },
    ...(stop === undefined ? {} : { problem: stop }),
  };
}

function portOf(asked: AskedPort | undefined): number | undefined {
  return asked?.kind === 'range' && asked.first === asked.last ? asked.first : undefined;
}
