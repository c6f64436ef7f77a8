import { suggest } from './suggest.ts';

/** The part of an OpenAPI v3 schema that field validation reads. */
export interface FieldSchema {
  readonly $ref?: string;
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
  /** The known field that was probably meant. */
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
  walk(value, schema, '');
  return found;

  function walk(node: unknown, given: FieldSchema, path: string): void {
    const at = flatten(given, resolve);
    if (Array.isArray(node)) {
      if (at.items !== undefined) for (const [index, item] of node.entries()) walk(item, at.items, `${path}[${index}]`);
      return;
    }
    if (typeof node !== 'object' || node === null) return;
    for (const [name, child] of Object.entries(node)) walkField(name, child, at, path);
  }

  function walkField(name: string, child: unknown, at: Flat, path: string): void {
    const known = Object.hasOwn(at.properties, name) ? at.properties[name] : undefined;
    if (known !== undefined) walk(child, known, join(path, name));
    else if (at.rest !== undefined) walk(child, at.rest, `${path}[${name}]`);
    else if (!at.open && !(at.embedded && EMBEDDED.includes(name))) {
      const suggestion = suggest(name, Object.keys(at.properties));
      found.push({ path: join(path, name), name, ...(suggestion === undefined ? {} : { suggestion }) });
    }
  }
}

interface Flat {
  readonly properties: Readonly<Record<string, FieldSchema>>;
  readonly items: FieldSchema | undefined;
  /** Schema of the values of a map. */
  readonly rest: FieldSchema | undefined;
  /** Accepts fields that it does not declare. */
  readonly open: boolean;
  readonly embedded: boolean;
}

function flatten(schema: FieldSchema, resolve: (ref: string) => FieldSchema | undefined): Flat {
  const parts = collect(schema, resolve, []);
  const properties = Object.assign({}, ...parts.map((part) => part.properties ?? {})) as Record<string, FieldSchema>;
  const additional = parts.map((part) => part.additionalProperties).find((each) => each !== undefined);
  const declared = parts.some((part) => part.properties !== undefined) || additional === false;
  const preserves = parts.some((part) => part['x-kubernetes-preserve-unknown-fields'] === true);
  return {
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
