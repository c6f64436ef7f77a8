import { flatten } from './unknown-fields.ts';
import type { FieldSchema } from './unknown-fields.ts';

/** A value that is of another type than its field. */
export interface WrongType {
  /** `spec.containers[0].image`. */
  readonly path: string;
  readonly message: string;
  /** The value is a number or truth value, and text with the same characters would be right. */
  readonly quotable: boolean;
}

/** What the types of OpenAPI are called in messages, and which values have them. */
const TYPES: Readonly<Record<string, { readonly name: string; readonly holds: (value: unknown) => boolean }>> = {
  object: { name: 'an object', holds: (value) => typeof value === 'object' && !Array.isArray(value) },
  array: { name: 'a list', holds: Array.isArray },
  string: { name: 'text; put it in quotes', holds: (value) => typeof value === 'string' },
  boolean: { name: 'true or false', holds: (value) => typeof value === 'boolean' },
  integer: { name: 'a whole number', holds: Number.isInteger },
  number: { name: 'a number', holds: (value) => typeof value === 'number' },
};

/**
 * Every value that is of another type than `schema` says, in order of appearance; what is inside such a value is not looked
 * at. A field that is null counts as absent, as in the API; an item of a list must not be.
 */
export function wrongTypes(
  value: unknown,
  schema: FieldSchema,
  resolve: (ref: string) => FieldSchema | undefined,
): WrongType[] {
  const found: WrongType[] = [];
  walk(value, schema, '');
  return found;

  function walk(node: unknown, given: FieldSchema, path: string): void {
    if (node === null || node === undefined) return;
    const at = flatten(given, resolve);
    const type = at.type === undefined ? undefined : TYPES[at.type];
    if (type !== undefined && !type.holds(node)) {
      const isScalar = typeof node !== 'object';
      const name = at.type === 'string' && !isScalar ? 'text' : type.name;
      const message = `must be ${name}${isScalar ? ` (it is ${JSON.stringify(node)})` : ''}`;
      found.push({ path, message, quotable: isScalar && at.type === 'string' });
    } else if (Array.isArray(node)) {
      if (at.items !== undefined)
        for (const [index, item] of node.entries()) walkItem(item, at.items, `${path}[${index}]`);
    } else if (typeof node === 'object') {
      for (const [name, child] of Object.entries(node)) {
        const known = Object.hasOwn(at.properties, name) ? at.properties[name] : undefined;
        if (known !== undefined) walk(child, known, path === '' ? name : `${path}.${name}`);
        else if (at.rest !== undefined) walk(child, at.rest, `${path}[${name}]`);
      }
    }
  }

  function walkItem(item: unknown, schema: FieldSchema, path: string): void {
    if (item === null) found.push({ path, message: 'must not be empty', quotable: false });
    else walk(item, schema, path);
  }
}
