import type { JsonObject } from './api-object.ts';

/** A column that a CRD adds to `kubectl get`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly jsonPath: string;
  readonly priority?: number;
}

/** Where the `scale` subresource of a resource finds its numbers: dotted paths that begin with a dot. */
export interface ScalePaths {
  readonly specReplicas: string;
  readonly statusReplicas: string;
  readonly labelSelector?: string;
}

/** Everything the server has to know of one resource in one version. */
export interface ResourceDefinition {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  /** Names after the object in the URL: status, scale, binding, log, … */
  readonly subresources: readonly string[];
  /** Whether `metadata.generation` counts changes of everything but metadata and status. */
  readonly generation: boolean;
  readonly scale?: ScalePaths;
  /** Present for an old version of a built-in resource: its objects are kept in this one, and converted. */
  readonly storedAs?: { readonly group: string; readonly version: string };
  /** Present for custom resources. */
  readonly custom?: CustomDefinition;
}

/** What only a CustomResourceDefinition says of a resource. */
export interface CustomDefinition {
  /** OpenAPI v3 schema of the whole object, absent when it preserves unknown fields throughout. */
  readonly schema?: JsonObject;
  readonly columns: readonly PrinterColumn[];
  /** The version that is written to the store. */
  readonly storageVersion: string;
}

/** Verbs of an ordinary resource, in the order that discovery lists them. */
export const ALL_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'] as const;

/** `group/plural`: the bucket in which all versions of a resource are kept. */
export function bucketOf(
  definition: Pick<ResourceDefinition, 'plural' | 'storedAs'> & { readonly group: string },
): string {
  return `${definition.storedAs?.group ?? definition.group}/${definition.plural}`;
}

/** `group/version` that objects have once they are read: that of the resource, or the one that an old version is kept in. */
export function storedVersionOf(definition: Pick<ResourceDefinition, 'group' | 'version' | 'storedAs'>): string {
  return apiVersionOf(definition.storedAs ?? definition);
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf(definition: { readonly group: string; readonly version: string }): string {
  return definition.group === '' ? definition.version : `${definition.group}/${definition.version}`;
}
