import type { Resource } from './types.ts';

const core = (plural: string, kind: string, namespaced: boolean): Resource => ({
  group: '',
  version: 'v1',
  plural,
  kind,
  namespaced,
});

const grouped = (group: string, version: string, plural: string, kind: string, namespaced: boolean): Resource => ({
  group,
  version,
  plural,
  kind,
  namespaced,
});

/** What the agents, the controllers and the lab read and write, by the names of its plurals. */
export const PODS = core('pods', 'Pod', true);
export const NAMESPACES = core('namespaces', 'Namespace', false);
export const NODES = core('nodes', 'Node', false);
export const SERVICES = core('services', 'Service', true);
export const ENDPOINTS = core('endpoints', 'Endpoints', true);
export const CONFIG_MAPS = core('configmaps', 'ConfigMap', true);
export const SECRETS = core('secrets', 'Secret', true);
export const SERVICE_ACCOUNTS = core('serviceaccounts', 'ServiceAccount', true);
export const EVENTS = core('events', 'Event', true);

export const ENDPOINT_SLICES = grouped('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice', true);
export const NETWORK_POLICIES = grouped('networking.k8s.io', 'v1', 'networkpolicies', 'NetworkPolicy', true);
export const INGRESSES = grouped('networking.k8s.io', 'v1', 'ingresses', 'Ingress', true);
export const INGRESS_CLASSES = grouped('networking.k8s.io', 'v1', 'ingressclasses', 'IngressClass', false);
const gatewayApi = (version: string, plural: string, kind: string, namespaced: boolean): Resource =>
  grouped('gateway.networking.k8s.io', version, plural, kind, namespaced);
export const GATEWAY_CLASSES = gatewayApi('v1', 'gatewayclasses', 'GatewayClass', false);
export const GATEWAYS = gatewayApi('v1', 'gateways', 'Gateway', true);
export const HTTP_ROUTES = gatewayApi('v1', 'httproutes', 'HTTPRoute', true);
export const REFERENCE_GRANTS = gatewayApi('v1beta1', 'referencegrants', 'ReferenceGrant', true);
export const LEASES = grouped('coordination.k8s.io', 'v1', 'leases', 'Lease', true);
export const DEPLOYMENTS = grouped('apps', 'v1', 'deployments', 'Deployment', true);
export const REPLICA_SETS = grouped('apps', 'v1', 'replicasets', 'ReplicaSet', true);
export const DAEMON_SETS = grouped('apps', 'v1', 'daemonsets', 'DaemonSet', true);
export const JOBS = grouped('batch', 'v1', 'jobs', 'Job', true);
export const POD_DISRUPTION_BUDGETS = grouped('policy', 'v1', 'poddisruptionbudgets', 'PodDisruptionBudget', true);
export const CUSTOM_RESOURCE_DEFINITIONS = grouped(
  'apiextensions.k8s.io',
  'v1',
  'customresourcedefinitions',
  'CustomResourceDefinition',
  false,
);
export const ROLES = grouped('rbac.authorization.k8s.io', 'v1', 'roles', 'Role', true);
export const ROLE_BINDINGS = grouped('rbac.authorization.k8s.io', 'v1', 'rolebindings', 'RoleBinding', true);
export const CLUSTER_ROLES = grouped('rbac.authorization.k8s.io', 'v1', 'clusterroles', 'ClusterRole', false);
export const CLUSTER_ROLE_BINDINGS = grouped(
  'rbac.authorization.k8s.io',
  'v1',
  'clusterrolebindings',
  'ClusterRoleBinding',
  false,
);

/** Calico's group, whose resource layout Sluice shares so that a cluster can be read by either. */
export const CALICO_GROUP = 'crd.projectcalico.org';
export const IP_POOLS = grouped(CALICO_GROUP, 'v1', 'ippools', 'IPPool', false);
export const IP_RESERVATIONS = grouped(CALICO_GROUP, 'v1', 'ipreservations', 'IPReservation', false);
export const IPAM_BLOCKS = grouped(CALICO_GROUP, 'v1', 'ipamblocks', 'IPAMBlock', false);
export const BLOCK_AFFINITIES = grouped(CALICO_GROUP, 'v1', 'blockaffinities', 'BlockAffinity', false);
export const IPAM_HANDLES = grouped(CALICO_GROUP, 'v1', 'ipamhandles', 'IPAMHandle', false);
export const IPAM_CONFIGS = grouped(CALICO_GROUP, 'v1', 'ipamconfigs', 'IPAMConfig', false);
/** In etcd alone; in the Kubernetes API Calico's Nodes are Kubernetes' with annotations. */
export const CALICO_NODES = grouped(CALICO_GROUP, 'v1', 'nodes', 'Node', false);
/** In etcd alone, too; in the Kubernetes API pods say it themselves. */
export const WORKLOAD_ENDPOINTS = grouped(CALICO_GROUP, 'v1', 'workloadendpoints', 'WorkloadEndpoint', true);
export const CLUSTER_INFORMATIONS = grouped(CALICO_GROUP, 'v1', 'clusterinformations', 'ClusterInformation', false);

/** The cluster-wide policies of Kubernetes. */
export const POLICY_GROUP = 'policy.networking.k8s.io';
export const ADMIN_NETWORK_POLICIES = grouped(
  POLICY_GROUP,
  'v1alpha1',
  'adminnetworkpolicies',
  'AdminNetworkPolicy',
  false,
);
export const BASELINE_ADMIN_NETWORK_POLICIES = grouped(
  POLICY_GROUP,
  'v1alpha1',
  'baselineadminnetworkpolicies',
  'BaselineAdminNetworkPolicy',
  false,
);
export const CLUSTER_NETWORK_POLICIES = grouped(
  POLICY_GROUP,
  'v1alpha2',
  'clusternetworkpolicies',
  'ClusterNetworkPolicy',
  false,
);

/**
 * One kind of Calico's in the group that people write and in the one in which older versions of Calico keep it; which of
 * them a cluster serves depends on how Calico came to it. What is in both counts as it stands in the first.
 */
function calico(plural: string, kind: string, namespaced: boolean): readonly Resource[] {
  return [
    grouped('projectcalico.org', 'v3', plural, kind, namespaced),
    grouped(CALICO_GROUP, 'v1', plural, kind, namespaced),
  ];
}

export const CALICO_NETWORK_POLICIES = calico('networkpolicies', 'NetworkPolicy', true);
export const GLOBAL_NETWORK_POLICIES = calico('globalnetworkpolicies', 'GlobalNetworkPolicy', false);
export const STAGED_POLICIES = [
  calico('stagednetworkpolicies', 'StagedNetworkPolicy', true),
  calico('stagedglobalnetworkpolicies', 'StagedGlobalNetworkPolicy', false),
  calico('stagedkubernetesnetworkpolicies', 'StagedKubernetesNetworkPolicy', true),
] as const;
export const TIERS = calico('tiers', 'Tier', false);
export const NETWORK_SETS = calico('networksets', 'NetworkSet', true);
export const GLOBAL_NETWORK_SETS = calico('globalnetworksets', 'GlobalNetworkSet', false);
export const HOST_ENDPOINTS = calico('hostendpoints', 'HostEndpoint', false);
export const PROFILES = calico('profiles', 'Profile', false);
export const FELIX_CONFIGURATIONS = calico('felixconfigurations', 'FelixConfiguration', false);
export const BGP_CONFIGURATIONS = calico('bgpconfigurations', 'BGPConfiguration', false);
export const BGP_PEERS = calico('bgppeers', 'BGPPeer', false);
export const BGP_FILTERS = calico('bgpfilters', 'BGPFilter', false);

/** `apiVersion` as objects of the resource carry it. */
export function apiVersionOf(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}
