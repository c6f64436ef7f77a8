import type { Backend, Certificate, IngressModel } from '../ingress/model.ts';
import { hostText } from '../ingress/model.ts';
import type { Port } from '../ingress/virtual-host.ts';
import { attach } from './attach.ts';
import type { Attachment } from './attach.ts';
import { readListeners } from './read-listeners.ts';
import type { ListenerReading } from './read-listeners.ts';
import { readRoute } from './read-route.ts';
import type { RouteReading } from './read-route.ts';
import { supportedVersion } from './supported-version.ts';
import type { Gateway, GatewayClass, HttpRoute } from './types.ts';
import { keyOf } from './types.ts';
import type { Verdict } from './verdict.ts';
import { virtualHosts } from './virtual-hosts.ts';
import { GATEWAY_CONTROLLER } from './world.ts';
import type { GatewayWorld } from './world.ts';

/** What the Gateways come to, for the proxy and for their status. */
export interface GatewayModel {
  readonly proxy: Required<Pick<IngressModel, 'backends' | 'certificates' | 'owned' | 'virtualHosts' | 'ports'>>;
  readonly classes: readonly GatewayClass[];
  /** Whether the Gateway API itself is of a release that is known; absent where nobody can tell. */
  readonly version: Verdict | undefined;
  readonly gateways: readonly { readonly gateway: Gateway; readonly listeners: readonly ListenerReading[] }[];
  /** Also those that no Gateway of ours is a parent of: their status may speak of an earlier one. */
  readonly routes: readonly {
    readonly route: HttpRoute;
    readonly reading: RouteReading | undefined;
    readonly attachments: readonly Attachment[];
  }[];
}

/** Derives what the proxy is to do for the Gateways of our classes, and what to say of them. */
export function deriveGateways(world: GatewayWorld): GatewayModel {
  const classes = world.classes.filter(({ spec }) => spec?.controllerName === GATEWAY_CONTROLLER);
  const names = new Set(classes.filter(isUsable).map(({ metadata }) => metadata?.name));
  const own = world.gateways.filter(({ spec }) => names.has(spec?.gatewayClassName)).toSorted(byAge);
  const all = readListeners(own, world);
  const byGateway = new Map(
    own.map((gateway) => [keyOf(gateway), all.filter((each) => each.gateway === keyOf(gateway))]),
  );
  const routes = world.routes.toSorted(byAge).map((route) => {
    const attachments = attach(route, byGateway, world.namespaces);
    return { route, attachments, reading: attachments.length === 0 ? undefined : readRoute(route, world) };
  });
  const serving = all.filter(({ serves }) => serves);
  const placed = routes.flatMap(({ reading, attachments }) =>
    reading === undefined ? [] : [{ route: reading, places: attachments.flatMap(({ places }) => places) }],
  );
  return {
    proxy: {
      virtualHosts: virtualHosts(serving, placed),
      ports: portsOf(serving),
      backends: placed.filter(({ places }) => places.length > 0).flatMap(({ route }) => route.backends),
      certificates: certificatesOf(serving),
      owned: [
        ...own.map((gateway) => `Gateway ${keyOf(gateway)}`),
        ...placed.map(({ route }) => `HTTPRoute ${route.key}`),
      ],
    },
    classes,
    version: world.definitions === undefined ? undefined : supportedVersion(world.definitions),
    gateways: own.map((gateway) => ({ gateway, listeners: byGateway.get(keyOf(gateway)) ?? [] })),
    routes,
  };
}

/** Adds what Gateways want of the proxy to what Ingresses want. */
export function withGateways(ingress: IngressModel, { proxy }: GatewayModel): IngressModel {
  const known = new Set(ingress.certificates.map(({ name }) => name));
  return {
    ...ingress,
    backends: [...ingress.backends, ...uniqueBackends(proxy.backends)],
    certificates: [...ingress.certificates, ...proxy.certificates.filter(({ name }) => !known.has(name))],
    owned: [...ingress.owned, ...proxy.owned],
    virtualHosts: proxy.virtualHosts,
    ports: proxy.ports,
  };
}

/** Parameters are nothing that a class of ours has. */
export function isUsable({ spec }: GatewayClass): boolean {
  return spec?.parametersRef === undefined;
}

/** Oldest first; of the same second, by name. */
function byAge(a: Gateway | HttpRoute, b: Gateway | HttpRoute): number {
  const [left, right] = [a, b].map((each) => `${each.metadata?.creationTimestamp ?? '9'} ${keyOf(each)}`);
  return left! < right! ? -1 : left! > right! ? 1 : 0;
}

function uniqueBackends(backends: readonly Backend[]): readonly Backend[] {
  return [...new Map(backends.map((backend) => [backend.name, backend])).values()];
}

function portsOf(serving: readonly ListenerReading[]): Port[] {
  const ports = new Map<number, Port>();
  for (const { listener, tls, host, certificates } of serving) {
    const before = ports.get(listener.port)?.certificates ?? [];
    const more = certificates.map(({ name }) => ({ name, ...(host.kind === 'any' ? {} : { host: hostText(host) }) }));
    ports.set(listener.port, { port: listener.port, tls, certificates: [...before, ...more] });
  }
  return [...ports.values()];
}

function certificatesOf(serving: readonly ListenerReading[]): Certificate[] {
  const found = new Map<string, Certificate>();
  for (const { gateway, certificates } of serving)
    for (const { name, pem } of certificates) {
      const owners = new Set([...(found.get(name)?.owners ?? []), `Gateway ${gateway}`]);
      found.set(name, { name, pem, hosts: [], owners: [...owners].sort() });
    }
  return [...found.values()];
}
