import { suggest } from '../../kube/suggest.ts';
import { resolve, type Definitions, type Schema } from './schema.ts';

/** An object on the way to an unknown field: its path ('' is the root) and its type. */
export interface Ancestor {
  readonly path: string;
  readonly schema: Schema;
}

/**
 * The field that was probably meant by the unknown `name` inside `owner`: one of the same object that is spelled alike,
 * one of an enclosing object (wrong indentation), or one of a directly contained object. Undefined when nothing is near.
 */
export function suggestField(
  name: string,
  owner: Ancestor,
  ancestors: readonly Ancestor[],
  definitions: Definitions,
): string | undefined {
  const sibling = suggest(name, Object.keys(owner.schema.properties ?? {}));
  if (sibling !== undefined) return join(owner.path, sibling);
  for (const ancestor of ancestors.toReversed()) {
    if (Object.hasOwn(ancestor.schema.properties ?? {}, name)) return join(ancestor.path, name);
  }
  for (const [key, property] of Object.entries(owner.schema.properties ?? {})) {
    const inner = resolve(property, definitions)?.properties;
    if (inner !== undefined && Object.hasOwn(inner, name)) return join(owner.path, `${key}.${name}`);
  }
  return undefined;
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
