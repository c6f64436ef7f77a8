import fc from 'fast-check';
import type { NetworkPolicy, Service, ServiceAccount } from '../../src/core/kube/types.ts';
import type { ClusterObjects, PolicyObject } from '../../src/core/policy/index.ts';
import { arbitraryCalicoPolicy, arbitraryNetworkSet, TIER_OBJECTS } from './arbitrary-calico-objects.ts';
import { arbitraryClusterPolicy } from './arbitrary-cluster-policies.ts';
import { arbitraryCluster } from './arbitrary-cluster.ts';

/** A generated cluster as lists of API objects; every list can be taken apart and put together differently. */
export type GeneratedObjects = Required<
  Pick<ClusterObjects, 'namespaces' | 'pods' | 'nodes' | 'services' | 'serviceAccounts'>
> & {
  readonly policies: readonly PolicyObject[];
  readonly tiers: readonly PolicyObject[];
  readonly networkSets: readonly PolicyObject[];
};

/**
 * Generated clusters as people write them: every policy API side by side, over the few labels, addresses and ports of
 * {@link arbitraryCluster}. All of it is valid, so that nothing is refused.
 */
export const arbitraryObjects: fc.Arbitrary<GeneratedObjects> = fc
  .record({
    cluster: arbitraryCluster,
    cluster_policies: fc.array(arbitraryClusterPolicy(), { maxLength: 3 }),
    calico: fc.array(arbitraryCalicoPolicy(), { maxLength: 4 }),
    networkSets: fc.array(arbitraryNetworkSet(), { maxLength: 2 }),
    selector: fc.constantFrom<Record<string, string>[]>({ app: 'a' }, { tier: 'b' }, {}),
    accounts: fc.array(fc.constantFrom('robot', undefined), { minLength: 6, maxLength: 6 }),
  })
  .map(({ cluster, cluster_policies: clusterPolicies, calico, networkSets, selector, accounts }) => ({
    namespaces: [...cluster.namespaces],
    nodes: [...cluster.nodes].map((node, i) => ({
      ...node,
      metadata: { ...node.metadata, labels: { zone: i === 0 ? 'a' : 'b' } },
    })),
    pods: [...cluster.pods].map((pod, i) => {
      const account = accounts[i % accounts.length];
      return account === undefined ? pod : { ...pod, spec: { ...pod.spec!, serviceAccountName: account } };
    }),
    services: [serviceOf(selector)],
    serviceAccounts: [...cluster.namespaces].map(({ metadata }): ServiceAccount => ({
      metadata: { name: 'robot', namespace: metadata!.name!, labels: { role: 'a' } },
    })),
    policies: [
      ...cluster.networkPolicies.map((policy) => policy as PolicyObject & NetworkPolicy),
      ...withOneBaseline(named(clusterPolicies, 'cluster')),
      ...named(calico, 'calico'),
    ],
    tiers: TIER_OBJECTS,
    networkSets: named(networkSets, 'set'),
  }));

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

function serviceOf(selector: Record<string, string>): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'ns-0' },
    spec: { selector, clusterIP: '10.96.0.10', ports: [{ port: 8080, targetPort: 80, protocol: 'TCP' }] },
  };
}
