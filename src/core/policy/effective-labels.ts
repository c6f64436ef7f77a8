import type { Labels } from '../kube/labels.ts';
import type { NamespaceInfo } from './cluster.ts';

/** Label of everything that is in a namespace: the namespace's name. */
export const NAMESPACE_LABEL = 'projectcalico.org/namespace';
/** Label of a pod: the name of its service account. */
export const SERVICE_ACCOUNT_LABEL = 'projectcalico.org/serviceaccount';
/** Before the key of a label that an endpoint has from its namespace. */
export const NAMESPACE_PREFIX = 'pcns.';
/** Before the key of a label that an endpoint has from its service account. */
export const SERVICE_ACCOUNT_PREFIX = 'pcsa.';
/** Label of a namespace and of a service account, in Calico's eyes: its name. */
export const NAME_LABEL = 'projectcalico.org/name';

/** Labels of namespaced things that all selectors may ask for, under the names that Calico gives them. */
export interface LabelOrigin {
  /** Absent for what is cluster-scoped. */
  readonly namespace?: NamespaceInfo;
  /** Of pods only. */
  readonly serviceAccount?: { readonly name: string; readonly labels: Labels };
}

/**
 * The labels that selectors are matched against: an object's own, those that tell its namespace and service account, and
 * the labels of these two behind a prefix. So every selector of Calico's, on whatever it bears, is one on these labels.
 */
export function effectiveLabels(own: Labels, { namespace, serviceAccount }: LabelOrigin): Labels {
  const labels: Record<string, string> = { ...own };
  if (namespace !== undefined) {
    labels[NAMESPACE_LABEL] = namespace.name;
    labels[NAMESPACE_PREFIX + NAME_LABEL] = namespace.name;
    for (const [key, value] of Object.entries(namespace.labels)) labels[NAMESPACE_PREFIX + key] = value;
  }
  if (serviceAccount !== undefined) {
    labels['projectcalico.org/orchestrator'] = 'k8s';
    labels[SERVICE_ACCOUNT_LABEL] = serviceAccount.name;
    labels[SERVICE_ACCOUNT_PREFIX + NAME_LABEL] = serviceAccount.name;
    for (const [key, value] of Object.entries(serviceAccount.labels)) labels[SERVICE_ACCOUNT_PREFIX + key] = value;
  }
  return labels;
}
