import { badRequest } from '../api-error.ts';
import { equalJson, isJsonObject, type Json, type JsonObject } from '../api-object.ts';
import { resolve, type Definitions, type Schema } from '../schema/schema.ts';

const DIRECTIVE = '$patch';
const DELETE_FROM = '$deleteFromPrimitiveList/';
const ORDER = '$setElementOrder/';
const RETAIN = '$retainKeys';

/**
 * Kubernetes' strategic merge: like RFC 7386, but lists whose schema says so merge by key (or as sets), and the
 * directives `$patch: delete|replace|merge`, `$deleteFromPrimitiveList`, `$setElementOrder` and `$retainKeys` are honoured.
 */
export function strategicMerge(
  target: Json | undefined,
  patch: Json,
  schema: Schema | undefined,
  definitions: Definitions,
): Json {
  if (!isJsonObject(patch)) return patch;
  return mergeObject(isJsonObject(target) ? target : {}, patch, schema, definitions);
}

function mergeObject(
  target: JsonObject,
  patch: JsonObject,
  schema: Schema | undefined,
  definitions: Definitions,
): JsonObject {
  if (patch[DIRECTIVE] === 'replace') return withoutDirectives(patch);
  if (patch[DIRECTIVE] === 'delete') return {};
  const type = schema === undefined ? undefined : resolve(schema, definitions);
  const result: JsonObject = { ...target };
  const retain = patch[RETAIN];
  if (Array.isArray(retain)) {
    for (const key of Object.keys(result)) if (!retain.includes(key)) delete result[key];
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key === DIRECTIVE || key === RETAIN || key.startsWith(ORDER)) continue;
    if (key.startsWith(DELETE_FROM)) {
      const field = key.slice(DELETE_FROM.length);
      const list = result[field];
      if (Array.isArray(list) && Array.isArray(value)) result[field] = list.filter((item) => !has(value, item));
      continue;
    }
    if (value === null) {
      delete result[key];
      continue;
    }
    const field = propertyOf(type, key);
    result[key] = Array.isArray(value)
      ? mergeList(result[key], value, field, definitions)
      : strategicMerge(result[key], value, field, definitions);
  }
  for (const key of Object.keys(patch)) {
    const field = key.slice(ORDER.length);
    const list = result[field];
    const order = patch[key];
    if (!key.startsWith(ORDER) || !Array.isArray(list) || !Array.isArray(order)) continue;
    result[field] = inOrder(list, order, mergeKeyOf(propertyOf(type, field)));
  }
  return result;
}

/** Schema of one field; unknown when the type itself is. */
export function propertyOf(type: Schema | undefined, key: string): Schema | undefined {
  const properties = type?.properties;
  if (properties !== undefined && Object.hasOwn(properties, key)) return properties[key];
  return typeof type?.additionalProperties === 'object' ? type.additionalProperties : undefined;
}

function mergeKeyOf(field: Schema | undefined): string | undefined {
  return field?.['x-kubernetes-patch-merge-key'];
}

function mergeList(
  target: Json | undefined,
  patch: readonly Json[],
  field: Schema | undefined,
  definitions: Definitions,
): Json {
  const merges = field?.['x-kubernetes-patch-strategy']?.split(',').includes('merge') === true;
  const replaces = patch.some((item) => isJsonObject(item) && item[DIRECTIVE] === 'replace');
  const items = patch.filter((item) => !isJsonObject(item) || item[DIRECTIVE] !== 'replace');
  if (!merges || replaces) return items.map((item) => (isJsonObject(item) ? withoutDirectives(item) : item));
  const base = Array.isArray(target) ? target : [];
  const key = mergeKeyOf(field);
  if (key === undefined) return [...base, ...items.filter((item) => !has(base, item))];
  return mergeByKey(base, items, key, field?.items, definitions);
}

function mergeByKey(
  base: readonly Json[],
  items: readonly Json[],
  key: string,
  schema: Schema | undefined,
  definitions: Definitions,
): Json[] {
  const result: Json[] = [...base];
  for (const item of items) {
    if (!isJsonObject(item)) throw badRequest(`a list that merges by ${key} holds objects`);
    const identity = item[key];
    if (identity === undefined)
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
    const at = result.findIndex((each) => isJsonObject(each) && equalJson(each[key], identity));
    if (item[DIRECTIVE] === 'delete') {
      if (at >= 0) result.splice(at, 1);
    } else if (at < 0) {
      result.push(mergeObject({}, item, schema, definitions));
    } else {
      result[at] = mergeObject(result[at] as JsonObject, item, schema, definitions);
    }
  }
  return result;
}

/** Elements that `order` names come in its order; the others keep their place relative to what follows them. */
function inOrder(list: readonly Json[], order: readonly Json[], key: string | undefined): Json[] {
  const identity = (item: Json): Json | undefined =>
    key === undefined ? item : isJsonObject(item) ? item[key] : undefined;
  const rank = (item: Json): number => order.findIndex((each) => equalJson(identity(each), identity(item)));
  const named = list.filter((item) => rank(item) >= 0).sort((a, b) => rank(a) - rank(b));
  const result: Json[] = [];
  let next = 0;
  for (const item of list) {
    if (rank(item) < 0) result.push(item);
    else result.push(named[next++]!);
  }
  return result;
}

function withoutDirectives(value: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    if (key === DIRECTIVE || key === RETAIN || key.startsWith(ORDER) || key.startsWith(DELETE_FROM)) continue;
    if (item === null) continue;
    result[key] = Array.isArray(item)
      ? item.map((each) => (isJsonObject(each) ? withoutDirectives(each) : each))
      : isJsonObject(item)
        ? withoutDirectives(item)
        : item;
  }
  return result;
}

function has(list: readonly Json[], item: Json): boolean {
  return list.some((each) => equalJson(each, item));
}
