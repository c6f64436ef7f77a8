import type { FieldError } from '../kube/field-error.ts';
import type { ApiObject } from './api-object.ts';
import type { Surroundings } from './clock.ts';
import type { Registry } from './registry.ts';
import type { ResourceDefinition } from './resource-definition.ts';
import type { SchemaSource } from './schema/schema-source.ts';
import type { VersionedStore } from './versioned-store.ts';

/** Semantic rules of an object, all violations at once; `previous` is what an update replaces. */
export type ValidateObject = (object: ApiObject, previous?: ApiObject) => readonly FieldError[];

/** What the cluster's operator chose and the API server hands out. */
export interface ClusterSettings {
  /** Service CIDRs, primary family first. */
  readonly serviceCidrs: readonly string[];
  /** Inclusive. */
  readonly nodePortRange: { readonly from: number; readonly to: number };
}

/** Everything that a request is answered from. */
export interface ApiContext {
  readonly store: VersionedStore;
  readonly registry: Registry;
  /** Loaded when first needed. */
  readonly schemas: () => SchemaSource;
  readonly surroundings: Surroundings;
  readonly settings: ClusterSettings;
  readonly validateObject: ValidateObject;
}

/** How strictly unknown and duplicate fields are taken: an error, a warning, or silence. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** Options of every write. */
export interface WriteRequest {
  readonly fieldValidation: FieldValidation;
  readonly dryRun: boolean;
  readonly fieldManager: string;
  /** Warnings for the client collect here. */
  readonly warnings: string[];
}

/** An object as addressed by a request; `namespace` is '' for cluster-scoped ones. */
export interface Target {
  readonly definition: ResourceDefinition;
  readonly namespace: string;
  readonly name: string;
}

/** Defaults for calls that come from inside the process. */
export function internalWrite(options: Partial<WriteRequest> = {}): WriteRequest {
  return { fieldValidation: 'Warn', dryRun: false, fieldManager: 'sluice', warnings: [], ...options };
}
