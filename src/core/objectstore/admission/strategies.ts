import { crdStrategy } from '../custom/crd-strategy.ts';
import { bucketOf, type ResourceDefinition } from '../resource-definition.ts';
import {
  configMapStrategy,
  endpointsStrategy,
  endpointSliceStrategy,
  ingressStrategy,
  namespaceStrategy,
  networkPolicyStrategy,
  nodeStrategy,
  priorityClassStrategy,
  roleBindingStrategy,
  roleStrategy,
  secretStrategy,
  serviceAccountStrategy,
} from './cluster-strategies.ts';
import { podStrategy } from './pod-strategy.ts';
import { serviceStrategy } from './service-strategy.ts';
import type { Strategy } from './strategy.ts';
import {
  cronJobStrategy,
  daemonSetStrategy,
  deploymentStrategy,
  jobStrategy,
  replicaSetStrategy,
  replicationControllerStrategy,
  statefulSetStrategy,
} from './workload-strategies.ts';

const STRATEGIES: Readonly<Record<string, Strategy>> = {
  '/configmaps': configMapStrategy,
  '/endpoints': endpointsStrategy,
  '/namespaces': namespaceStrategy,
  '/nodes': nodeStrategy,
  '/pods': podStrategy,
  '/replicationcontrollers': replicationControllerStrategy,
  '/secrets': secretStrategy,
  '/serviceaccounts': serviceAccountStrategy,
  '/services': serviceStrategy,
  'apiextensions.k8s.io/customresourcedefinitions': crdStrategy,
  'apps/daemonsets': daemonSetStrategy,
  'apps/deployments': deploymentStrategy,
  'apps/replicasets': replicaSetStrategy,
  'apps/statefulsets': statefulSetStrategy,
  'batch/cronjobs': cronJobStrategy,
  'batch/jobs': jobStrategy,
  'discovery.k8s.io/endpointslices': endpointSliceStrategy,
  'networking.k8s.io/ingresses': ingressStrategy,
  'networking.k8s.io/networkpolicies': networkPolicyStrategy,
  'rbac.authorization.k8s.io/clusterrolebindings': roleBindingStrategy,
  'rbac.authorization.k8s.io/clusterroles': roleStrategy,
  'rbac.authorization.k8s.io/rolebindings': roleBindingStrategy,
  'rbac.authorization.k8s.io/roles': roleStrategy,
  'scheduling.k8s.io/priorityclasses': priorityClassStrategy,
};

const ORDINARY: Strategy = {};

/** What a resource does beyond the common course; nothing for most. */
export function strategyOf(definition: ResourceDefinition): Strategy {
  return STRATEGIES[bucketOf(definition)] ?? ORDINARY;
}
