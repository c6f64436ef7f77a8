import type { Manifest } from '../../core/kube/yaml.ts';
import { kindOf } from '../../core/lint/objects.ts';
import type { Invocation } from '../command.ts';

/** The objects of the running cluster, as if each stood in a file of its own: `<cluster>/NetworkPolicy/shop/web`. */
export async function liveManifests(invocation: Invocation): Promise<readonly Manifest[]> {
  const { listIfServed, openCluster, readSnapshot } = await import('../cluster.ts');
  const { GATEWAYS, HTTP_ROUTES, INGRESSES, REFERENCE_GRANTS } = await import('../../host/kube-client/resources.ts');
  using cluster = await openCluster(invocation);
  const snapshot = await readSnapshot(cluster.client);
  const requests = [INGRESSES, GATEWAYS, HTTP_ROUTES, REFERENCE_GRANTS];
  const routing = await Promise.all(requests.map((resource) => listIfServed(cluster.client, resource)));
  return Object.entries({ ...snapshot, routing: routing.flat() }).flatMap(([list, objects]) =>
    Array.isArray(objects) ? objects.map((object: object) => manifestOf(object, KINDS[list])) : [],
  );
}

/** The API leaves `apiVersion` and `kind` out of the items of its lists. */
const KINDS: Readonly<Record<string, { readonly apiVersion: string; readonly kind: string }>> = {
  namespaces: { apiVersion: 'v1', kind: 'Namespace' },
  pods: { apiVersion: 'v1', kind: 'Pod' },
  nodes: { apiVersion: 'v1', kind: 'Node' },
  services: { apiVersion: 'v1', kind: 'Service' },
  endpointSlices: { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
  networkPolicies: { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
};

function manifestOf(object: object, identity: object | undefined): Manifest {
  const whole: Readonly<Record<string, unknown>> = { ...identity, ...object };
  const { namespace, name } = (whole['metadata'] ?? {}) as { readonly namespace?: string; readonly name?: string };
  const file = ['<cluster>', kindOf(whole), namespace, name].filter((each) => each !== undefined).join('/');
  return { object: whole, file, locate: () => ({ file, line: 1, column: 1 }) };
}
