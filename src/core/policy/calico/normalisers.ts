import type { Normaliser } from '../normalise/registry.ts';
import { normaliseCalicoPolicy } from './policy.ts';
import { normaliseStaged } from './staged.ts';

/** Calico's API and the one that it stores its objects in; the fields are the same. */
const VERSIONS = ['projectcalico.org/v3', 'crd.projectcalico.org/v1'];

/** Calico's policies, by `apiVersion/kind`. */
export const CALICO_NORMALISERS: readonly (readonly [string, Normaliser])[] = VERSIONS.flatMap((version) => [
  [`${version}/NetworkPolicy`, normaliseCalicoPolicy] as const,
  [`${version}/GlobalNetworkPolicy`, normaliseCalicoPolicy] as const,
  [`${version}/StagedNetworkPolicy`, normaliseStaged] as const,
  [`${version}/StagedGlobalNetworkPolicy`, normaliseStaged] as const,
  [`${version}/StagedKubernetesNetworkPolicy`, normaliseStaged] as const,
]);
