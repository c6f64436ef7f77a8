import { ALL_VERBS, type ResourceDefinition } from './resource-definition.ts';

const scalable = {
  subresources: ['scale', 'status'],
  scale: { specReplicas: '.spec.replicas', statusReplicas: '.status.replicas' },
} as const;

const INGRESS = resource('ingresses', 'Ingress', { short: ['ing'], generation: true, subresources: ['status'] });
const INGRESS_CLASS = resource('ingressclasses', 'IngressClass', { cluster: true, generation: true });

/** The resources that exist without a CRD, with the names, short names and categories of Kubernetes 1.32. */
export const BUILTIN_RESOURCES: readonly ResourceDefinition[] = [
  ...group('', 'v1', [
    resource('bindings', 'Binding', { verbs: ['create'] }),
    resource('configmaps', 'ConfigMap', { short: ['cm'] }),
    resource('endpoints', 'Endpoints', { short: ['ep'] }),
    resource('events', 'Event', { short: ['ev'] }),
    resource('limitranges', 'LimitRange', { short: ['limits'] }),
    resource('namespaces', 'Namespace', { short: ['ns'], cluster: true, subresources: ['status', 'finalize'] }),
    resource('nodes', 'Node', { short: ['no'], cluster: true, subresources: ['status'] }),
    resource('persistentvolumeclaims', 'PersistentVolumeClaim', { short: ['pvc'], subresources: ['status'] }),
    resource('persistentvolumes', 'PersistentVolume', { short: ['pv'], cluster: true, subresources: ['status'] }),
    resource('pods', 'Pod', {
      short: ['po'],
      categories: ['all'],
      subresources: ['attach', 'binding', 'ephemeralcontainers', 'eviction', 'exec', 'log', 'portforward', 'status'],
    }),
    resource('podtemplates', 'PodTemplate', { generation: true }),
    resource('replicationcontrollers', 'ReplicationController', {
      short: ['rc'],
      categories: ['all'],
      generation: true,
      ...scalable,
    }),
    resource('resourcequotas', 'ResourceQuota', { short: ['quota'], subresources: ['status'] }),
    resource('secrets', 'Secret', {}),
    resource('serviceaccounts', 'ServiceAccount', { short: ['sa'], subresources: ['token'] }),
    resource('services', 'Service', { short: ['svc'], categories: ['all'], subresources: ['status'] }),
  ]),
  ...group('apiextensions.k8s.io', 'v1', [
    resource('customresourcedefinitions', 'CustomResourceDefinition', {
      short: ['crd', 'crds'],
      categories: ['api-extensions'],
      cluster: true,
      generation: true,
      subresources: ['status'],
    }),
  ]),
  ...group('apps', 'v1', [
    resource('controllerrevisions', 'ControllerRevision', {}),
    resource('daemonsets', 'DaemonSet', {
      short: ['ds'],
      categories: ['all'],
      generation: true,
      subresources: ['status'],
    }),
    resource('deployments', 'Deployment', { short: ['deploy'], categories: ['all'], generation: true, ...scalable }),
    resource('replicasets', 'ReplicaSet', { short: ['rs'], categories: ['all'], generation: true, ...scalable }),
    resource('statefulsets', 'StatefulSet', { short: ['sts'], categories: ['all'], generation: true, ...scalable }),
  ]),
  ...group('authentication.k8s.io', 'v1', [
    resource('selfsubjectreviews', 'SelfSubjectReview', { cluster: true, verbs: ['create'] }),
    resource('tokenreviews', 'TokenReview', { cluster: true, verbs: ['create'] }),
  ]),
  ...group('authorization.k8s.io', 'v1', [
    resource('localsubjectaccessreviews', 'LocalSubjectAccessReview', { verbs: ['create'] }),
    resource('selfsubjectaccessreviews', 'SelfSubjectAccessReview', { cluster: true, verbs: ['create'] }),
    resource('selfsubjectrulesreviews', 'SelfSubjectRulesReview', { cluster: true, verbs: ['create'] }),
    resource('subjectaccessreviews', 'SubjectAccessReview', { cluster: true, verbs: ['create'] }),
  ]),
  ...group('autoscaling', 'v2', [
    resource('horizontalpodautoscalers', 'HorizontalPodAutoscaler', {
      short: ['hpa'],
      categories: ['all'],
      subresources: ['status'],
    }),
  ]),
  ...group('batch', 'v1', [
    resource('cronjobs', 'CronJob', {
      short: ['cj'],
      categories: ['all'],
      generation: true,
      subresources: ['status'],
    }),
    resource('jobs', 'Job', { categories: ['all'], generation: true, subresources: ['status'] }),
  ]),
  ...group('coordination.k8s.io', 'v1', [resource('leases', 'Lease', {})]),
  ...group('discovery.k8s.io', 'v1', [resource('endpointslices', 'EndpointSlice', { generation: true })]),
  ...group('networking.k8s.io', 'v1', [
    INGRESS_CLASS,
    INGRESS,
    resource('networkpolicies', 'NetworkPolicy', { short: ['netpol'], generation: true }),
  ]),
  // Gone from Kubernetes since 1.22, and still in many a manifest.
  ...old('networking.k8s.io', 'v1beta1', [INGRESS_CLASS, INGRESS]),
  ...old('extensions', 'v1beta1', [INGRESS]),
  ...group('node.k8s.io', 'v1', [resource('runtimeclasses', 'RuntimeClass', { cluster: true })]),
  ...group('policy', 'v1', [
    resource('poddisruptionbudgets', 'PodDisruptionBudget', {
      short: ['pdb'],
      generation: true,
      subresources: ['status'],
    }),
  ]),
  ...group('rbac.authorization.k8s.io', 'v1', [
    resource('clusterrolebindings', 'ClusterRoleBinding', { cluster: true }),
    resource('clusterroles', 'ClusterRole', { cluster: true }),
    resource('rolebindings', 'RoleBinding', {}),
    resource('roles', 'Role', {}),
  ]),
  ...group('scheduling.k8s.io', 'v1', [
    resource('priorityclasses', 'PriorityClass', { short: ['pc'], cluster: true, generation: true }),
  ]),
  ...group('storage.k8s.io', 'v1', [
    resource('csidrivers', 'CSIDriver', { cluster: true }),
    resource('csinodes', 'CSINode', { cluster: true }),
    resource('storageclasses', 'StorageClass', { short: ['sc'], cluster: true }),
    resource('volumeattachments', 'VolumeAttachment', { cluster: true, subresources: ['status'] }),
  ]),
];

interface Traits {
  readonly short?: readonly string[];
  readonly categories?: readonly string[];
  readonly cluster?: boolean;
  readonly generation?: boolean;
  readonly verbs?: readonly string[];
  readonly subresources?: readonly string[];
  readonly scale?: ResourceDefinition['scale'];
}

type Ungrouped = Omit<ResourceDefinition, 'group' | 'version'>;

function group(name: string, version: string, resources: readonly Ungrouped[]): ResourceDefinition[] {
  return resources.map((each) => ({ ...each, group: name, version }));
}

/** Old versions of resources of networking.k8s.io/v1. */
function old(name: string, version: string, resources: readonly Ungrouped[]): ResourceDefinition[] {
  return group(name, version, resources).map((each) => ({
    ...each,
    storedAs: { group: 'networking.k8s.io', version: 'v1' },
  }));
}

function resource(plural: string, kind: string, traits: Traits): Ungrouped {
  return {
    plural,
    kind,
    singular: kind.toLowerCase(),
    namespaced: traits.cluster !== true,
    shortNames: traits.short ?? [],
    categories: traits.categories ?? [],
    verbs: traits.verbs ?? ALL_VERBS,
    subresources: traits.subresources ?? [],
    generation: traits.generation ?? false,
    ...(traits.scale === undefined ? {} : { scale: traits.scale }),
  };
}
