import type { IngressClass } from 'kubernetes-types/networking/v1.d.ts';
import type { IngressWorld } from '../../core/ingress/index.ts';
import type { EndpointSlice, Service } from '../../core/kube/types.ts';
import { sliceSpec } from '../../core/service/index.ts';
import { isNotFound } from '../../host/kube-client/errors.ts';
import { listAll } from '../../host/kube-client/list-all.ts';
import { keyOf } from '../../host/kube-client/informer.ts';
import { SECRETS } from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject, Resource } from '../../host/kube-client/types.ts';
import { inspectCertificate } from './certificate.ts';
import { byService, classesResource, currentIngress, secretData, servedVersion } from './ingress-objects.ts';
import type { SecretObject } from './ingress-objects.ts';

/** What Ingresses depend on, as the API server has it now; what else is known of the cluster is given. */
export async function readIngressWorld(
  client: KubeClient,
  { services, slices }: { readonly services: readonly Service[]; readonly slices: readonly EndpointSlice[] },
  settings: Pick<IngressWorld, 'withoutClass' | 'redirectToTls'>,
): Promise<IngressWorld> {
  const resource = await servedVersion(client);
  const [ingresses, classes, secrets] = await Promise.all([
    listIfThere<KubeObject>(client, resource),
    listIfThere<KubeObject & IngressClass>(client, classesResource(resource)),
    listIfThere<SecretObject>(client, SECRETS),
  ]);
  return {
    ingresses: ingresses.map((each) => currentIngress(each, resource)),
    classes,
    services: new Map(services.map((each) => [keyOf(each as KubeObject), each])),
    slices: byService(slices.map(sliceSpec)),
    secrets: new Map(secrets.map((each) => [keyOf(each), secretData(each)])),
    inspectCertificate,
    ...settings,
    rejected: new Map(),
  };
}

/** All objects of a kind; what the API server does not have, there is none of. */
export async function listIfThere<T extends KubeObject>(client: KubeClient, resource: Resource): Promise<readonly T[]> {
  try {
    return (await listAll<T>(client, resource)).items;
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
