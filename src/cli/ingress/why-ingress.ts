import { SluiceError } from '../../base/errors.ts';
import { readIngressWorld } from '../../app/ingress/read-world.ts';
import { deriveIngress, ingressWays, matchRoute } from '../../core/ingress/index.ts';
import type { IngressModel, IngressWays, IngressWorld } from '../../core/ingress/index.ts';
import { suggest } from '../../core/kube/suggest.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import type { ClusterSnapshot } from '../cluster.ts';
import type { AskedPort } from '../check/port-text.ts';
import type { Judge } from '../judge.ts';
import { checkSource, enterProxies, followWays } from './follow.ts';
import type { Request } from './follow.ts';
import { findProxies } from './proxies.ts';
import type { Proxies } from './proxies.ts';
import type { IngressReport } from './report.ts';
import { requestsText } from './leading-text.ts';

/** What a request is for: an Ingress, or a URL that one of them may have. */
export type IngressTarget =
  | { readonly kind: 'ingress'; readonly key: string }
  | {
      readonly kind: 'url';
      readonly text: string;
      readonly tls: boolean;
      readonly host: string;
      readonly path: string;
    };

/** Reads `NAMESPACE/ingress/NAME`, `ingress/NAME` or a URL; undefined when it is none of them. */
export function readIngressTarget(text: string, namespace: string): IngressTarget | undefined {
  const named = /^(?:([^/]+)\/)?(?:ingress|ingresses|ing)\/([^/]+)$/u.exec(text);
  if (named !== null) return { kind: 'ingress', key: `${named[1] ?? namespace}/${named[2]}` };
  if (!/^https?:\/\//iu.test(text)) return undefined;
  const url = URL.parse(text);
  if (url === null) throw wrong(`'${text}' is no URL`);
  return { kind: 'url', text, tls: url.protocol === 'https:', host: url.hostname, path: url.pathname };
}

/** The ports of the proxy. */
const PORTS: Readonly<Record<string, number>> = { '80': 80, '443': 443, http: 80, https: 443 };

/** What is known of the Ingresses of a cluster. */
export interface IngressKnowledge {
  readonly proxies: Proxies;
  readonly model: IngressModel;
  readonly ways: ReadonlyMap<string, IngressWays>;
}

/** Reads everything that Ingresses depend on, which is most of what HTTPRoutes do, too. */
export async function readIngresses(
  client: KubeClient,
  snapshot: ClusterSnapshot,
): Promise<IngressKnowledge & { readonly world: IngressWorld }> {
  const proxies = findProxies(snapshot.pods, snapshot.nodes);
  const { services, endpointSlices: slices } = snapshot;
  const world = await readIngressWorld(client, { services, slices }, proxies);
  const model = deriveIngress(world);
  return { proxies, model, world, ways: ingressWays(world, model) };
}

/** Follows a request; throws `bad-question` or `no-such-place` when there is nothing to follow. */
export function followRequest(
  { proxies, model, ways: all }: IngressKnowledge,
  target: IngressTarget,
  judge: Judge,
  request: Request & { readonly port: AskedPort | undefined },
): IngressReport {
  checkSource(request.from, judge);
  const port = readProxyPort(request.port) ?? (target.kind === 'url' && target.tls ? 443 : 80);
  const { key, ways } = target.kind === 'ingress' ? findIngress(all, target.key) : findByUrl(all, model, target);
  const entrances = enterProxies(proxies, judge, port, request);
  const followed = followWays(ways, proxies, judge, request);
  const isOpen = entrances.every(({ judged }) => judged.answer.allowed);
  const isServed = proxies.ready.length > 0 && followed.length > 0 && followed.every(({ allowed }) => allowed);
  return {
    title: key.replace('/', '/ingress/'),
    ways,
    proxies,
    entrances,
    followed,
    allowed: isOpen && isServed,
  };
}

/** The Ingresses that lead to a Service, with those of their ways that do. */
export function leadingTo(
  { ways: all }: IngressKnowledge,
  service: string,
): readonly { readonly key: string; readonly ways: IngressWays }[] {
  return [...all].flatMap(([key, { ways, ...rest }]) => {
    const own = ways.filter(({ target, holder }) => target.service === service && holder === undefined);
    return own.length === 0 ? [] : [{ key, ways: { ...rest, ways: own } }];
  });
}

function readProxyPort(asked: AskedPort | undefined): number | undefined {
  if (asked === undefined) return undefined;
  const text = asked.kind === 'name' ? asked.name : asked.first === asked.last ? `${asked.first}` : '';
  const port = PORTS[text];
  if (port === undefined) throw wrong('--port: an Ingress is served on the ports 80 and 443 of the proxy');
  return port;
}

function findIngress(all: IngressKnowledge['ways'], key: string): { key: string; ways: IngressWays } {
  const ways = all.get(key);
  if (ways !== undefined) return { key, ways };
  const near = suggest(key, [...all.keys()]);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  throw new SluiceError('no-such-place', `Sluice's proxy has no Ingress ${key}, by any class that is its own${hint}`);
}

function findByUrl(
  all: IngressKnowledge['ways'],
  { routes }: IngressModel,
  { text, host, path }: Extract<IngressTarget, { kind: 'url' }>,
): { key: string; ways: IngressWays } {
  const route = matchRoute(routes, host, path);
  const ways = route === undefined ? undefined : all.get(route.owner);
  if (route === undefined || ways === undefined)
    throw new SluiceError('no-such-place', `no Ingress or HTTPRoute has ${text}: the proxy answers 404`);
  const wanted = requestsText({ ...route, canary: false });
  return { key: route.owner, ways: { ...ways, ways: ways.ways.filter((way) => requestsText(way) === wanted) } };
}

function wrong(message: string): SluiceError<'bad-question'> {
  return new SluiceError('bad-question', message);
}
