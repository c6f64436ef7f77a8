export { ApiError, badRequest, notFound } from './api-error.ts';
export type { Status, StatusCause, StatusDetails, StatusReason } from './api-error.ts';
export { draftOf, isJsonObject } from './api-object.ts';
export type { ApiObject, Json, JsonObject } from './api-object.ts';
export { internalWrite } from './api-context.ts';
export type {
  ApiContext,
  ClusterSettings,
  FieldValidation,
  Target,
  ValidateObject,
  WriteRequest,
} from './api-context.ts';
export { BUILTIN_RESOURCES } from './builtin-resources.ts';
export type { Surroundings } from './clock.ts';
export { serve as serveCustomResource } from './custom/crd-strategy.ts';
export type { DurableStore, StoredRecord, StoredWrite } from './durable-store.ts';
export { Registry } from './registry.ts';
export { apiVersionOf, bucketOf } from './resource-definition.ts';
export type { CustomDefinition, PrinterColumn, ResourceDefinition, ScalePaths } from './resource-definition.ts';
export { create } from './requests/create.ts';
export { decodeBody } from './requests/decode-body.ts';
export { remove } from './requests/delete.ts';
export type { DeleteRequest, Deletion } from './requests/delete.ts';
export { list } from './requests/list.ts';
export type { ListRequest, Page } from './requests/list.ts';
export { patch } from './requests/patch.ts';
export type { PatchType } from './requests/patch.ts';
export { asServed, servedJson } from './requests/served.ts';
export { evict } from './requests/evict.ts';
export { bind, finalize, scaleOf, setScale, SUCCESS } from './requests/subresources.ts';
export { existing, update } from './requests/update.ts';
export type { WrittenPart } from './requests/managed-fields.ts';
export { apply } from './requests/apply.ts';
export type { ApplyRequest } from './requests/apply.ts';
export { duplicateFields } from './schema/duplicate-fields.ts';
export { EXTRA_DEFINITIONS, readDeclarations } from './schema/read-declarations.ts';
export { closure, REF_PREFIX, refOf } from './schema/schema.ts';
export type { Definitions, GroupVersionKind, Schema } from './schema/schema.ts';
export { OBJECT_META, schemaSource } from './schema/schema-source.ts';
export type { SchemaSource } from './schema/schema-source.ts';
export { parseRevision, seenThrough, selectionTest } from './select/selection.ts';
export type { SeenChange, Selection } from './select/selection.ts';
export { VersionedStore } from './versioned-store.ts';
export type { ChangeEvent, ChangeListener, Entry } from './versioned-store.ts';
export { tableOf } from './table/table.ts';
export { authorize, rulesFor } from './rbac/authorize.ts';
export type { AccessAttributes } from './rbac/authorize.ts';
export { bootstrapRoles } from './rbac/bootstrap-roles.ts';
