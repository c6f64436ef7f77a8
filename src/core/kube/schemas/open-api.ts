/** A structural schema, as CustomResourceDefinitions have it: OpenAPI v3 without references. */
export interface OpenApiSchema {
  readonly description?: string;
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly format?: string;
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: OpenApiSchema;
  readonly items?: OpenApiSchema;
  readonly enum?: readonly (string | number)[];
  readonly default?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly 'x-kubernetes-int-or-string'?: true;
  readonly 'x-kubernetes-preserve-unknown-fields'?: true;
}

type Extra = Omit<OpenApiSchema, 'type' | 'properties' | 'items' | 'description'>;

/** An object with these fields and no others. */
export function object(
  properties: Readonly<Record<string, OpenApiSchema>>,
  description?: string,
  extra: Extra = {},
): OpenApiSchema {
  return described({ type: 'object', properties, ...extra }, description);
}

/** A list. */
export function list(items: OpenApiSchema, description?: string, extra: Extra = {}): OpenApiSchema {
  return described({ type: 'array', items, ...extra }, description);
}

/** Text. */
export function text(description?: string, extra: Extra = {}): OpenApiSchema {
  return described({ type: 'string', ...extra }, description);
}

/** One of a few texts. */
export function choice(values: readonly string[], description?: string): OpenApiSchema {
  return described({ type: 'string', enum: values }, description);
}

/** A whole number in a range. */
export function integer(minimum: number, maximum: number, description?: string): OpenApiSchema {
  return described({ type: 'integer', minimum, maximum }, description);
}

/** Any number. */
export function number(description?: string): OpenApiSchema {
  return described({ type: 'number' }, description);
}

/** True or false. */
export function flag(description?: string): OpenApiSchema {
  return described({ type: 'boolean' }, description);
}

/** A number or a text. */
export function intOrString(description?: string): OpenApiSchema {
  return described({ 'x-kubernetes-int-or-string': true }, description);
}

/** Texts by free keys. */
export function textMap(description?: string): OpenApiSchema {
  return described({ type: 'object', additionalProperties: { type: 'string' } }, description);
}

/** `metav1.LabelSelector`. */
export function labelSelector(description?: string): OpenApiSchema {
  const expression = object(
    { key: text(), operator: choice(['In', 'NotIn', 'Exists', 'DoesNotExist']), values: list(text()) },
    undefined,
    { required: ['key', 'operator'] },
  );
  return object({ matchLabels: textMap(), matchExpressions: list(expression) }, description);
}

function described(schema: OpenApiSchema, description: string | undefined): OpenApiSchema {
  return description === undefined ? schema : { description, ...schema };
}
