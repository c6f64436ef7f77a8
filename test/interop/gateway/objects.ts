import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { isNotFound } from '../../../src/host/kube-client/errors.ts';
import {
  apiVersionOf,
  CUSTOM_RESOURCE_DEFINITIONS,
  ENDPOINT_SLICES,
  GATEWAY_CLASSES,
  GATEWAYS,
  HTTP_ROUTES,
  INGRESS_CLASSES,
  INGRESSES,
  NAMESPACES,
  REFERENCE_GRANTS,
  SECRETS,
  SERVICES,
} from '../../../src/host/kube-client/resources.ts';
import type { KubeClient, Resource } from '../../../src/host/kube-client/types.ts';

const RESOURCES = [
  CUSTOM_RESOURCE_DEFINITIONS,
  GATEWAY_CLASSES,
  GATEWAYS,
  HTTP_ROUTES,
  REFERENCE_GRANTS,
  INGRESS_CLASSES,
  INGRESSES,
  NAMESPACES,
  SECRETS,
  SERVICES,
  ENDPOINT_SLICES,
];

/** An object of any kind as tests write it; its namespace is `infra` unless it says otherwise. */
export interface Written {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** The definitions of the Gateway API and the class, as the manifests in deploy have them. */
export function gatewayApis(): readonly Written[] {
  return ['gateway-apis.yaml', 'gateway-class.yaml'].flatMap((name) => {
    const text = readFileSync(join(import.meta.dirname, '../../../deploy', name), 'utf8');
    return parseAllDocuments(text).map((document) => document.toJS() as Written);
  });
}

/** Creates an object or merges it into the one that there is. */
export async function applyOne(client: KubeClient, object: Written): Promise<void> {
  const resource = resourceOf(object.kind);
  const name = where(resource, object.metadata.name, object.metadata.namespace ?? 'infra');
  const whole = { ...object, apiVersion: apiVersionOf(resource), metadata: { ...object.metadata, ...name } };
  try {
    await client.patch(resource, name, 'merge', whole);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await client.create(resource, whole);
  }
}

/** The resource of a kind. */
export function resourceOf(kind: string): Resource {
  const found = RESOURCES.find((resource) => resource.kind === kind);
  if (found === undefined) throw new Error(`no resource of kind ${kind}`);
  return found;
}

/** The name of an object, with a namespace where the resource has them. */
export function where(
  { namespaced }: Resource,
  name: string,
  namespace: string | undefined,
): {
  readonly name: string;
  readonly namespace?: string;
} {
  return { name, ...(namespaced && namespace !== undefined ? { namespace } : {}) };
}
