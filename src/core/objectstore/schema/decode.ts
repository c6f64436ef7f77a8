import { isJsonObject, type Json } from '../api-object.ts';
import { refOf, shortName, type Definitions, type Schema } from './schema.ts';
import { suggestField, type Ancestor } from './suggest-field.ts';

/** What came of reading untyped JSON as a type of the API. */
export interface Decoded {
  /** The value with unknown fields and nulls left out. */
  readonly value: Json;
  /** Each as `unknown field "spec.x"`, with a suggestion when there is a likely one. */
  readonly unknownFields: readonly string[];
  /** The first value of the wrong type, in the words of Go's decoder; nothing can be stored then. */
  readonly typeError: string | undefined;
}

/**
 * Reads `value` as the type that `schema` describes, the way the real server's typed decoder does: nulls and empty
 * optional collections count as absent, unknown fields are reported and dropped, wrong types are an error.
 */
export function decode(value: Json, schema: Schema, definitions: Definitions): Decoded {
  const reading: Reading = { definitions, unknownFields: [], typeError: undefined, ancestors: [] };
  const result = read(value, schema, '', '', reading);
  return { value: result ?? {}, unknownFields: reading.unknownFields, typeError: reading.typeError };
}

interface Reading {
  readonly definitions: Definitions;
  readonly unknownFields: string[];
  typeError: string | undefined;
  /** The objects that contain the current one, outermost first. */
  readonly ancestors: Ancestor[];
}

/** `struct` is the Go field that holds the value, such as `NetworkPolicySpec.spec.ingress`. */
function read(value: Json, schema: Schema, path: string, struct: string, reading: Reading): Json | undefined {
  if (value === null) return undefined;
  const reference = refOf(schema);
  const target = reference === undefined ? schema : reading.definitions[reference];
  if (target === undefined) return value;
  const wrong = (): undefined => {
    reading.typeError ??= `json: cannot unmarshal ${jsonKind(value)} into Go ${struct === '' ? 'value' : `struct field ${struct}`} of type ${goType(schema, reading.definitions)}`;
    return undefined;
  };
  if (target.oneOf !== undefined) return readUnion(value, target, reference, wrong);
  switch (target.type ?? '') {
    case 'object':
      if (!isJsonObject(value)) return wrong();
      return target.additionalProperties !== undefined
        ? readMap(value, target.additionalProperties, path, struct, reading)
        : readStruct(value, target, path, nameOf(target, reference), reading);
    case 'array':
      if (!Array.isArray(value)) return wrong();
      return value.map(
        (item, i) => read(item, target.items ?? {}, `${path}[${i}]`, struct, reading) ?? emptyOf(target.items),
      );
    case 'string':
      if (typeof value !== 'string') return wrong();
      return readString(value, target, reading);
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value) && fits(value, target.format) ? value : wrong();
    case 'number':
      return typeof value === 'number' ? value : wrong();
    case 'boolean':
      return typeof value === 'boolean' ? value : wrong();
    default:
      return value;
  }
}

/** The root is known by its kind, everything else by the name it is referred to. */
function nameOf(schema: Schema, reference: string | undefined): string {
  return reference === undefined ? (schema['x-kubernetes-group-version-kind']?.[0]?.kind ?? '') : shortName(reference);
}

function readStruct(
  value: { [key: string]: Json },
  schema: Schema,
  path: string,
  name: string,
  reading: Reading,
): Json {
  const properties = schema.properties;
  if (properties === undefined) return value;
  const result: Record<string, Json> = {};
  const plainPath = path.replaceAll(/\[[^\]]*\]/g, '');
  for (const [key, item] of Object.entries(value)) {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    const at = path === '' ? key : `${path}.${key}`;
    if (property === undefined) {
      const suggestion = suggestField(key, { path, schema }, reading.ancestors, reading.definitions);
      const hint = suggestion === undefined ? '' : ` (did you mean "${suggestion}"?)`;
      reading.unknownFields.push(`unknown field "${at}"${hint}`);
      continue;
    }
    reading.ancestors.push({ path, schema });
    const struct = `${name}.${plainPath === '' ? key : `${plainPath}.${key}`}`;
    const decoded = read(item, property, at, struct, reading);
    reading.ancestors.pop();
    if (decoded === undefined) continue;
    if (isEmptyCollection(decoded, property) && schema.required?.includes(key) !== true) continue;
    result[key] = decoded;
  }
  return result;
}

/** Go's `omitempty`: an empty list or map of an optional field is not stored; an empty struct is. */
function isEmptyCollection(value: Json, schema: Schema): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return schema.additionalProperties !== undefined && isJsonObject(value) && Object.keys(value).length === 0;
}

function readMap(
  value: { [key: string]: Json },
  items: Schema | boolean,
  path: string,
  struct: string,
  reading: Reading,
): Json {
  const result: Record<string, Json> = {};
  for (const [key, item] of Object.entries(value)) {
    const schema = typeof items === 'boolean' ? {} : items;
    const decoded = read(item, schema, `${path}.${key}`, struct, reading) ?? emptyOf(schema);
    Object.defineProperty(result, key, { value: decoded, enumerable: true, configurable: true, writable: true });
  }
  return result;
}

function readUnion(
  value: Json,
  schema: Schema,
  reference: string | undefined,
  wrong: () => undefined,
): Json | undefined {
  if (schema.format === 'int-or-string') {
    return typeof value === 'string' || (typeof value === 'number' && Number.isInteger(value)) ? value : wrong();
  }
  if (reference?.endsWith('.Quantity') === true) {
    return typeof value === 'number' ? String(value) : typeof value === 'string' ? value : wrong();
  }
  return value;
}

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function readString(value: string, schema: Schema, reading: Reading): Json | undefined {
  if (schema.format === 'date-time' && !RFC_3339.test(value)) {
    reading.typeError ??= `parsing time ${JSON.stringify(value)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(value)}`;
    return undefined;
  }
  if (schema.format === 'byte' && !BASE64.test(value.replaceAll(/[\r\n]/g, ''))) {
    const at = value.search(/[^A-Za-z0-9+/\r\n]/);
    reading.typeError ??= `illegal base64 data at input byte ${at < 0 ? value.length - (value.length % 4) : at}`;
    return undefined;
  }
  return value;
}

function fits(value: number, format: string | undefined): boolean {
  return format === 'int64' ? Number.isSafeInteger(value) : value >= -0x80000000 && value <= 0x7fffffff;
}

/** What Go makes of a null inside a list or map: the zero value. */
function emptyOf(schema: Schema | undefined): Json {
  switch (schema?.type ?? '') {
    case 'string':
      return '';
    case 'integer':
    case 'number':
      return 0;
    case 'boolean':
      return false;
    case 'array':
      return [];
    default:
      return {};
  }
}

function jsonKind(value: Json): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'number' : `number ${value}`;
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function goType(schema: Schema, definitions: Definitions): string {
  const reference = refOf(schema);
  if (reference !== undefined) {
    const target = definitions[reference];
    if (target?.type === 'string') return 'string';
    const parts = reference.split('.');
    return `${parts.at(-2)}.${parts.at(-1)}`;
  }
  switch (schema.type ?? '') {
    case 'array':
      return `[]${goType(schema.items ?? {}, definitions)}`;
    case 'object':
      return typeof schema.additionalProperties === 'object'
        ? `map[string]${goType(schema.additionalProperties, definitions)}`
        : 'map[string]interface {}';
    case 'integer':
      return schema.format ?? 'int32';
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
    default:
      return 'string';
  }
}
