import type { ApiObject } from '../api-object.ts';
import { apiVersionOf, type ResourceDefinition } from '../resource-definition.ts';
import type { Entry } from '../versioned-store.ts';

/** A stored object in the version that was asked for. Custom resources convert by name only (strategy None). */
export function asServed(object: ApiObject, definition: ResourceDefinition): ApiObject {
  const apiVersion = apiVersionOf(definition);
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}

/** The same as JSON text, made anew only when the version differs. */
export function servedJson(entry: Entry, definition: ResourceDefinition): string {
  return entry.object.apiVersion === apiVersionOf(definition)
    ? entry.json
    : JSON.stringify(asServed(entry.object, definition));
}
