import { equalIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { Labels } from '../../core/kube/labels.ts';
import { DEFAULT_SETTINGS } from '../../core/policy/calico/settings.ts';
import { DEFAULT_ALLOW } from '../../core/policy/cluster-state.ts';
import { EMPTY_STATE } from '../../core/policy/cluster.ts';
import type {
  ClusterState,
  HostEndpointInfo,
  NamespaceInfo,
  NetworkSetInfo,
  NodeEndpoint,
  PodEndpoint,
  PolicySettings,
  ProfileInfo,
  SliceBackend,
} from '../../core/policy/cluster.ts';
import type { Policy, TierSpec } from '../../core/policy/model.ts';
import { tiersOf } from '../../core/policy/tiers.ts';
import type { SliceSpec } from '../../core/service/model.ts';
import type { EndpointRecord } from './endpoint-record.ts';
import type { KnownNode } from './routing-objects.ts';

type Collection<T> = { readonly items: ReadonlyMap<string, T> };

/** The agent's knowledge that verdicts depend on; `ClusterFeed` has it. */
export interface ClusterView {
  readonly pods: Collection<PodEndpoint>;
  readonly namespaces: Collection<NamespaceInfo>;
  readonly nodes: Collection<KnownNode>;
  readonly serviceAccounts: Collection<Labels>;
  policies(): Iterable<Policy>;
  slices(): Iterable<SliceSpec>;
  readonly extended: {
    tiers(): Iterable<TierSpec>;
    networkSets(): Iterable<NetworkSetInfo>;
    hostEndpoints(): ReadonlyMap<string, HostEndpointInfo>;
    profiles(): Iterable<ProfileInfo>;
    readonly settings: PolicySettings | undefined;
  };
}

/**
 * The cluster as the policy engine reads it, for judging live connections. Connections are judged after translation, so
 * of Services only the endpoints are there, which policies may name. Nor are there pools: masquerading changes what
 * another node sees, and each node judges its own. A local pod has its addresses as soon as it is wired, whatever its
 * status says yet.
 */
export function clusterStateOf(
  view: ClusterView,
  local: Iterable<EndpointRecord>,
  domains: ReadonlyMap<string, readonly Ip[]> = EMPTY_STATE.domains,
): ClusterState {
  const { extended } = view;
  const nodes = new Map<string, NodeEndpoint>();
  for (const [name, { endpoint }] of view.nodes.items) nodes.set(name, endpoint);
  return {
    ...EMPTY_STATE,
    namespaces: view.namespaces.items,
    pods: withLocalAddresses(view.pods.items, local),
    nodes,
    slices: backendsByService(view.slices()),
    serviceAccounts: view.serviceAccounts.items,
    networkSets: new Map([...extended.networkSets()].map((each) => [each.key, each])),
    hostEndpoints: extended.hostEndpoints(),
    profiles: new Map([DEFAULT_ALLOW, ...extended.profiles()].map((each) => [each.name, each])),
    domains,
    settings: extended.settings ?? DEFAULT_SETTINGS,
    tiers: tiersOf(view.policies(), extended.tiers()),
  };
}

function backendsByService(slices: Iterable<SliceSpec>): ReadonlyMap<string, readonly SliceBackend[]> {
  const result = new Map<string, SliceBackend[]>();
  for (const { service, ports, endpoints, idle = [] } of slices) {
    const addresses = [...endpoints, ...idle.map((address) => ({ address, ready: false }))];
    const backends = ports.flatMap(({ name, protocol, port }) =>
      addresses.map(({ address, ready }): SliceBackend => ({ ip: address, port, protocol, portName: name, ready })),
    );
    result.set(service, [...(result.get(service) ?? []), ...backends]);
  }
  return result;
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
