/** The part of OpenAPI v3 schemas that Kubernetes' documents use. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly not?: Schema;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
  readonly 'x-kubernetes-patch-strategy'?: string;
  readonly 'x-kubernetes-patch-merge-key'?: string;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: string;
  readonly 'x-kubernetes-group-version-kind'?: readonly GroupVersionKind[];
}

/** The kind of an object as OpenAPI names it; the group of the core is empty. */
export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** Every type of the API by its full name, such as `io.k8s.api.core.v1.Pod`. */
export type Definitions = Readonly<Record<string, Schema>>;

/** How a reference inside a document begins. */
export const REF_PREFIX = '#/components/schemas/';

/** Full name of a type that a schema refers to, directly or wrapped in `allOf` beside a description. */
export function refOf(schema: Schema): string | undefined {
  const ref = schema.$ref ?? (schema.allOf?.length === 1 ? schema.allOf[0]!.$ref : undefined);
  return ref?.startsWith(REF_PREFIX) === true ? ref.slice(REF_PREFIX.length) : undefined;
}

/** The schema itself, or what it refers to; undefined when the reference dangles. */
export function resolve(schema: Schema, definitions: Definitions): Schema | undefined {
  const name = refOf(schema);
  return name === undefined ? schema : definitions[name];
}

/** The last part of a full type name: `io.k8s.api.core.v1.Pod` → `Pod`. */
export function shortName(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf('.') + 1);
}

/** All names that `roots` reach, themselves included. */
export function closure(roots: Iterable<string>, definitions: Definitions): Set<string> {
  const reached = new Set<string>();
  const pending = [...roots];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const schema = definitions[name];
    if (schema === undefined || reached.has(name)) continue;
    reached.add(name);
    collectRefs(schema, pending);
  }
  return reached;
}

function collectRefs(schema: Schema, into: string[]): void {
  const name = refOf(schema);
  if (name !== undefined) into.push(name);
  for (const property of Object.values(schema.properties ?? {})) collectRefs(property, into);
  if (schema.items !== undefined) collectRefs(schema.items, into);
  if (typeof schema.additionalProperties === 'object') collectRefs(schema.additionalProperties, into);
}
