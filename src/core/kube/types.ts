/**
 * The Kubernetes resource types that Sluice reads, types only. The `.d.ts` in the specifiers is what the package's
 * missing export map needs under Node's module resolution.
 */
export type {
  ConfigMap,
  Container,
  ContainerPort,
  Namespace,
  Node,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Service,
  ServiceAccount,
  ServicePort,
  Volume,
} from 'kubernetes-types/core/v1.d.ts';
export type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.d.ts';
export type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from 'kubernetes-types/apps/v1.d.ts';
export type { CronJob, Job } from 'kubernetes-types/batch/v1.d.ts';
export type { Endpoint as EndpointSliceEndpoint, EndpointSlice } from 'kubernetes-types/discovery/v1.d.ts';
export type {
  IPBlock,
  Ingress,
  NetworkPolicy,
  NetworkPolicyEgressRule,
  NetworkPolicyIngressRule,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from 'kubernetes-types/networking/v1.d.ts';
export type { LabelSelector, ObjectMeta, OwnerReference } from 'kubernetes-types/meta/v1.d.ts';
