import { invalid, notSupported, required, type FieldError } from '../../kube/field-error.ts';
import { draftOf, equalJson, isJsonObject, type ApiObject, type Json, type JsonObject } from '../api-object.ts';
import type { CustomDefinition } from '../resource-definition.ts';
import type { Schema } from '../schema/schema.ts';

/** Fills in the defaults that the schema names, in place. */
export function defaultCustom(draft: ApiObject, { schema }: CustomDefinition): void {
  if (schema !== undefined) applyDefaults(draft as unknown as JsonObject, schema as Schema);
}

function applyDefaults(value: Json, schema: Schema): void {
  if (Array.isArray(value)) {
    for (const item of value) applyDefaults(item, schema.items ?? {});
    return;
  }
  if (!isJsonObject(value)) return;
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (value[key] === null && property.nullable !== true && property.default !== undefined) delete value[key];
    if (value[key] === undefined && property.default !== undefined) value[key] = draftOf(property.default) as Json;
    if (value[key] !== undefined) applyDefaults(value[key], property);
  }
  if (typeof schema.additionalProperties !== 'object') return;
  for (const item of Object.values(value)) applyDefaults(item, schema.additionalProperties);
}

/** All violations of the structural schema by an object of a custom resource. */
export function validateCustom(object: ApiObject, { schema }: CustomDefinition): FieldError[] {
  if (schema === undefined) return [];
  const { metadata: _metadata, apiVersion: _apiVersion, kind: _kind, ...rest } = object;
  const { properties = {}, required: needed = [] } = schema as Schema;
  const own = (name: string): boolean => !['metadata', 'apiVersion', 'kind'].includes(name);
  const errors: FieldError[] = [];
  check(
    rest as JsonObject,
    {
      ...(schema as Schema),
      type: 'object',
      properties: Object.fromEntries(Object.entries(properties).filter(([name]) => own(name))),
      required: needed.filter(own),
    },
    '',
    errors,
  );
  return errors;
}

function check(value: Json, schema: Schema, path: string, errors: FieldError[]): void {
  if (value === null) {
    if (schema.nullable !== true && schema.type !== undefined) {
      errors.push(invalid(path, 'null', `${path} in body must be of type ${schema.type}: "null"`));
    }
    return;
  }
  if (!hasType(value, schema)) {
    const wanted = schema['x-kubernetes-int-or-string'] === true ? 'integer,string' : schema.type;
    errors.push({
      type: 'TypeInvalid',
      path,
      value: typeName(value),
      detail: `${path} in body must be of type ${wanted}: "${typeName(value)}"`,
    });
    return;
  }
  if (schema.enum !== undefined && !schema.enum.some((each) => equalJson(each, value))) {
    errors.push(notSupported(path, value, schema.enum.map(String)));
  }
  if (typeof value === 'string') checkString(value, schema, path, errors);
  else if (typeof value === 'number') checkNumber(value, schema, path, errors);
  else if (Array.isArray(value)) checkArray(value, schema, path, errors);
  else if (isJsonObject(value)) checkObject(value, schema, path, errors);
  checkCombined(value, schema, path, errors);
}

function hasType(value: Json, schema: Schema): boolean {
  if (schema['x-kubernetes-int-or-string'] === true) return typeof value === 'string' || Number.isInteger(value);
  switch (schema.type ?? '') {
    case 'string':
      return typeof value === 'string';
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number';
    case 'boolean':
      return typeof value === 'boolean';
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isJsonObject(value);
    default:
      return true;
  }
}

function typeName(value: Json): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value;
}

function checkString(value: string, schema: Schema, path: string, errors: FieldError[]): void {
  const { minLength, maxLength, pattern } = schema;
  // The schema counts characters, not UTF-16 units.
  const length = Array.from(value).length;
  if (minLength !== undefined && length < minLength) {
    errors.push(invalid(path, value, `${path} in body should be at least ${minLength} chars long`));
  }
  if (maxLength !== undefined && length > maxLength) {
    errors.push({ type: 'TooLong', path, detail: `may not be more than ${maxLength} bytes` });
  }
  if (pattern !== undefined && !new RegExp(pattern, 'u').test(value)) {
    errors.push(invalid(path, value, `${path} in body should match '${pattern}'`));
  }
}

function checkNumber(value: number, schema: Schema, path: string, errors: FieldError[]): void {
  const { minimum, maximum, multipleOf } = schema;
  if (minimum !== undefined && (schema.exclusiveMinimum === true ? value <= minimum : value < minimum)) {
    const bound = schema.exclusiveMinimum === true ? 'greater than' : 'greater than or equal to';
    errors.push(invalid(path, value, `${path} in body should be ${bound} ${minimum}`));
  }
  if (maximum !== undefined && (schema.exclusiveMaximum === true ? value >= maximum : value > maximum)) {
    const bound = schema.exclusiveMaximum === true ? 'less than' : 'less than or equal to';
    errors.push(invalid(path, value, `${path} in body should be ${bound} ${maximum}`));
  }
  if (multipleOf !== undefined && value % multipleOf !== 0) {
    errors.push(invalid(path, value, `${path} in body should be a multiple of ${multipleOf}`));
  }
}

function checkArray(value: readonly Json[], schema: Schema, path: string, errors: FieldError[]): void {
  const { minItems, maxItems, items } = schema;
  if (minItems !== undefined && value.length < minItems) {
    errors.push(invalid(path, value.length, `${path} in body should have at least ${minItems} items`));
  }
  if (maxItems !== undefined && value.length > maxItems) {
    errors.push({ type: 'TooMany', path, detail: `must have at most ${maxItems} items` });
  }
  checkDistinct(value, schema, path, errors);
  if (items === undefined) return;
  value.forEach((item, i) => check(item, items, `${path}[${i}]`, errors));
}

/** Lists that are sets, or maps by keys, hold nothing twice. */
function checkDistinct(value: readonly Json[], schema: Schema, path: string, errors: FieldError[]): void {
  const keys = schema['x-kubernetes-list-map-keys'];
  const kind = schema['x-kubernetes-list-type'];
  if (kind !== 'set' && kind !== 'map') return;
  const seen = new Set<string>();
  for (const [i, item] of value.entries()) {
    const identity =
      kind === 'map' && isJsonObject(item) ? Object.fromEntries((keys ?? []).map((key) => [key, item[key]])) : item;
    const text = JSON.stringify(identity);
    if (seen.has(text)) errors.push({ type: 'Duplicate', path: `${path}[${i}]`, value: identity, detail: '' });
    seen.add(text);
  }
}

function checkObject(value: JsonObject, schema: Schema, path: string, errors: FieldError[]): void {
  const prefix = path === '' ? '' : `${path}.`;
  for (const name of schema.required ?? []) {
    if (value[name] === undefined) errors.push(required(`${prefix}${name}`));
  }
  const { minProperties, maxProperties, properties = {}, additionalProperties } = schema;
  const count = Object.keys(value).length;
  if (minProperties !== undefined && count < minProperties) {
    errors.push(invalid(path, count, `${path} in body should have at least ${minProperties} properties`));
  }
  if (maxProperties !== undefined && count > maxProperties) {
    errors.push({ type: 'TooMany', path, detail: `must have at most ${maxProperties} items` });
  }
  for (const [key, item] of Object.entries(value)) {
    const field = Object.hasOwn(properties, key)
      ? properties[key]
      : typeof additionalProperties === 'object'
        ? additionalProperties
        : undefined;
    if (field !== undefined) check(item, field, `${prefix}${key}`, errors);
  }
}

function checkCombined(value: Json, schema: Schema, path: string, errors: FieldError[]): void {
  const accepts = (each: Schema): boolean => {
    const inner: FieldError[] = [];
    check(value, each, path, inner);
    return inner.length === 0;
  };
  for (const each of schema.allOf ?? []) check(value, each, path, errors);
  if (schema.anyOf !== undefined && !schema.anyOf.some(accepts)) {
    errors.push(invalid(path, value, `${path} in body must validate at least one schema (anyOf)`));
  }
  if (schema.oneOf !== undefined && schema.oneOf.filter(accepts).length !== 1) {
    errors.push(invalid(path, value, `${path} in body must validate one and only one schema (oneOf)`));
  }
  if (schema.not !== undefined && accepts(schema.not)) {
    errors.push(invalid(path, value, `${path} in body must not validate the schema (not)`));
  }
}
