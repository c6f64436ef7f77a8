import { endpointsOf } from '../ingress/endpoints.ts';
import type { Endpoint } from '../ingress/model.ts';
import type { Settings } from '../ingress/settings.ts';
import { isGranted } from './grants.ts';
import { printable } from './read-match.ts';
import type { HttpBackendRef } from './types.ts';
import { fails } from './verdict.ts';
import type { Verdict } from './verdict.ts';
import { GATEWAY_GROUP } from './world.ts';
import type { GatewayWorld } from './world.ts';

/** The servers that a backendRef names, or why it names none. */
export type BackendReading =
  | {
      readonly endpoints: readonly Endpoint[];
      /** The same by their addresses of the other family. */
      readonly others: readonly Endpoint[];
      readonly protocol: Settings['protocol'];
    }
  | { readonly problem: Verdict };

/** What a Service's `appProtocol` says of servers that take no requests without TLS. */
const TLS_PROTOCOLS: readonly string[] = ['https', 'tls', 'kubernetes.io/wss'];

/** Reads a backendRef of an HTTPRoute in a namespace. */
export function readBackend(
  { group = '', kind = 'Service', name = '', namespace, port }: HttpBackendRef,
  own: string,
  world: GatewayWorld,
): BackendReading {
  if (group !== '' || kind !== 'Service')
    return unresolved('InvalidKind', `${printable(kind)} ${name} is no Service, and only Services are served`);
  const to = { group: '', kind: 'Service', namespace: namespace ?? own, name };
  if (!isGranted(world.grants, { group: GATEWAY_GROUP, kind: 'HTTPRoute', namespace: own }, to)) {
    const message = `no ReferenceGrant in namespace ${to.namespace} lets HTTPRoutes of ${own} name Service ${name}`;
    return unresolved('RefNotPermitted', message);
  }
  if (port === undefined) return unresolved('UnsupportedValue', `the backendRef to Service ${name} names no port`);
  const service = `${to.namespace}/${name}`;
  const { endpoints, others = [], problem } = endpointsOf({ service, port }, false, world);
  if (problem !== undefined) return unresolved('BackendNotFound', problem);
  const { appProtocol } = (world.services.get(service)?.spec?.ports ?? []).find((each) => each.port === port) ?? {};
  if (TLS_PROTOCOLS.includes(appProtocol ?? ''))
    return unresolved(
      'UnsupportedProtocol',
      `Service ${service} speaks ${appProtocol}: TLS to servers is not supported`,
    );
  return { endpoints, others, protocol: appProtocol === 'kubernetes.io/h2c' ? 'h2' : 'http1' };
}

function unresolved(reason: string, message: string): BackendReading {
  return { problem: fails('ResolvedRefs', reason, message) };
}
