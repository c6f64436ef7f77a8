import type { InspectCertificate, SecretData } from '../ingress/world.ts';
import type { Service } from '../kube/types.ts';
import type { SliceSpec } from '../service/model.ts';
import type { Gateway, GatewayClass, HttpRoute, ReferenceGrant } from './types.ts';

/** What GatewayClasses name to have their Gateways served by Sluice. */
export const GATEWAY_CONTROLLER = 'sluice.dev/gateway';

/** The group of the Gateway API. */
export const GATEWAY_GROUP = 'gateway.networking.k8s.io';

/** The objects of the Gateway API, and what belongs to them alone. */
export interface GatewayObjects {
  readonly classes: readonly GatewayClass[];
  readonly gateways: readonly Gateway[];
  readonly routes: readonly HttpRoute[];
  readonly grants: readonly ReferenceGrant[];
  /** Labels of namespaces by their names. */
  readonly namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Releases of the definitions of the Gateway API by their names, empty for none; absent where they may not be read. */
  readonly definitions?: ReadonlyMap<string, string>;
  /** Ports that listeners cannot have, with the reason. */
  readonly takenPorts: ReadonlyMap<number, string>;
}

/** The cluster as Gateways see it; keys are `namespace/name`. */
export interface GatewayWorld extends GatewayObjects {
  readonly services: ReadonlyMap<string, Service>;
  /** By the key of their Service. */
  readonly slices: ReadonlyMap<string, readonly SliceSpec[]>;
  readonly secrets: ReadonlyMap<string, SecretData>;
  readonly inspectCertificate: InspectCertificate;
  /** Refused already, by the proxy itself: `Gateway namespace/name` or `HTTPRoute namespace/name` with the reason. */
  readonly rejected: ReadonlyMap<string, string>;
}
