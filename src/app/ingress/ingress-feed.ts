import type { IngressClass } from 'kubernetes-types/networking/v1.d.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { IngressWorld, SecretData } from '../../core/ingress/index.ts';
import { convertObject } from '../../core/kube/convert/convert-object.ts';
import type { EndpointSlice, Ingress, Service } from '../../core/kube/types.ts';
import { sliceSpec } from '../../core/service/index.ts';
import type { SliceSpec } from '../../core/service/model.ts';
import { isNotFound } from '../../host/kube-client/errors.ts';
import { informer } from '../../host/kube-client/informer.ts';
import type { Informer } from '../../host/kube-client/informer.ts';
import {
  apiVersionOf,
  ENDPOINT_SLICES,
  INGRESSES,
  INGRESS_CLASSES,
  SECRETS,
  SERVICES,
} from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject, Resource } from '../../host/kube-client/types.ts';

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
  const classes = watch<IngressClass & KubeObject, IngressClass>(
    { ...INGRESS_CLASSES, version: resource.group === INGRESS_CLASSES.group ? resource.version : 'v1beta1' },
    ({ metadata, spec }) => ({ ...(metadata && { metadata }), ...(spec && { spec }) }),
  );
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

/** The newest version of Ingress that the API server has: those of 1.18 and before have old ones only. */
async function servedVersion(client: KubeClient): Promise<Resource> {
  const old: Resource = { ...INGRESSES, version: 'v1beta1' };
  for (const resource of [INGRESSES, old, { ...old, group: 'extensions' }]) {
    try {
      await client.list(resource, { limit: 1 });
      return resource;
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  return INGRESSES;
}

function currentIngress(object: KubeObject, resource: Resource): Ingress {
  const typed = { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };
  const conversion = convertObject(typed);
  return (conversion.kind === 'converted' ? conversion.object : typed) as Ingress;
}

interface SecretObject extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

function secretData({ data }: SecretObject): SecretData {
  const read = (name: string): string | undefined => {
    const text = data?.[name];
    return text === undefined ? undefined : Buffer.from(text, 'base64').toString('utf8');
  };
  const [certificate, key, auth] = [read('tls.crt'), read('tls.key'), read('auth')];
  return {
    ...(certificate === undefined ? {} : { certificate }),
    ...(key === undefined ? {} : { key }),
    ...(auth === undefined ? {} : { auth }),
  };
}

function byService(slices: Iterable<SliceSpec | undefined>): ReadonlyMap<string, readonly SliceSpec[]> {
  const found = new Map<string, SliceSpec[]>();
  for (const slice of slices) {
    if (slice === undefined) continue;
    const list = found.get(slice.service);
    if (list === undefined) found.set(slice.service, [slice]);
    else list.push(slice);
  }
  return found;
}
