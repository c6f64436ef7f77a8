import type { ClusterObject } from '../../core/migrate/index.ts';
import {
  CLUSTER_ROLES,
  CLUSTER_ROLE_BINDINGS,
  CONFIG_MAPS,
  CUSTOM_RESOURCE_DEFINITIONS,
  DAEMON_SETS,
  DEPLOYMENTS,
  NAMESPACES,
  ROLES,
  ROLE_BINDINGS,
  SERVICE_ACCOUNTS,
  apiVersionOf,
} from '../../host/kube-client/resources.ts';
import type { Resource } from '../../host/kube-client/types.ts';

/** The kinds that Sluice's manifests consist of. */
const KINDS: readonly Resource[] = [
  NAMESPACES,
  CONFIG_MAPS,
  CUSTOM_RESOURCE_DEFINITIONS,
  SERVICE_ACCOUNTS,
  CLUSTER_ROLES,
  CLUSTER_ROLE_BINDINGS,
  ROLES,
  ROLE_BINDINGS,
  DAEMON_SETS,
  DEPLOYMENTS,
];

/** The resource of an object in Sluice's manifests; undefined for a kind that they do not have. */
export function resourceOfKind({ apiVersion, kind }: ClusterObject): Resource | undefined {
  return KINDS.find((resource) => resource.kind === kind && apiVersionOf(resource) === apiVersion);
}
