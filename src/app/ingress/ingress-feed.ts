import type { IngressClass } from 'kubernetes-types/networking/v1.d.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { IngressWorld, SecretData } from '../../core/ingress/index.ts';
import type { EndpointSlice, Ingress, Service } from '../../core/kube/types.ts';
import { sliceSpec } from '../../core/service/index.ts';
import type { SliceSpec } from '../../core/service/model.ts';
import { informer } from '../../host/kube-client/informer.ts';
import type { Informer } from '../../host/kube-client/informer.ts';
import { ENDPOINT_SLICES, SECRETS, SERVICES } from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject, Resource } from '../../host/kube-client/types.ts';
import { byService, classesResource, currentIngress, secretData, servedVersion } from './ingress-objects.ts';
import type { SecretObject } from './ingress-objects.ts';

/** How often collections that an old API server lacks are asked for again, milliseconds. */
const ABSENT_RETRY = 60_000;

/** The cluster as the informers know it. */
export interface IngressFeed {
  readonly synced: Promise<unknown>;
  readonly done: Promise<unknown>;
  /** The resource that Ingresses are written to. */
  readonly resource: Resource;
  world(): Pick<IngressWorld, 'ingresses' | 'classes' | 'services' | 'slices' | 'secrets'>;
}

/** Watches what Ingresses depend on; `onChange` at every change. */
export async function feedIngresses(
  { client, log, onChange }: { readonly client: KubeClient; readonly log: Logger; readonly onChange: () => void },
  signal: AbortSignal,
): Promise<IngressFeed> {
  const resource = await servedVersion(client);
  const onError = (error: unknown): void => log.warn('cannot watch, trying again', { error: messageOf(error) });
  const watch = <T extends KubeObject, P>(of: Resource, project: (object: T) => P): Informer<P> =>
    informer<T, P>(client, of, { project, onDelta: onChange, onError, absentRetry: ABSENT_RETRY }, signal);
  const ingresses = watch<KubeObject, Ingress>(resource, (object) => currentIngress(object, resource));
  const classes = watch<IngressClass & KubeObject, IngressClass>(classesResource(resource), ({ metadata, spec }) => ({
    ...(metadata && { metadata }),
    ...(spec && { spec }),
  }));
  const services = watch<Service & KubeObject, Service>(SERVICES, ({ metadata, spec, status }) => ({
    ...(metadata && { metadata: { name: metadata.name!, namespace: metadata.namespace! } }),
    ...(spec && { spec }),
    ...(status && { status }),
  }));
  const slices = watch<EndpointSlice & KubeObject, SliceSpec | undefined>(ENDPOINT_SLICES, sliceSpec);
  const secrets = watch<SecretObject, SecretData>(SECRETS, secretData);
  const all = [ingresses, classes, services, slices, secrets];
  return {
    synced: Promise.all(all.map((each) => each.synced)),
    done: Promise.all(all.map((each) => each.done)),
    resource,
    world: () => ({
      ingresses: [...ingresses.items.values()],
      classes: [...classes.items.values()],
      services: services.items,
      slices: byService(slices.items.values()),
      secrets: secrets.items,
    }),
  };
}
