import type { ObjectMeta } from '../../kube/types.ts';
import type { NetworkPolicy } from '../../kube/types.ts';
import { CALICO_NORMALISERS } from '../calico/normalisers.ts';
import { normaliseAdminNetworkPolicy, normaliseBaselineAdminNetworkPolicy } from './admin-network-policy.ts';
import { normaliseClusterNetworkPolicy } from './cluster-network-policy.ts';
import { normaliseNetworkPolicy } from './network-policy.ts';
import type { Normalised } from './network-policy.ts';
import type { Locate } from './scope.ts';

/** An object of some policy API, read from a file or a cluster. */
export interface PolicyObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
  readonly spec?: unknown;
}

/**
 * Brings an object of its kind into normal form. Never throws; what it does not understand fails closed and is reported.
 * Undefined when the object is not to be judged: a copy of another policy, or one that says that it is to be ignored.
 */
export type Normaliser = (object: PolicyObject, locate?: Locate) => Normalised | undefined;

const networkPolicy: Normaliser = (object, locate) => normaliseNetworkPolicy(object as NetworkPolicy, locate);

/** Every policy API, by `apiVersion/kind`. */
export const NORMALISERS: ReadonlyMap<string, Normaliser> = new Map<string, Normaliser>([
  ['networking.k8s.io/v1/NetworkPolicy', networkPolicy],
  // The fields are those of v1. No cluster serves these versions any more (the second none ever did), but files hold them.
  ['extensions/v1beta1/NetworkPolicy', networkPolicy],
  ['networking.k8s.io/v1beta1/NetworkPolicy', networkPolicy],
  ['policy.networking.k8s.io/v1alpha1/AdminNetworkPolicy', normaliseAdminNetworkPolicy],
  ['policy.networking.k8s.io/v1alpha1/BaselineAdminNetworkPolicy', normaliseBaselineAdminNetworkPolicy],
  ['policy.networking.k8s.io/v1alpha2/ClusterNetworkPolicy', normaliseClusterNetworkPolicy],
  ['policy.networking.k8s.io/v1beta1/ClusterNetworkPolicy', normaliseClusterNetworkPolicy],
  ...CALICO_NORMALISERS,
]);

/** The policy in normal form; undefined when the object is none of a known policy API, or not to be judged. */
export function normalisePolicy(object: PolicyObject, locate?: Locate): Normalised | undefined {
  return NORMALISERS.get(`${object.apiVersion}/${object.kind}`)?.(object, locate);
}
