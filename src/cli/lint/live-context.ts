import type { Manifest } from '../../core/kube/yaml.ts';
import type { Invocation } from '../command.ts';

/** Where objects that were read from a cluster stand. */
const PLACE = { file: '<cluster>', line: 1, column: 1 };

/** The objects of the running cluster, as if they stood in a file. What kubectl would not print is left out. */
export async function liveManifests(invocation: Invocation): Promise<readonly Manifest[]> {
  const { openCluster, readSnapshot } = await import('../cluster.ts');
  using cluster = await openCluster(invocation);
  const snapshot = await readSnapshot(cluster.client);
  return Object.entries(snapshot).flatMap(([list, objects]) =>
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
  return { object: { ...identity, ...object }, file: PLACE.file, locate: () => PLACE };
}
