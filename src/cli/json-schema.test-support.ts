/** A JSON schema, of which {@link schemaProblems} reads the keywords that Sluice's own schemas use. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What is wrong with `value` by `schema`, a line each with its path. Throws on a keyword that it does not know. */
export function schemaProblems(value: unknown, schema: JsonSchema, root: JsonSchema = schema, path = '$'): string[] {
  return Object.entries(schema).flatMap(([keyword, argument]) => {
    if (ANNOTATIONS.includes(keyword)) return [];
    const check = CHECKS[keyword];
    if (check === undefined) throw new Error(`schema keyword ${keyword} is not known`);
    return check({ value, argument, schema, root, path });
  });
}

const ANNOTATIONS = ['$schema', '$id', '$defs', 'title', 'description', 'default', 'examples'];

interface Check {
  readonly value: unknown;
  readonly argument: unknown;
  readonly schema: JsonSchema;
  readonly root: JsonSchema;
  readonly path: string;
}

const CHECKS: Readonly<Record<string, (check: Check) => string[]>> = {
  $ref: ({ value, argument, root, path }) => schemaProblems(value, resolve(String(argument), root), root, path),
  type: ({ value, argument, path }) =>
    say(
      ([] as unknown[]).concat(argument).some((type) => isOf(value, String(type))),
      path,
      `is no ${String(argument)}`,
    ),
  enum: ({ value, argument, path }) => say((argument as unknown[]).includes(value), path, 'is none of the values'),
  const: ({ value, argument, path }) => say(value === argument, path, `is not ${String(argument)}`),
  pattern: ({ value, argument, path }) =>
    say(
      typeof value !== 'string' || new RegExp(String(argument), 'u').test(value),
      path,
      `does not match ${String(argument)}`,
    ),
  minLength: ({ value, argument, path }) =>
    say(typeof value !== 'string' || value.length >= Number(argument), path, 'is too short'),
  minimum: ({ value, argument, path }) =>
    say(typeof value !== 'number' || value >= Number(argument), path, 'is too small'),
  maximum: ({ value, argument, path }) =>
    say(typeof value !== 'number' || value <= Number(argument), path, 'is too large'),
  minItems: ({ value, argument, path }) =>
    say(!Array.isArray(value) || value.length >= Number(argument), path, 'has too few items'),
  minProperties: ({ value, argument, path }) =>
    say(!isRecord(value) || Object.keys(value).length >= Number(argument), path, 'has too few fields'),
  required: ({ value, argument, path }) =>
    isRecord(value)
      ? (argument as string[]).filter((name) => !(name in value)).map((name) => `${path} lacks ${name}`)
      : [],
  properties: ({ value, argument, root, path }) =>
    isRecord(value)
      ? Object.entries(argument as Record<string, JsonSchema>).flatMap(([name, each]) =>
          name in value ? schemaProblems(value[name], each, root, `${path}.${name}`) : [],
        )
      : [],
  additionalProperties: ({ value, argument, schema, root, path }) => {
    if (!isRecord(value)) return [];
    const known = Object.keys((schema['properties'] ?? {}) as object);
    const rest = Object.keys(value).filter((name) => !known.includes(name));
    if (argument === false) return rest.map((name) => `${path} has the unknown field ${name}`);
    return rest.flatMap((name) => schemaProblems(value[name], argument as JsonSchema, root, `${path}.${name}`));
  },
  items: ({ value, argument, root, path }) =>
    Array.isArray(value)
      ? value.flatMap((each, index) => schemaProblems(each, argument as JsonSchema, root, `${path}[${index}]`))
      : [],
  anyOf: ({ value, argument, root, path }) => {
    const tries = (argument as JsonSchema[]).map((each) => schemaProblems(value, each, root, path));
    return tries.some((problems) => problems.length === 0) ? [] : tries.flat();
  },
  oneOf: ({ value, argument, root, path }) => {
    const fitting = (argument as JsonSchema[]).filter((each) => schemaProblems(value, each, root, path).length === 0);
    return say(fitting.length === 1, path, `fits ${fitting.length} of the alternatives`);
  },
  not: ({ value, argument, root, path }) =>
    say(schemaProblems(value, argument as JsonSchema, root, path).length > 0, path, 'is what it must not be'),
};

function resolve(ref: string, root: JsonSchema): JsonSchema {
  const found = ref
    .replace(/^#\//u, '')
    .split('/')
    .reduce<unknown>((node, name) => (isRecord(node) ? node[name] : undefined), root);
  if (!isRecord(found)) throw new Error(`schema has no ${ref}`);
  return found;
}

function isOf(value: unknown, type: string): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isRecord(value);
  if (type === 'null') return value === null;
  return type === 'integer' ? Number.isInteger(value) : typeof value === type;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function say(holds: boolean, path: string, problem: string): string[] {
  return holds ? [] : [`${path} ${problem}`];
}
