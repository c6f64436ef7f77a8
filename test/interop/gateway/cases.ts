import type { GatewayRig } from './gateway-rig.ts';
import type { Written } from './objects.ts';

/** Tests by the names of the features that they are for. */
export type Cases = Readonly<Record<string, (rig: GatewayRig) => Promise<void>>>;

/** Addresses of the servers of Services: v1, v2 and v3 in `infra`, web in `web`, app-v1 and app-v2 in `app`. */
export const V1 = '10.61.0.1';
export const V2 = '10.61.0.2';
export const V3 = '10.61.0.3';
export const WEB = '10.61.0.4';
export const APP1 = '10.61.0.5';
export const APP2 = '10.61.0.6';

const SERVICES = [
  ['v1', V1, 'infra'],
  ['v2', V2, 'infra'],
  ['v3', V3, 'infra'],
  ['web', WEB, 'web'],
  ['app-v1', APP1, 'app'],
  ['app-v2', APP2, 'app'],
] as const;

/** Starts the servers and makes their Services. */
export async function addServices(rig: GatewayRig): Promise<void> {
  for (const [name, address, namespace] of SERVICES) await rig.service(name, [address], namespace);
}

export type Fields = Readonly<Record<string, unknown>>;

/** A listener for HTTP at port 80 that takes routes of its own namespace. */
export function http(name = 'http', more: Fields = {}): Fields {
  return { name, port: 80, protocol: 'HTTP', ...more };
}

/** A listener for HTTPS at port 443 with the certificate of a Secret. */
export function https(secret: string, more: Fields = {}): Fields {
  return { name: 'https', port: 443, protocol: 'HTTPS', tls: { certificateRefs: [{ name: secret }] }, ...more };
}

/** A Gateway `edge` of our class. */
export function gateway(listeners: readonly Fields[] = [http()], name = 'edge'): Written {
  return { kind: 'Gateway', metadata: { name }, spec: { gatewayClassName: 'sluice', listeners } };
}

/** An HTTPRoute of Gateway `edge`. */
export function route(name: string, rules: readonly Fields[], more: Fields = {}, namespace = 'infra'): Written {
  const parentRefs = [{ name: 'edge', namespace: 'infra' }];
  return { kind: 'HTTPRoute', metadata: { name, namespace }, spec: { parentRefs, rules, ...more } };
}

/** A rule that leads to a Service. */
export function to(service: string, matches?: readonly Fields[], more: Fields = {}): Fields {
  return { ...(matches === undefined ? {} : { matches }), backendRefs: [{ name: service, port: 8080 }], ...more };
}

export function exact(value: string): Fields {
  return { path: { type: 'Exact', value } };
}

export function prefix(value: string): Fields {
  return { path: { type: 'PathPrefix', value } };
}

/** A ReferenceGrant of a namespace for objects of `infra`. */
export function grant(namespace: string, from: string, toKind: string, name?: string): Written {
  return {
    kind: 'ReferenceGrant',
    metadata: { name: 'grant', namespace },
    spec: {
      from: [{ group: 'gateway.networking.k8s.io', kind: from, namespace: 'infra' }],
      to: [{ group: '', kind: toKind, ...(name === undefined ? {} : { name }) }],
    },
  };
}
