import type { Gateway, GatewayClass, GatewayWorld, HttpRoute, ReferenceGrant } from '../../core/gateway/index.ts';
import type { IngressWorld } from '../../core/ingress/index.ts';
import type { Namespace } from '../../core/kube/types.ts';
import { GATEWAY_CLASSES, GATEWAYS, HTTP_ROUTES, REFERENCE_GRANTS } from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject } from '../../host/kube-client/types.ts';
import { listIfThere } from './read-world.ts';

/** What Gateways depend on besides what Ingresses do, as the API server has it now; nothing where it has no Gateway API. */
export async function readGatewayWorld(
  client: KubeClient,
  world: IngressWorld,
  namespaces: readonly Namespace[],
): Promise<GatewayWorld> {
  const [classes, gateways, routes, grants] = await Promise.all([
    listIfThere<GatewayClass & KubeObject>(client, GATEWAY_CLASSES),
    listIfThere<Gateway & KubeObject>(client, GATEWAYS),
    listIfThere<HttpRoute & KubeObject>(client, HTTP_ROUTES),
    listIfThere<ReferenceGrant & KubeObject>(client, REFERENCE_GRANTS),
  ]);
  const labels = namespaces.map(({ metadata }) => [metadata?.name ?? '', metadata?.labels ?? {}] as const);
  return { ...world, classes, gateways, routes, grants, namespaces: new Map(labels), takenPorts: new Map() };
}
