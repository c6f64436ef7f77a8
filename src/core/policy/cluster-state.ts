import type { EndpointSlice, Namespace, NetworkPolicy, Node, Pod, Service } from '../kube/types.ts';
import { EMPTY_STATE } from './cluster.ts';
import type { ClusterState, SliceBackend } from './cluster.ts';
import { namespaceInfo, nodeEndpoint, podEndpoint, serviceInfo, sliceBackends } from './endpoints.ts';
import { normaliseNetworkPolicy } from './normalise/network-policy.ts';
import type { Locate } from './normalise/scope.ts';
import { tiersOf } from './tiers.ts';

/** The objects of a cluster that verdicts depend on, as lists of the API's own types. */
export interface ClusterObjects {
  readonly namespaces?: Iterable<Namespace>;
  readonly pods?: Iterable<Pod>;
  readonly nodes?: Iterable<Node>;
  readonly services?: Iterable<Service>;
  readonly endpointSlices?: Iterable<EndpointSlice>;
  readonly networkPolicies?: Iterable<NetworkPolicy>;
}

/** The state of the cluster that consists of `objects`. `locate` tells where an object's fields were read from. */
export function clusterState(objects: ClusterObjects, locate?: (object: object) => Locate | undefined): ClusterState {
  const normalised = [...(objects.networkPolicies ?? [])].map((each) => normaliseNetworkPolicy(each, locate?.(each)));
  return {
    ...EMPTY_STATE,
    namespaces: index(objects.namespaces, namespaceInfo, (each) => each.name),
    pods: index(objects.pods, podEndpoint, (each) => each.key),
    nodes: index(objects.nodes, nodeEndpoint, (each) => each.name),
    services: index(objects.services, serviceInfo, (each) => each.key),
    slices: slicesByService(objects.endpointSlices ?? []),
    tiers: tiersOf(normalised.map((each) => each.policy)),
    issues: normalised.flatMap((each) => each.issues),
  };
}

function index<From, To>(objects: Iterable<From> | undefined, convert: (o: From) => To, key: (o: To) => string) {
  const result = new Map<string, To>();
  for (const object of objects ?? []) {
    const converted = convert(object);
    result.set(key(converted), converted);
  }
  return result;
}

function slicesByService(slices: Iterable<EndpointSlice>): Map<string, SliceBackend[]> {
  const result = new Map<string, SliceBackend[]>();
  for (const slice of slices) {
    const service = slice.metadata?.labels?.['kubernetes.io/service-name'];
    if (service === undefined) continue;
    const key = `${slice.metadata?.namespace ?? 'default'}/${service}`;
    result.set(key, [...(result.get(key) ?? []), ...sliceBackends(slice)]);
  }
  return result;
}
