import type { SecretData } from '../../core/ingress/index.ts';
import { convertObject } from '../../core/kube/convert/convert-object.ts';
import type { Ingress } from '../../core/kube/types.ts';
import type { SliceSpec } from '../../core/service/model.ts';
import { isNotFound } from '../../host/kube-client/errors.ts';
import { apiVersionOf, INGRESSES, INGRESS_CLASSES } from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject, Resource } from '../../host/kube-client/types.ts';

/** The newest version of Ingress that the API server has: those of 1.18 and before have old ones only. */
export async function servedVersion(client: KubeClient): Promise<Resource> {
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

/** Where the classes of Ingresses are that are at `resource`. */
export function classesResource({ group, version }: Resource): Resource {
  return { ...INGRESS_CLASSES, version: group === INGRESS_CLASSES.group ? version : 'v1beta1' };
}

/** The Ingress as networking.k8s.io/v1 has it. */
export function currentIngress(object: KubeObject, resource: Resource): Ingress {
  const typed = { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };
  const conversion = convertObject(typed);
  return (conversion.kind === 'converted' ? conversion.object : typed) as Ingress;
}

/** A Secret as the API server gives it. */
export interface SecretObject extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** What of a Secret matters here. */
export function secretData({ data }: SecretObject): SecretData {
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

/** Slices by the key of their Service; what is none is left out. */
export function byService(slices: Iterable<SliceSpec | undefined>): ReadonlyMap<string, readonly SliceSpec[]> {
  const found = new Map<string, SliceSpec[]>();
  for (const slice of slices) {
    if (slice === undefined) continue;
    const list = found.get(slice.service);
    if (list === undefined) found.set(slice.service, [slice]);
    else list.push(slice);
  }
  return found;
}
