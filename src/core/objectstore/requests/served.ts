import type { ApiObject } from '../api-object.ts';
import { ingressAsOf } from '../../kube/convert/ingress.ts';
import { apiVersionOf, type ResourceDefinition } from '../resource-definition.ts';
import type { Entry } from '../versioned-store.ts';

/**
 * A stored object in the version that was asked for. Custom resources convert by name only (strategy None), and of the
 * built-in ones with old versions Ingress alone by more.
 */
export function asServed(object: ApiObject, definition: ResourceDefinition): ApiObject {
  const apiVersion = apiVersionOf(definition);
  if (object.apiVersion === apiVersion) return object;
  if (definition.storedAs !== undefined && definition.kind === 'Ingress')
    return ingressAsOf(object, apiVersion) as ApiObject;
  return { ...object, apiVersion };
}

/** The same as JSON text, made anew only when the version differs. */
export function servedJson(entry: Entry, definition: ResourceDefinition): string {
  return entry.object.apiVersion === apiVersionOf(definition)
    ? entry.json
    : JSON.stringify(asServed(entry.object, definition));
}
