import type { Schema } from './schema.ts';

type Traits = Pick<
  Schema,
  | 'x-kubernetes-patch-strategy'
  | 'x-kubernetes-patch-merge-key'
  | 'x-kubernetes-list-type'
  | 'x-kubernetes-list-map-keys'
>;

/** How patches and server-side apply treat the list `owner.field`; empty for a list that is replaced whole. */
export function listTraitsOf(owner: string, field: string): Traits {
  return LISTS[`${owner}.${field}`] ?? {};
}

/** Elements are found by `key` in a patch; server-side apply identifies them by `mapKeys` (default the same key). */
function mergeBy(key: string, mapKeys: readonly string[] = [key]): Traits {
  return {
    'x-kubernetes-patch-strategy': 'merge',
    'x-kubernetes-patch-merge-key': key,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': mapKeys,
  };
}

const CONDITIONS = mergeBy('type');
const SET: Traits = { 'x-kubernetes-patch-strategy': 'merge', 'x-kubernetes-list-type': 'set' };
const ATOMIC: Traits = { 'x-kubernetes-list-type': 'atomic' };

/** Types whose `conditions` merge by type; CRDs' and autoscalers' do too. */
const CONDITION_OWNERS = [
  'CustomResourceDefinitionStatus',
  'DaemonSetStatus',
  'DeploymentStatus',
  'HorizontalPodAutoscalerStatus',
  'JobStatus',
  'NamespaceStatus',
  'NodeStatus',
  'PersistentVolumeClaimStatus',
  'PodDisruptionBudgetStatus',
  'PodStatus',
  'ReplicaSetStatus',
  'ReplicationControllerStatus',
  'ServiceStatus',
  'StatefulSetStatus',
];

/** The published list of Kubernetes 1.30 (patchStrategy, patchMergeKey, listType and listMapKey tags of the Go types). */
const LISTS: Readonly<Record<string, Traits>> = {
  ...Object.fromEntries(CONDITION_OWNERS.map((owner) => [`${owner}.conditions`, CONDITIONS])),
  'ObjectMeta.ownerReferences': mergeBy('uid'),
  'ObjectMeta.finalizers': SET,
  'ObjectMeta.managedFields': ATOMIC,
  'PodSpec.containers': mergeBy('name'),
  'PodSpec.initContainers': mergeBy('name'),
  'PodSpec.ephemeralContainers': mergeBy('name'),
  'PodSpec.volumes': { ...mergeBy('name'), 'x-kubernetes-patch-strategy': 'merge,retainKeys' },
  'PodSpec.imagePullSecrets': mergeBy('name'),
  'PodSpec.hostAliases': mergeBy('ip'),
  'PodSpec.topologySpreadConstraints': mergeBy('topologyKey', ['topologyKey', 'whenUnsatisfiable']),
  'PodSpec.schedulingGates': mergeBy('name'),
  'PodSpec.resourceClaims': { ...mergeBy('name'), 'x-kubernetes-patch-strategy': 'merge,retainKeys' },
  'PodSpec.tolerations': ATOMIC,
  'PodStatus.podIPs': mergeBy('ip'),
  'PodStatus.hostIPs': { ...mergeBy('ip'), 'x-kubernetes-list-type': 'atomic' },
  'PodStatus.resourceClaimStatuses': { ...mergeBy('name'), 'x-kubernetes-patch-strategy': 'merge,retainKeys' },
  ...containerLists('Container'),
  ...containerLists('EphemeralContainer'),
  'ResourceRequirements.claims': { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] },
  'ServiceSpec.ports': mergeBy('port', ['port', 'protocol']),
  'ServiceSpec.clusterIPs': ATOMIC,
  'ServiceSpec.ipFamilies': ATOMIC,
  'ServiceAccount.secrets': mergeBy('name'),
  'EndpointSlice.endpoints': ATOMIC,
  'EndpointSlice.ports': ATOMIC,
  'NodeSpec.podCIDRs': SET,
  'NodeStatus.addresses': mergeBy('type'),
  'TopologySelectorTerm.matchLabelExpressions': ATOMIC,
  'DeploymentSpec.strategy': { 'x-kubernetes-patch-strategy': 'retainKeys' },
  'IngressSpec.rules': ATOMIC,
  'IngressSpec.tls': ATOMIC,
  'HTTPIngressRuleValue.paths': ATOMIC,
  'ClusterRole.rules': ATOMIC,
  'Role.rules': ATOMIC,
  'AggregationRule.clusterRoleSelectors': ATOMIC,
  'CSINodeSpec.drivers': mergeBy('name'),
};

function containerLists(owner: string): Record<string, Traits> {
  return {
    [`${owner}.ports`]: mergeBy('containerPort', ['containerPort', 'protocol']),
    [`${owner}.env`]: mergeBy('name'),
    [`${owner}.volumeMounts`]: mergeBy('mountPath'),
    [`${owner}.volumeDevices`]: mergeBy('devicePath'),
  };
}
