import { nameOf } from '../../kube/object-name.ts';
import type { PolicyObject } from '../normalise/registry.ts';

/**
 * Names under which Calico keeps its own copies of the policies of Kubernetes: NetworkPolicy, AdminNetworkPolicy,
 * BaselineAdminNetworkPolicy, ClusterNetworkPolicy (libcalico-go/lib/backend/k8s/conversion/constants.go).
 */
const PREFIXES = ['knp.default.', 'kanp.adminnetworkpolicy.', 'kbanp.baselineadminnetworkpolicy.', 'kcnp.'];

/** Whether the object is Calico's copy of a Kubernetes policy, which is judged itself. */
export function isCopy(object: PolicyObject): boolean {
  const name = nameOf(object);
  return PREFIXES.some((prefix) => name.startsWith(prefix));
}
