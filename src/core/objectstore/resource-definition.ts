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
export function bucketOf(definition: { readonly group: string; readonly plural: string }): string {
  return `${definition.group}/${definition.plural}`;
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf(definition: { readonly group: string; readonly version: string }): string {
  return definition.group === '' ? definition.version : `${definition.group}/${definition.version}`;
}
