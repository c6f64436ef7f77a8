import fc from 'fast-check';
import { formatCidr, parseIp } from '../../src/base/ip/index.ts';
import type { Ip } from '../../src/base/ip/index.ts';
import type { EndpointSlice, NetworkPolicy, Pod, Service, ServiceAccount } from '../../src/core/kube/types.ts';
import type { ClusterObjects, PolicyObject, PoolInfo } from '../../src/core/policy/index.ts';
import {
  arbitraryCalicoPolicy,
  arbitraryHostPolicy,
  arbitraryNetworkSet,
  TIER_OBJECTS,
} from './arbitrary-calico-objects.ts';
import { arbitraryClusterPolicy } from './arbitrary-cluster-policies.ts';
import { arbitraryCluster } from './arbitrary-cluster.ts';
import { arbitraryHostEndpoint, arbitraryProfile, arbitrarySettings } from './arbitrary-host-objects.ts';
import { arbitraryPools } from './arbitrary-model.ts';

/** A generated cluster as lists of API objects; every list can be taken apart and put together differently. */
export type GeneratedObjects = Required<
  Pick<ClusterObjects, 'namespaces' | 'pods' | 'nodes' | 'services' | 'endpointSlices' | 'serviceAccounts'>
> & {
  readonly policies: readonly PolicyObject[];
  readonly tiers: readonly PolicyObject[];
  readonly networkSets: readonly PolicyObject[];
  readonly ipPools: readonly PolicyObject[];
  readonly hostEndpoints: readonly PolicyObject[];
  readonly profiles: readonly PolicyObject[];
  readonly felixConfigurations: readonly PolicyObject[];
  readonly domains: ReadonlyMap<string, readonly Ip[]>;
};

const NO_DOMAINS: ReadonlyMap<string, readonly Ip[]> = new Map();

/** What the cluster's DNS has answered: addresses outside and, of a headless Service say, of a pod. */
const DOMAINS: ReadonlyMap<string, readonly Ip[]> = new Map([
  ['api.example.com', [parseIp('203.0.113.10')!, parseIp('2001:db8:113::10')!]],
  ['example.com', [parseIp('10.244.1.3')!]],
]);

const LISTED_SERVICE: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'listed', namespace: 'ns-0' },
  spec: {
    type: 'NodePort',
    clusterIP: '10.96.0.11',
    clusterIPs: ['10.96.0.11', 'fd00:10:96::11'],
    ports: [{ name: 'web', port: 8081, targetPort: 80, protocol: 'TCP', nodePort: 30_081 }],
  },
};

/** Of a pod perhaps, of a node, and of nobody. */
const LISTED_ADDRESSES = ['10.244.0.2', '172.30.1.12', '203.0.113.10', 'fd00:10:244::1:3', 'fd00:30:1::11'];

/**
 * Generated clusters as people write them: every policy API side by side, over the few labels, addresses and ports of
 * {@link arbitraryCluster}. All of it is valid, so that nothing is refused.
 */
export const arbitraryObjects: fc.Arbitrary<GeneratedObjects> = fc
  .record({
    cluster: arbitraryCluster,
    cluster_policies: fc.array(arbitraryClusterPolicy(), { maxLength: 3 }),
    calico: fc.array(arbitraryCalicoPolicy(), { maxLength: 4 }),
    stagedKubernetes: often(false, true),
    hosts: sometimes(
      fc.record({
        endpoints: fc.array(arbitraryHostEndpoint(), { minLength: 1, maxLength: 3 }),
        policies: fc.array(arbitraryHostPolicy(), { maxLength: 2 }),
        profile: arbitraryProfile(),
      }),
    ),
    settings: sometimes(arbitrarySettings()),
    pools: arbitraryPools(),
    networkSets: fc.array(arbitraryNetworkSet(), { maxLength: 2 }),
    selector: fc.constantFrom<Record<string, string>[]>({ app: 'a' }, { tier: 'b' }, {}),
    slices: fc.array(fc.constantFrom(...LISTED_ADDRESSES), { maxLength: 3 }),
    domains: fc.constantFrom(NO_DOMAINS, DOMAINS),
    podExtras: fc.array(
      fc.record({
        serviceAccountName: fc.constantFrom('robot', undefined),
        ready: often(true, false),
        sidecar: fc.boolean(),
      }),
      { minLength: 6, maxLength: 6 },
    ),
  })
  .map((parts) => ({
    namespaces: [...parts.cluster.namespaces],
    nodes: [...parts.cluster.nodes].map((node, i) => ({
      ...node,
      metadata: { ...node.metadata, labels: { zone: i === 0 ? 'a' : 'b' } },
    })),
    pods: [...parts.cluster.pods].map((pod, i) => withExtras(pod, parts.podExtras[i % parts.podExtras.length]!)),
    services: [selectingService(parts.selector), LISTED_SERVICE],
    endpointSlices: ([4, 6] as const).map((family) => sliceOf(family, parts.slices)),
    serviceAccounts: [...parts.cluster.namespaces].map(({ metadata }): ServiceAccount => ({
      metadata: { name: 'robot', namespace: metadata!.name!, labels: { role: 'a' } },
    })),
    policies: [
      ...parts.cluster.networkPolicies.map((policy, i) =>
        asKubernetesPolicy(policy, parts.stagedKubernetes && i === 0),
      ),
      ...withOneBaseline(named(parts.cluster_policies, 'cluster')),
      ...named(parts.calico, 'calico'),
      ...named(parts.hosts?.policies ?? [], 'host'),
    ],
    tiers: TIER_OBJECTS,
    networkSets: named(parts.networkSets, 'set'),
    ipPools: parts.pools.map(poolObject),
    hostEndpoints: named(parts.hosts?.endpoints ?? [], 'endpoint'),
    profiles: parts.hosts === undefined ? [] : [parts.hosts.profile],
    felixConfigurations: parts.settings === undefined ? [] : [parts.settings],
    domains: parts.domains,
  }));

function asKubernetesPolicy(policy: NetworkPolicy, staged: boolean): PolicyObject {
  return (
    staged ? { ...policy, apiVersion: 'projectcalico.org/v3', kind: 'StagedKubernetesNetworkPolicy' } : policy
  ) as PolicyObject;
}

function poolObject({ cidr, natOutgoing }: PoolInfo, i: number): PolicyObject {
  const spec = { cidr: formatCidr(cidr), ...(natOutgoing ? { natOutgoing } : {}) };
  return { apiVersion: 'crd.projectcalico.org/v1', kind: 'IPPool', metadata: { name: `pool-${i}` }, spec };
}

interface PodExtras {
  readonly serviceAccountName: string | undefined;
  readonly ready: boolean;
  readonly sidecar: boolean;
}

/** A container of its own that calls other ports by the same names. */
const SIDECAR = {
  name: 'sidecar',
  image: 'x',
  ports: [
    { name: 'http', containerPort: 81 },
    { name: 'signal', containerPort: 80, protocol: 'SCTP' },
  ],
};

function withExtras(pod: Pod, { serviceAccountName, ready, sidecar }: PodExtras): Pod {
  const containers = sidecar ? [...pod.spec!.containers, SIDECAR] : pod.spec!.containers;
  return {
    ...pod,
    spec: { ...pod.spec, containers, ...(serviceAccountName === undefined ? {} : { serviceAccountName }) },
    status: { ...pod.status, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  };
}

function named(objects: readonly PolicyObject[], prefix: string): PolicyObject[] {
  return objects.map((object, i) => ({
    ...object,
    metadata: { ...object.metadata, name: object.metadata?.name ?? `${prefix}-${i}` },
  }));
}

/** There can be only one BaselineAdminNetworkPolicy, since its name is given. */
function withOneBaseline(policies: readonly PolicyObject[]): PolicyObject[] {
  const first = policies.find(({ kind }) => kind === 'BaselineAdminNetworkPolicy');
  return policies.filter((policy) => policy.kind !== 'BaselineAdminNetworkPolicy' || policy === first);
}

function selectingService(selector: Record<string, string>): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'ns-0' },
    spec: {
      type: 'NodePort',
      selector,
      clusterIP: '10.96.0.10',
      clusterIPs: ['10.96.0.10', 'fd00:10:96::10'],
      ports: [
        { name: 'web', port: 8080, targetPort: 80, protocol: 'TCP', nodePort: 30_080 },
        { name: 'names', port: 53, targetPort: 'dns', protocol: 'UDP', nodePort: 30_053 },
      ],
    },
  };
}

/** What somebody wrote for the Service that selects nothing. */
function sliceOf(family: 4 | 6, addresses: readonly string[]): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `listed-${family}`, namespace: 'ns-0', labels: { 'kubernetes.io/service-name': 'listed' } },
    addressType: `IPv${family}`,
    endpoints: [...new Set(addresses)]
      .filter((address) => address.includes(':') === (family === 6))
      .map((address) => ({ addresses: [address] })),
    ports: [{ name: 'web', port: 80, protocol: 'TCP' }],
  };
}

function often<T>(usual: T, rare: T): fc.Arbitrary<T> {
  return fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constant(rare) });
}

function sometimes<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(arbitrary, { nil: undefined, freq: 2 });
}
