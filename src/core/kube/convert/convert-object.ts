import { convertCalicoPolicy, refuseCalicoKind } from './calico-policy.ts';
import { convertAdminNetworkPolicy, convertBaselineAdminNetworkPolicy } from './cluster-policy.ts';
import { isObject, mapFields } from './conversion.ts';
import type { Conversion, Converter, JsonObject } from './conversion.ts';
import { convertIngress } from './ingress.ts';
import { convertWorkload } from './workload.ts';

const POLICY = 'policy.networking.k8s.io/v1alpha1';
const CALICO = ['projectcalico.org/v3', 'crd.projectcalico.org/v1'];
const GLOBAL =
  'applies in every namespace and to nodes, and a NetworkPolicy to the pods of one: write a NetworkPolicy for each namespace, or a ClusterNetworkPolicy';
const COPY = "is Calico's own copy of a Kubernetes policy, which exists itself: leave it out";
/** Names that Calico gives to such copies: libcalico-go/lib/backend/k8s/conversion/constants.go. */
const COPY_NAME = /^(knp\.default|kanp\.adminnetworkpolicy|kbanp\.baselineadminnetworkpolicy|kcnp)\./;
const STAGED = 'is not in force, and every NetworkPolicy is: convert it when it has become a NetworkPolicy';

/** What is converted, by `apiVersion/kind`. */
const CONVERTERS: ReadonlyMap<string, Converter> = new Map<string, Converter>([
  ...[`extensions/v1beta1`, `networking.k8s.io/v1beta1`].flatMap((version): [string, Converter][] => [
    // The fields of a NetworkPolicy, and what their absence means, have stayed the same.
    [`${version}/NetworkPolicy`, rename('networking.k8s.io/v1')],
    [`${version}/Ingress`, convertIngress],
  ]),
  ['networking.k8s.io/v1beta1/IngressClass', rename('networking.k8s.io/v1')],
  ...['Deployment', 'DaemonSet', 'ReplicaSet'].map((kind) => workload('extensions/v1beta1', kind)),
  ...['Deployment', 'StatefulSet'].map((kind) => workload('apps/v1beta1', kind)),
  ...['Deployment', 'DaemonSet', 'ReplicaSet', 'StatefulSet'].map((kind) => workload('apps/v1beta2', kind)),
  [`${POLICY}/AdminNetworkPolicy`, convertAdminNetworkPolicy],
  [`${POLICY}/BaselineAdminNetworkPolicy`, convertBaselineAdminNetworkPolicy],
  ...CALICO.flatMap((version): [string, Converter][] => [
    [`${version}/NetworkPolicy`, orCopy(convertCalicoPolicy)],
    [`${version}/GlobalNetworkPolicy`, orCopy(() => refuseCalicoKind(GLOBAL))],
    [`${version}/StagedNetworkPolicy`, () => refuseCalicoKind(STAGED)],
    [`${version}/StagedGlobalNetworkPolicy`, () => refuseCalicoKind(STAGED)],
    [`${version}/StagedKubernetesNetworkPolicy`, () => refuseCalicoKind(STAGED)],
  ]),
]);

/**
 * Brings an object to the current version of its API, and a Calico policy to a Kubernetes one where that says exactly the
 * same. `others` are all objects that are converted together: policies that deny, and network sets, can change what a
 * conversion would mean.
 */
export function convertObject(object: JsonObject, others: readonly JsonObject[] = [object]): Conversion {
  const converter = CONVERTERS.get(`${String(object['apiVersion'])}/${String(object['kind'])}`);
  return converter?.(object, others) ?? { kind: 'current' };
}

function orCopy(convert: Converter): Converter {
  return (object, others) => {
    const { metadata } = object;
    const name = isObject(metadata) ? metadata['name'] : undefined;
    const isCopy = typeof name === 'string' && COPY_NAME.test(name);
    return isCopy ? { kind: 'refused', problems: [{ path: 'metadata.name', message: COPY }] } : convert(object, others);
  };
}

function rename(apiVersion: string): Converter {
  return (object) => ({
    kind: 'converted',
    object: mapFields(object, (name, value) => [name, name === 'apiVersion' ? apiVersion : value]),
    remarks: [],
  });
}

function workload(apiVersion: string, kind: string): [string, Converter] {
  return [`${apiVersion}/${kind}`, convertWorkload];
}
