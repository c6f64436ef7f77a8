import { suggest } from './suggest.ts';

/** The part of an OpenAPI v3 schema that field validation reads. */
export interface FieldSchema {
  readonly $ref?: string;
  readonly type?: string;
  readonly allOf?: readonly FieldSchema[];
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly items?: FieldSchema;
  readonly additionalProperties?: FieldSchema | boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
}

/** A field that the schema does not know. */
export interface UnknownField {
  /** With the field itself: `spec.policyType`. */
  readonly path: string;
  readonly name: string;
  /** Path of the known field that was probably meant: spelled alike beside it, or of that name one or more levels up. */
  readonly suggestion?: string;
}

const EMBEDDED = ['apiVersion', 'kind', 'metadata'];

/**
 * Every field of `value` that `schema` does not declare, in order of appearance. `resolve` turns a `$ref` into its
 * schema; whatever it does not know is not descended into. A schema without properties accepts everything.
 */
export function unknownFields(
  value: unknown,
  schema: FieldSchema,
  resolve: (ref: string) => FieldSchema | undefined,
): UnknownField[] {
  const found: UnknownField[] = [];
  walk(value, schema, '', []);
  return found;

  function walk(node: unknown, given: FieldSchema, path: string, above: readonly Owner[]): void {
    // Most of what there is to walk are scalars.
    if (typeof node !== 'object' || node === null) return;
    const at = { ...flatten(given, resolve), path };
    if (Array.isArray(node)) {
      if (at.items !== undefined)
        for (const [index, item] of node.entries()) walk(item, at.items, `${path}[${index}]`, above);
      return;
    }
    const owners = [...above, at];
    for (const [name, child] of Object.entries(node)) walkField(name, child, owners);
  }

  function walkField(name: string, child: unknown, owners: readonly Owner[]): void {
    const at = owners.at(-1)!;
    const known = Object.hasOwn(at.properties, name) ? at.properties[name] : undefined;
    if (known !== undefined) walk(child, known, join(at.path, name), owners);
    else if (at.rest !== undefined) walk(child, at.rest, `${at.path}[${name}]`, owners);
    else if (!at.open && !(at.embedded && EMBEDDED.includes(name))) {
      const suggestion = likelyField(name, owners);
      found.push({ path: join(at.path, name), name, ...(suggestion === undefined ? {} : { suggestion }) });
    }
  }
}

/** An object on the way to a field, innermost last. */
interface Owner extends Flat {
  readonly path: string;
}

/** Wrong spelling is likelier than wrong indentation. */
function likelyField(name: string, owners: readonly Owner[]): string | undefined {
  const owner = owners.at(-1)!;
  const sibling = suggest(name, Object.keys(owner.properties));
  if (sibling !== undefined) return join(owner.path, sibling);
  const outer = owners.toReversed().find((each) => Object.hasOwn(each.properties, name));
  return outer === undefined ? undefined : join(outer.path, name);
}

/** What a schema with all that it refers to says of one value. */
export interface Flat {
  /** Absent when it says nothing of the kind of value, or allows several. */
  readonly type: string | undefined;
  readonly properties: Readonly<Record<string, FieldSchema>>;
  readonly items: FieldSchema | undefined;
  /** Schema of the values of a map. */
  readonly rest: FieldSchema | undefined;
  /** Accepts fields that it does not declare. */
  readonly open: boolean;
  readonly embedded: boolean;
}

/** Schemas are the same objects for every document of a kind, so each is flattened once. */
const FLAT = new WeakMap<FieldSchema, Flat>();

/** The schema with all that it refers to, on one level. */
export function flatten(schema: FieldSchema, resolve: (ref: string) => FieldSchema | undefined): Flat {
  const known = FLAT.get(schema);
  if (known !== undefined) return known;
  const flat = flattenAnew(schema, resolve);
  FLAT.set(schema, flat);
  return flat;
}

function flattenAnew(schema: FieldSchema, resolve: (ref: string) => FieldSchema | undefined): Flat {
  const parts = collect(schema, resolve, []);
  const properties = Object.assign({}, ...parts.map((part) => part.properties ?? {})) as Record<string, FieldSchema>;
  const additional = parts.map((part) => part.additionalProperties).find((each) => each !== undefined);
  const declared = parts.some((part) => part.properties !== undefined) || additional === false;
  const preserves = parts.some((part) => part['x-kubernetes-preserve-unknown-fields'] === true);
  return {
    type: parts.map((part) => part.type).find((each) => each !== undefined),
    properties,
    items: parts.map((part) => part.items).find((each) => each !== undefined),
    rest: typeof additional === 'object' ? additional : undefined,
    open: preserves || additional === true || !declared,
    embedded: parts.some((part) => part['x-kubernetes-embedded-resource'] === true),
  };
}

function collect(
  schema: FieldSchema,
  resolve: (ref: string) => FieldSchema | undefined,
  seen: readonly string[],
): FieldSchema[] {
  const parts = [schema, ...(schema.allOf ?? []).flatMap((each) => collect(each, resolve, seen))];
  if (schema.$ref === undefined || seen.includes(schema.$ref)) return parts;
  const target = resolve(schema.$ref);
  return target === undefined ? parts : [...parts, ...collect(target, resolve, [...seen, schema.$ref])];
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
