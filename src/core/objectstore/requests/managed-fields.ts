import type { ManagedFieldsEntry } from 'kubernetes-types/meta/v1.d.ts';
import type { ApiContext, WriteRequest } from '../api-context.ts';
import type { ApiObject, Json, JsonObject } from '../api-object.ts';
import { changedFields, subtract, unite, type FieldSet } from '../patch/field-set.ts';
import { storedVersionOf, type ResourceDefinition } from '../resource-definition.ts';
import { OBJECT_META } from '../schema/schema-source.ts';
import { REF_PREFIX, type Schema } from '../schema/schema.ts';
import { schemaOf } from './decode-body.ts';

/** Which part of the object a write may change. */
export type WrittenPart = 'main' | 'status';

/**
 * After a write that is no apply: what it changed belongs to its manager now. Only objects that somebody applied to keep
 * such books; the others have no owners.
 */
export function trackUpdate(
  context: ApiContext,
  definition: ResourceDefinition,
  draft: ApiObject,
  previous: ApiObject,
  part: WrittenPart,
  request: WriteRequest,
): void {
  const entries = previous.metadata.managedFields;
  if (entries === undefined || entries.length === 0) return;
  const { definitions } = context.schemas();
  const schema = fullSchema(context, definition);
  const { apiVersion: _a, kind: _k, ...after } = withoutIdentity(draft) as JsonObject;
  const { apiVersion: _b, kind: _l, ...before } = withoutIdentity(previous) as JsonObject;
  const changed = changedFields(before, after, schema, definitions);
  if (Object.keys(changed).length === 0) return;
  const isMine = (entry: ManagedFieldsEntry): boolean =>
    entry.manager === request.fieldManager &&
    entry.operation === 'Update' &&
    (entry.subresource === 'status') === (part === 'status');
  const mine = entries.find(isMine);
  const owned = unite(mine === undefined ? {} : setOf(mine), changed);
  draft.metadata.managedFields = [
    ...withoutFields(
      entries.filter((entry) => !isMine(entry)),
      changed,
    ),
    managerEntry(context, definition, owned, part, request, 'Update'),
  ];
}

/** The type with its metadata, also for custom resources, whose schemas leave it out. */
export function fullSchema(context: ApiContext, definition: ResourceDefinition): Schema {
  const meta = { $ref: `${REF_PREFIX}${OBJECT_META}` };
  if (definition.custom === undefined) return schemaOf(context, definition);
  const own = (definition.custom.schema ?? {}) as Schema;
  return { ...own, type: 'object', properties: { ...own.properties, metadata: meta } };
}

const IDENTITY = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'generation',
  'selfLink',
  'managedFields',
];

/** The object without what the server decides or who it is: none of that is ever owned by a manager. */
export function withoutIdentity(config: ApiObject): Json {
  const meta: JsonObject = { ...(config.metadata as unknown as JsonObject) };
  for (const key of IDENTITY) delete meta[key];
  return { ...config, metadata: meta } as unknown as Json;
}

/** What an entry owns. */
export function setOf(entry: ManagedFieldsEntry): FieldSet {
  return (entry.fieldsV1 ?? {}) as FieldSet;
}

/** One manager's entry in the books. */
export function managerEntry(
  context: ApiContext,
  definition: ResourceDefinition,
  owned: FieldSet,
  part: WrittenPart,
  { fieldManager }: WriteRequest,
  operation: 'Apply' | 'Update' = 'Apply',
): ManagedFieldsEntry {
  return {
    manager: fieldManager,
    operation,
    apiVersion: storedVersionOf(definition),
    time: context.surroundings.now(),
    fieldsType: 'FieldsV1',
    fieldsV1: owned,
    ...(part === 'status' ? { subresource: 'status' } : {}),
  };
}

/** The entries without what somebody else has taken; those that own nothing any more go. */
export function withoutFields(entries: readonly ManagedFieldsEntry[], taken: FieldSet): ManagedFieldsEntry[] {
  return entries
    .map((entry) => ({ ...entry, fieldsV1: subtract(setOf(entry), taken) }))
    .filter((entry) => Object.keys(entry.fieldsV1).length > 0);
}
