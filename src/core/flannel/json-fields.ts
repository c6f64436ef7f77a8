/** The members of a JSON object by their names in lower case: Go, which reads flannel's files, does not tell case apart. */
export type JsonFields = ReadonlyMap<string, unknown>;

/** The members of a JSON text; undefined when it is no object. */
export function parseFields(text: string): JsonFields | undefined {
  try {
    return fieldsOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The members of a value; undefined when it is no object. */
export function fieldsOf(value: unknown): JsonFields | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return new Map(Object.entries(value).map(([name, member]) => [name.toLowerCase(), member]));
}
