import type { FieldError } from '../field-error.ts';
import { validateBgpConfiguration, validateBgpFilter, validateBgpPeer } from './calico-bgp.ts';
import { validateCalicoNetworkPolicy, validateGlobalNetworkPolicy, validateStagedPolicy } from './calico-policy.ts';
import {
  validateFelixConfiguration,
  validateHostEndpoint,
  validateNetworkSet,
  validateProfile,
  validateTier,
} from './calico-resources.ts';
import { validateConfigMap } from './config-map.ts';
import { validateEndpointSlice } from './endpoint-slice.ts';
import { child, isRecord, rootField } from './field.ts';
import type { Field } from './field.ts';
import { validateIngress } from './ingress.ts';
import { validateIpPool } from './ip-pool.ts';
import { validateMetadata } from './metadata.ts';
import { dns1035Label, dns1123Label, dns1123Subdomain } from './names.ts';
import { validateNetworkPolicy } from './network-policy.ts';
import { validatePod } from './pod.ts';
import { validateService } from './service.ts';
import { validateWorkload } from './workload.ts';

interface Rules {
  readonly name?: (name: string) => string[];
  /** `previous` is the object that an update replaces. */
  readonly validate?: (object: Field, previous?: unknown) => void;
}

/** Calico's kinds, the same in the group that it serves and in the one that it stores them in. */
const CALICO_RULES: Readonly<Record<string, Rules>> = {
  BGPConfiguration: { validate: validateBgpConfiguration },
  BGPFilter: { validate: validateBgpFilter },
  BGPPeer: { validate: validateBgpPeer },
  FelixConfiguration: { validate: validateFelixConfiguration },
  GlobalNetworkPolicy: { validate: validateGlobalNetworkPolicy },
  GlobalNetworkSet: { validate: validateNetworkSet },
  HostEndpoint: { validate: validateHostEndpoint },
  IPPool: { validate: validateIpPool },
  NetworkPolicy: { validate: validateCalicoNetworkPolicy },
  NetworkSet: { validate: validateNetworkSet },
  Profile: { validate: validateProfile },
  StagedGlobalNetworkPolicy: { validate: validateStagedPolicy },
  StagedKubernetesNetworkPolicy: { validate: validateStagedPolicy },
  StagedNetworkPolicy: { validate: validateStagedPolicy },
  // Names of tiers stand before a dot in names of policies.
  Tier: { name: dns1123Label, validate: validateTier },
};

/** What is checked beyond metadata, by `group/Kind`; other kinds have their metadata checked only. */
const RULES: Readonly<Record<string, Rules>> = {
  '/ConfigMap': { validate: validateConfigMap },
  '/Namespace': { name: dns1123Label },
  '/Pod': { validate: validatePod },
  '/Service': { name: dns1035Label, validate: validateService },
  'apps/DaemonSet': { validate: validateWorkload },
  'apps/Deployment': { validate: validateWorkload },
  'apps/ReplicaSet': { validate: validateWorkload },
  'apps/StatefulSet': { validate: validateWorkload },
  ...calicoRules('crd.projectcalico.org'),
  ...calicoRules('projectcalico.org'),
  'discovery.k8s.io/EndpointSlice': { validate: validateEndpointSlice },
  'networking.k8s.io/Ingress': { validate: validateIngress },
  'networking.k8s.io/NetworkPolicy': { validate: validateNetworkPolicy },
};

/** Groups whose objects may have any path segment as a name (`system:node`). */
const PATH_NAMED = new Set(['rbac.authorization.k8s.io']);

/**
 * Everything that the API server would refuse in `object`, in its wording. Expects the object after decoding: fields
 * that the schema does not know are not looked for here, values of the wrong type are reported. Fields that the API
 * server defaults may be absent. `previous` is the object that an update replaces.
 */
export function validateObject(object: unknown, previous?: unknown): FieldError[] {
  const root = rootField(object);
  if (!isRecord(object)) return [{ type: 'TypeInvalid', path: '', value: object, detail: 'must be an object' }];
  const apiVersion = typeof object['apiVersion'] === 'string' ? object['apiVersion'] : '';
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  const rules = RULES[`${group}/${String(object['kind'])}`];
  const anyName = (name: string): string[] =>
    /[/%]|^\.{1,2}$/.test(name) ? [`may not be '.', '..' or contain '/' or '%'`] : [];
  validateMetadata(child(root, 'metadata'), rules?.name ?? (PATH_NAMED.has(group) ? anyName : dns1123Subdomain));
  rules?.validate?.(root, previous);
  return root.errors;
}

function calicoRules(group: string): Readonly<Record<string, Rules>> {
  return Object.fromEntries(Object.entries(CALICO_RULES).map(([kind, rules]) => [`${group}/${kind}`, rules]));
}
