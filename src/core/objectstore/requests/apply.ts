import type { ManagedFieldsEntry } from 'kubernetes-types/meta/v1.d.ts';
import { ApiError, badRequest, type StatusCause } from '../api-error.ts';
import type { ApiContext, Target, WriteRequest } from '../api-context.ts';
import { draftOf, equalJson, isJsonObject, type ApiObject, type Json, type JsonObject } from '../api-object.ts';
import {
  changedFields,
  fieldSetOf,
  mergeApplied,
  removeFields,
  sharedLeaves,
  subtract,
  unite,
  type FieldSet,
} from '../patch/field-set.ts';
import { apiVersionOf, bucketOf, type ResourceDefinition } from '../resource-definition.ts';
import type { Definitions, Schema } from '../schema/schema.ts';
import type { Entry } from '../versioned-store.ts';
import { create } from './create.ts';
import { decodeBody } from './decode-body.ts';
import { asServed } from './served.ts';
import { fullSchema, managerEntry, setOf, withoutFields, withoutIdentity, type WrittenPart } from './managed-fields.ts';
import { update } from './update.ts';

/** A server-side apply; `force` takes fields from other managers instead of naming them in a conflict. */
export interface ApplyRequest extends WriteRequest {
  readonly force: boolean;
}

/**
 * Server-side apply: what the configuration names is set and owned by the manager; what the manager owned before and
 * names no longer is removed unless somebody else owns it too; fields of others with other values are a Conflict.
 */
export function apply(
  context: ApiContext,
  target: Target,
  body: Json,
  part: WrittenPart,
  request: ApplyRequest,
): { readonly entry: Entry; readonly created: boolean } {
  const { definition, namespace, name } = target;
  checkConfiguration(definition, name, body);
  const config = decodeBody(context, definition, body, request);
  const schema = fullSchema(context, definition);
  const { definitions } = context.schemas();
  const owned = ownedBy(config, schema, definitions);
  const stored = context.store.get(bucketOf(definition), namespace, name);
  if (stored === undefined) {
    const draft = draftOf(config);
    const entries = [managerEntry(context, definition, owned, part, request)];
    const entry = create(context, definition, namespace, draft, request, entries);
    return { entry, created: true };
  }
  // What was read is in the version that is kept, too.
  const live = definition.storedAs === undefined ? asServed(stored.object, definition) : stored.object;
  const entries = live.metadata.managedFields ?? [];
  const { mine, others } = split(entries, request.fieldManager, part);
  if (!request.force) refuseConflicts(target, live, config, others, schema, definitions);
  const kept = others.reduce<FieldSet>((all, entry) => unite(all, setOf(entry)), {});
  const gone = subtract(subtract(mine === undefined ? {} : setOf(mine), owned), kept);
  const merged = mergeApplied(live as unknown as Json, withoutIdentity(config), schema, definitions);
  const draft = draftOf(removeFields(merged, gone, schema, definitions)) as unknown as ApiObject;
  const remaining = request.force ? withoutTaken(others, live, draft, schema, definitions) : others;
  const next = managerEntry(context, definition, owned, part, request);
  const unchanged = mine !== undefined && equalJson(mine.fieldsV1, next.fieldsV1);
  draft.metadata.managedFields = [...remaining, unchanged ? mine : next];
  const expected = config.metadata.resourceVersion;
  (draft.metadata as { resourceVersion?: string }).resourceVersion = expected ?? live.metadata.resourceVersion!;
  return { entry: update(context, target, draft, part, request), created: false };
}

function checkConfiguration(definition: ResourceDefinition, name: string, body: Json): void {
  if (!isJsonObject(body)) throw badRequest('error decoding the apply configuration: it is not an object');
  if (body['apiVersion'] !== apiVersionOf(definition) || body['kind'] !== definition.kind) {
    throw badRequest(`an apply configuration names apiVersion ${apiVersionOf(definition)} and kind ${definition.kind}`);
  }
  const meta = isJsonObject(body['metadata']) ? body['metadata'] : {};
  if (meta['name'] !== undefined && meta['name'] !== name) {
    throw badRequest(
      `the name of the object (${JSON.stringify(meta['name'])}) does not match the name on the URL (${name})`,
    );
  }
  if (Array.isArray(meta['managedFields']) && meta['managedFields'].length > 0) {
    throw badRequest('metadata.managedFields must be nil');
  }
}

/** Nobody owns apiVersion, kind and identity. */
function ownedBy(config: ApiObject, schema: Schema, definitions: Definitions): FieldSet {
  const { apiVersion: _apiVersion, kind: _kind, ...rest } = withoutIdentity(config) as JsonObject;
  const set = fieldSetOf(rest, schema, definitions);
  if (Object.keys(set['f:metadata'] ?? {}).length === 0) delete set['f:metadata'];
  return set;
}

function split(
  entries: readonly ManagedFieldsEntry[],
  manager: string,
  part: WrittenPart,
): { readonly mine: ManagedFieldsEntry | undefined; readonly others: readonly ManagedFieldsEntry[] } {
  const isMine = (entry: ManagedFieldsEntry): boolean =>
    entry.manager === manager &&
    entry.operation === 'Apply' &&
    (entry.subresource === 'status') === (part === 'status');
  return { mine: entries.find(isMine), others: entries.filter((entry) => !isMine(entry)) };
}

function refuseConflicts(
  { definition, name }: Target,
  live: ApiObject,
  config: ApiObject,
  others: readonly ManagedFieldsEntry[],
  schema: Schema,
  definitions: Definitions,
): void {
  const merged = mergeApplied(live as unknown as Json, withoutIdentity(config), schema, definitions);
  const changed = changedFields(live as unknown as Json, merged, schema, definitions);
  const causes: StatusCause[] = others.flatMap((entry) =>
    sharedLeaves(changed, setOf(entry)).map((field) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with "${entry.manager}"${entry.operation === 'Update' ? ` using ${entry.apiVersion}` : ''}`,
      field,
    })),
  );
  if (causes.length === 0) return;
  const byManager = Map.groupBy(causes, (cause) => cause.message);
  const texts = [...byManager].map(([message, each]) =>
    each.length === 1
      ? `${message}: ${each[0]!.field}`
      : `${message}:\n${each.map(({ field }) => `- ${field}`).join('\n')}`,
  );
  const plural = causes.length === 1 ? 'conflict' : 'conflicts';
  throw new ApiError('Conflict', `Apply failed with ${causes.length} ${plural}: ${texts.join('\n')}`, {
    name,
    kind: definition.plural,
    ...(definition.group === '' ? {} : { group: definition.group }),
    causes,
  });
}

/** Others lose what the forced apply changed. */
function withoutTaken(
  others: readonly ManagedFieldsEntry[],
  live: ApiObject,
  draft: ApiObject,
  schema: Schema,
  definitions: Definitions,
): ManagedFieldsEntry[] {
  const changed = changedFields(live as unknown as Json, draft as unknown as Json, schema, definitions);
  return withoutFields(others, changed);
}
