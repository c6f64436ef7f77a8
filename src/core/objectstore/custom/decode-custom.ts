import { isJsonObject, type Json, type JsonObject } from '../api-object.ts';
import type { CustomDefinition } from '../resource-definition.ts';
import { decode, type Decoded } from '../schema/decode.ts';
import { OBJECT_META } from '../schema/schema-source.ts';
import type { Definitions, Schema } from '../schema/schema.ts';
import { suggestField, type Ancestor } from '../schema/suggest-field.ts';

/** Reads an object of a custom resource: metadata typed, the rest pruned to the structural schema. */
export function decodeCustom(body: JsonObject, custom: CustomDefinition, definitions: Definitions): Decoded {
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = body;
  const meta = decode(metadata ?? {}, definitions[OBJECT_META] ?? {}, definitions);
  const unknownFields = meta.unknownFields.map((each) => each.replace('unknown field "', 'unknown field "metadata.'));
  const schema = (custom.schema ?? { 'x-kubernetes-preserve-unknown-fields': true }) as Schema;
  const value = prune(rest, { ...schema, type: 'object' }, '', [], unknownFields) as JsonObject;
  return { value: { ...value, metadata: meta.value }, unknownFields, typeError: meta.typeError };
}

/** Drops what a structural schema does not name, reporting each such field. Wrong types are left for validation. */
function prune(value: Json, schema: Schema, path: string, ancestors: readonly Ancestor[], unknown: string[]): Json {
  if (Array.isArray(value)) {
    const items = schema.items ?? {};
    return value.map((item, i) => prune(item, items, `${path}[${i}]`, ancestors, unknown));
  }
  if (!isJsonObject(value)) return value;
  const keepsAll = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const { properties, additionalProperties } = schema;
  // A schema without a type says nothing of its value.
  if (properties === undefined && additionalProperties === undefined && (keepsAll || schema.type !== 'object'))
    return value;
  const inside = [...ancestors, { path, schema }];
  const result: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    const at = path === '' ? key : `${path}.${key}`;
    const property = properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
    const field = property ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
    if (field !== undefined) result[key] = prune(item, field, at, inside, unknown);
    else if (keepsAll || additionalProperties === true || isEmbeddedField(schema, key)) result[key] = item;
    else unknown.push(describe(key, at, { path, schema }, ancestors));
  }
  return result;
}

function isEmbeddedField(schema: Schema, key: string): boolean {
  return schema['x-kubernetes-embedded-resource'] === true && ['apiVersion', 'kind', 'metadata'].includes(key);
}

function describe(key: string, at: string, owner: Ancestor, ancestors: readonly Ancestor[]): string {
  const suggestion = suggestField(key, owner, ancestors, {});
  return `unknown field "${at}"${suggestion === undefined ? '' : ` (did you mean "${suggestion}"?)`}`;
}
