import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Gateway, GatewayClass, GatewayObjects, HttpRoute, ReferenceGrant } from '../../core/gateway/index.ts';
import { isForbidden } from '../../host/kube-client/errors.ts';
import { informer } from '../../host/kube-client/informer.ts';
import type { Informer } from '../../host/kube-client/informer.ts';
import {
  GATEWAY_CLASSES,
  GATEWAYS,
  HTTP_ROUTES,
  NAMESPACES,
  REFERENCE_GRANTS,
} from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject, ObjectMeta, Resource } from '../../host/kube-client/types.ts';
import { feedReleases } from './gateway-releases.ts';
import type { IngressOptions } from './options.ts';

/** How often a cluster without the definitions of the Gateway API is asked for them again, milliseconds. */
const ABSENT_RETRY = 10_000;

/** The objects of the Gateway API as the informers know them. */
export interface GatewayFeed {
  readonly synced: Promise<unknown>;
  readonly done: Promise<unknown>;
  objects(): GatewayObjects;
}

/** Watches what Gateways depend on besides what Ingresses do; `onChange` at every change. */
export function feedGateways(
  from: {
    readonly client: KubeClient;
    readonly log: Logger;
    readonly options: Pick<IngressOptions, 'httpPort' | 'httpsPort' | 'statusPort'>;
    readonly onChange: () => void;
  },
  signal: AbortSignal,
): GatewayFeed {
  const { client, log, onChange, options } = from;
  const refused = Promise.withResolvers<void>();
  const onError = (error: unknown): void => {
    log.warn('cannot watch, trying again', { error: messageOf(error) });
    // A service account of before the Gateway API: Ingresses are served all the same.
    if (isForbidden(error)) refused.resolve();
  };
  const watch = <T extends KubeObject, P>(of: Resource, project: (object: T) => P): Informer<P> =>
    informer<T, P>(client, of, { project, onDelta: onChange, onError, absentRetry: ABSENT_RETRY }, signal);
  const classes = watch<GatewayClass & KubeObject, GatewayClass>(GATEWAY_CLASSES, whole);
  const gateways = watch<Gateway & KubeObject, Gateway>(GATEWAYS, whole);
  const routes = watch<HttpRoute & KubeObject, HttpRoute>(HTTP_ROUTES, whole);
  const grants = watch<ReferenceGrant & KubeObject, ReferenceGrant>(REFERENCE_GRANTS, whole);
  const namespaces = watch<KubeObject, Readonly<Record<string, string>>>(
    NAMESPACES,
    ({ metadata }) => (metadata as ObjectMeta | undefined)?.labels ?? {},
  );
  const all = [classes, gateways, routes, grants, namespaces];
  const releases = feedReleases(from, signal);
  return {
    synced: Promise.race([Promise.all([...all, releases].map((each) => each.synced)), refused.promise]),
    done: Promise.all([...all, releases].map((each) => each.done)),
    objects: () => ({
      classes: [...classes.items.values()],
      gateways: [...gateways.items.values()],
      routes: [...routes.items.values()],
      grants: [...grants.items.values()],
      namespaces: namespaces.items,
      takenPorts: takenPorts(options),
      ...releases.releases(),
    }),
  };
}

function whole<T extends object>(object: T): T {
  return object;
}

/** Listeners call the proxy's own ports 80 and 443, whatever they are here. */
function takenPorts({
  httpPort,
  httpsPort,
  statusPort,
}: Parameters<typeof feedGateways>[0]['options']): ReadonlyMap<number, string> {
  const own = [httpPort, httpsPort].filter((port) => port !== 80 && port !== 443);
  return new Map([...own, statusPort].map((port) => [port, 'is one of the proxy itself']));
}
