import { equalIp } from '../../base/ip/index.ts';
import { EMPTY_STATE } from '../../core/policy/cluster.ts';
import type { ClusterState, NamespaceInfo, NodeEndpoint, PodEndpoint } from '../../core/policy/cluster.ts';
import type { Normalised } from '../../core/policy/normalise/network-policy.ts';
import { tiersOf } from '../../core/policy/tiers.ts';
import type { KnownNode } from './routing-objects.ts';
import type { EndpointRecord } from './endpoint-record.ts';

/** The agent's knowledge that verdicts depend on. */
export interface ClusterView {
  readonly pods: ReadonlyMap<string, PodEndpoint>;
  readonly namespaces: ReadonlyMap<string, NamespaceInfo>;
  readonly nodes: ReadonlyMap<string, KnownNode>;
  readonly policies: ReadonlyMap<string, Normalised>;
  readonly local: Iterable<EndpointRecord>;
}

/**
 * The cluster as the policy engine reads it, for judging live connections. Services are left out, since connections
 * are judged after translation. A local pod has its addresses as soon as it is wired, whatever its status says yet.
 */
export function clusterStateOf({ pods, namespaces, nodes, policies, local }: ClusterView): ClusterState {
  const nodeEndpoints = new Map<string, NodeEndpoint>();
  for (const [name, { endpoint }] of nodes) nodeEndpoints.set(name, endpoint);
  return {
    ...EMPTY_STATE,
    namespaces,
    pods: withLocalAddresses(pods, local),
    nodes: nodeEndpoints,
    tiers: tiersOf([...policies.values()].map(({ policy }) => policy)),
  };
}

function withLocalAddresses(
  pods: ReadonlyMap<string, PodEndpoint>,
  local: Iterable<EndpointRecord>,
): ReadonlyMap<string, PodEndpoint> {
  let result: Map<string, PodEndpoint> | undefined;
  for (const { namespace, pod, addresses } of local) {
    const key = `${namespace}/${pod}`;
    const known = (result ?? pods).get(key);
    if (known === undefined || known.completed) continue;
    const more = addresses.filter((ip) => !known.addresses.some((each) => equalIp(each, ip)));
    if (more.length === 0) continue;
    result ??= new Map(pods);
    result.set(key, { ...known, addresses: [...known.addresses, ...more] });
  }
  return result ?? pods;
}
