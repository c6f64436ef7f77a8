import type {
  ConfigMap,
  Endpoints,
  Namespace,
  Node,
  Pod,
  Service,
  ServiceAccount,
} from 'kubernetes-types/core/v1.d.ts';
import type { DaemonSet, Deployment, ReplicaSet } from 'kubernetes-types/apps/v1.d.ts';
import type { Job } from 'kubernetes-types/batch/v1.d.ts';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.d.ts';
import type { Lease } from 'kubernetes-types/coordination/v1.d.ts';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.d.ts';
import type { ObjectMeta, OwnerReference } from 'kubernetes-types/meta/v1.d.ts';
import {
  CONFIG_MAPS,
  DAEMON_SETS,
  DEPLOYMENTS,
  ENDPOINTS,
  ENDPOINT_SLICES,
  JOBS,
  LEASES,
  NAMESPACES,
  NODES,
  PODS,
  POD_DISRUPTION_BUDGETS,
  REPLICA_SETS,
  SERVICES,
  SERVICE_ACCOUNTS,
  apiVersionOf,
} from '../../../host/kube-client/resources.ts';
import type { Resource } from '../../../host/kube-client/types.ts';

/** The part every Kubernetes object has. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
}

/** An object that came from the API server, so the fields that it always fills are there. */
export type Stored<T extends KubeObject> = T & {
  readonly metadata: ObjectMeta & { readonly name: string; readonly uid: string; readonly resourceVersion: string };
};

/** The kinds that the controllers keep in memory, by the plural name of their resource. */
export interface Kinds {
  readonly pods: Pod;
  readonly nodes: Node;
  readonly namespaces: Namespace;
  readonly services: Service;
  readonly endpoints: Endpoints;
  readonly serviceaccounts: ServiceAccount;
  readonly configmaps: ConfigMap;
  readonly deployments: Deployment;
  readonly replicasets: ReplicaSet;
  readonly daemonsets: DaemonSet;
  readonly jobs: Job;
  readonly endpointslices: EndpointSlice;
  readonly leases: Lease;
  readonly poddisruptionbudgets: PodDisruptionBudget;
}

/** The plural of a kind in {@link Kinds}. */
export type KindName = keyof Kinds;

/** The REST resource of every kind in {@link Kinds}. */
export const KINDS: { readonly [K in KindName]: Resource } = {
  pods: PODS,
  nodes: NODES,
  namespaces: NAMESPACES,
  services: SERVICES,
  endpoints: ENDPOINTS,
  serviceaccounts: SERVICE_ACCOUNTS,
  configmaps: CONFIG_MAPS,
  deployments: DEPLOYMENTS,
  replicasets: REPLICA_SETS,
  daemonsets: DAEMON_SETS,
  jobs: JOBS,
  endpointslices: ENDPOINT_SLICES,
  leases: LEASES,
  poddisruptionbudgets: POD_DISRUPTION_BUDGETS,
};

/** `namespace/name`, or `name` of a cluster-scoped object: the key under which controllers queue their work. */
export function keyOf(object: KubeObject): string {
  const { namespace, name } = object.metadata ?? {};
  return namespace === undefined ? (name ?? '') : `${namespace}/${name}`;
}

/** Undoes {@link keyOf}. A cluster-scoped key has an empty namespace. */
export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/');
  return slash < 0 ? { namespace: '', name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The owner that controls `object`, if any: at most one reference has `controller: true`. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata?.ownerReferences?.find((reference) => reference.controller === true);
}

/** The key of the controller of `object` if it is of `kind` (as in `ReplicaSet`), as what is to be reconciled; else nothing. */
export function keysOfController(object: KubeObject, kind: string): readonly string[] {
  const owner = controllerOf(object);
  return owner?.kind === kind ? [`${object.metadata?.namespace}/${owner.name}`] : [];
}

/** The reference that makes `owner`, of `kind`, the controller of another object. */
export function controllerReference(owner: Stored<KubeObject>, kind: KindName): OwnerReference {
  return {
    apiVersion: apiVersionOf(KINDS[kind]),
    kind: KINDS[kind].kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Whether deletion of `object` has begun. */
export function isTerminating(object: KubeObject): boolean {
  return object.metadata?.deletionTimestamp !== undefined;
}
