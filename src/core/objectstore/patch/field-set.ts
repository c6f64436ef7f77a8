import { equalJson, isJsonObject, type Json, type JsonObject } from '../api-object.ts';
import { resolve, type Definitions, type Schema } from '../schema/schema.ts';
import { propertyOf } from './strategic-merge.ts';

/**
 * Fields that a manager owns, in the `FieldsV1` form of the API: `f:name` for a field, `k:{…}` for a list item by its keys,
 * `v:…` for an item of a set, `.` for the item itself. An empty object is a field owned as a whole.
 */
export interface FieldSet {
  [step: string]: FieldSet;
}

/** How server-side apply treats a value: field by field, item by item, or as a whole. */
type Treatment =
  | { readonly kind: 'fields'; readonly type: Schema | undefined }
  | { readonly kind: 'items'; readonly keys: readonly string[]; readonly items: Schema | undefined }
  | { readonly kind: 'set' }
  | { readonly kind: 'whole' };

function treatmentOf(value: Json | undefined, schema: Schema | undefined, definitions: Definitions): Treatment {
  const type = schema === undefined ? undefined : resolve(schema, definitions);
  if (Array.isArray(value)) {
    const kind = schema?.['x-kubernetes-list-type'];
    const keys = schema?.['x-kubernetes-list-map-keys'];
    if (kind === 'map' && keys !== undefined) return { kind: 'items', keys, items: schema?.items };
    return kind === 'set' ? { kind: 'set' } : { kind: 'whole' };
  }
  if (!isJsonObject(value) || type?.['x-kubernetes-map-type'] === 'atomic') return { kind: 'whole' };
  return { kind: 'fields', type };
}

/** The set of everything that `value` mentions. */
export function fieldSetOf(value: Json, schema: Schema | undefined, definitions: Definitions): FieldSet {
  const treatment = treatmentOf(value, schema, definitions);
  const set: FieldSet = {};
  switch (treatment.kind) {
    case 'fields':
      for (const [key, item] of Object.entries(value as JsonObject)) {
        set[`f:${key}`] = fieldSetOf(item, propertyOf(treatment.type, key), definitions);
      }
      return set;
    case 'items':
      for (const item of value as Json[]) {
        const step = itemStep(item, treatment.keys, treatment.items, definitions);
        set[step] = { '.': {}, ...fieldSetOf(item, treatment.items, definitions) };
      }
      return set;
    case 'set':
      for (const item of value as Json[]) set[`v:${JSON.stringify(item)}`] = {};
      return set;
    case 'whole':
      return set;
  }
}

/** Keys that an item leaves out count as what defaulting would make of them; `protocol` is the one in the API. */
const KEY_DEFAULTS: Readonly<Record<string, Json>> = { protocol: 'TCP' };

function itemStep(item: Json, keys: readonly string[], items: Schema | undefined, definitions: Definitions): string {
  const type = items === undefined ? undefined : resolve(items, definitions);
  const entries = keys.map((key) => {
    const given = isJsonObject(item) ? item[key] : undefined;
    return [key, given ?? (propertyOf(type, key)?.default as Json | undefined) ?? KEY_DEFAULTS[key] ?? null] as const;
  });
  return `k:${JSON.stringify(Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1))))}`;
}

/** `live` with everything in `applied` laid over it. */
export function mergeApplied(
  live: Json | undefined,
  applied: Json,
  schema: Schema | undefined,
  definitions: Definitions,
): Json {
  const treatment = treatmentOf(applied, schema, definitions);
  switch (treatment.kind) {
    case 'fields': {
      const result: JsonObject = isJsonObject(live) ? { ...live } : {};
      for (const [key, item] of Object.entries(applied as JsonObject)) {
        if (item === null) continue;
        result[key] = mergeApplied(result[key], item, propertyOf(treatment.type, key), definitions);
      }
      return result;
    }
    case 'items': {
      const stepOf = (item: Json): string => itemStep(item, treatment.keys, treatment.items, definitions);
      const result: Json[] = Array.isArray(live) ? [...live] : [];
      for (const item of applied as Json[]) {
        const at = result.findIndex((each) => stepOf(each) === stepOf(item));
        const merged = mergeApplied(result[at], item, treatment.items, definitions);
        if (at < 0) result.push(merged);
        else result[at] = merged;
      }
      return result;
    }
    case 'set': {
      const before = Array.isArray(live) ? live : [];
      return [...before, ...(applied as Json[]).filter((item) => !before.some((each) => equalJson(each, item)))];
    }
    case 'whole':
      return applied;
  }
}

/** `live` without the fields of `gone`. */
export function removeFields(live: Json, gone: FieldSet, schema: Schema | undefined, definitions: Definitions): Json {
  const treatment = treatmentOf(live, schema, definitions);
  switch (treatment.kind) {
    case 'fields': {
      const result: JsonObject = { ...(live as JsonObject) };
      for (const [step, inner] of Object.entries(gone)) {
        const key = step.slice(2);
        const value = result[key];
        if (!step.startsWith('f:') || value === undefined) continue;
        if (isLeaf(inner)) delete result[key];
        else result[key] = removeFields(value, inner, propertyOf(treatment.type, key), definitions);
      }
      return result;
    }
    case 'items':
      return (live as Json[]).flatMap((item) => {
        const inner = gone[itemStep(item, treatment.keys, treatment.items, definitions)];
        if (inner === undefined) return [item];
        return '.' in inner ? [] : [removeFields(item, inner, treatment.items, definitions)];
      });
    case 'set':
      return (live as Json[]).filter((item) => gone[`v:${JSON.stringify(item)}`] === undefined);
    case 'whole':
      return live;
  }
}

function isLeaf(set: FieldSet): boolean {
  return Object.keys(set).length === 0;
}

/** Fields of `a` that are not in `b`; a branch of which nothing is left goes with them. */
export function subtract(a: FieldSet, b: FieldSet): FieldSet {
  const result: FieldSet = {};
  for (const [step, inner] of Object.entries(a)) {
    const other = b[step];
    if (other === undefined) result[step] = inner;
    else if (!isLeaf(inner)) {
      const left = subtract(inner, other);
      if (!isLeaf(left)) result[step] = left;
    }
  }
  return result;
}

/** Fields of either. */
export function unite(a: FieldSet, b: FieldSet): FieldSet {
  const result: FieldSet = { ...a };
  for (const [step, inner] of Object.entries(b)) {
    result[step] = result[step] === undefined ? inner : unite(result[step], inner);
  }
  return result;
}

/** Leaves that both sets have, as paths such as `.spec.containers[name="x"].image`. */
export function sharedLeaves(a: FieldSet, b: FieldSet, path = ''): string[] {
  return Object.entries(a).flatMap(([step, inner]) => {
    const other = b[step];
    if (other === undefined || step === '.') return [];
    const at = `${path}${stepText(step)}`;
    return isLeaf(inner) || isLeaf(other) ? [at] : sharedLeaves(inner, other, at);
  });
}

function stepText(step: string): string {
  const rest = step.slice(2);
  if (step.startsWith('f:')) return `.${rest}`;
  if (step.startsWith('v:')) return `[=${rest}]`;
  const keys = JSON.parse(rest) as Record<string, Json>;
  return `[${Object.entries(keys)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(',')}]`;
}

/** Leaves of `set` whose values differ between two objects: what a write took hold of. */
export function changedFields(
  before: Json | undefined,
  after: Json,
  schema: Schema | undefined,
  definitions: Definitions,
): FieldSet {
  if (equalJson(before, after)) return {};
  const treatment = treatmentOf(after, schema, definitions);
  const result: FieldSet = {};
  const add = (step: string, was: Json | undefined, is: Json, inner: Schema | undefined): void => {
    if (equalJson(was, is)) return;
    const changed = changedFields(was, is, inner, definitions);
    result[step] = was === undefined ? fieldSetOf(is, inner, definitions) : changed;
  };
  if (treatment.kind === 'fields') {
    const old = isJsonObject(before) ? before : {};
    for (const [key, value] of Object.entries(after as JsonObject)) {
      add(`f:${key}`, old[key], value, propertyOf(treatment.type, key));
    }
  } else if (treatment.kind === 'items') {
    const stepOf = (item: Json): string => itemStep(item, treatment.keys, treatment.items, definitions);
    const old = new Map((Array.isArray(before) ? before : []).map((item) => [stepOf(item), item]));
    for (const item of after as Json[]) {
      const was = old.get(stepOf(item));
      add(stepOf(item), was, item, treatment.items);
      if (was === undefined) result[stepOf(item)] = { '.': {}, ...result[stepOf(item)] };
    }
  } else if (treatment.kind === 'set') {
    for (const item of after as Json[]) {
      if (!Array.isArray(before) || !before.some((each) => equalJson(each, item)))
        result[`v:${JSON.stringify(item)}`] = {};
    }
  }
  return result;
}
