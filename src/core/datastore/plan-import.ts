import { canonical, nameOf } from './contents.ts';
import type { Contents } from './contents.ts';
import { MIGRATED_KINDS } from './migrated-kinds.ts';
import type { MigratedKind } from './migrated-kinds.ts';
import type { StoredObject } from './stored-object.ts';

/** What is to be done that a datastore has what a file has. */
export interface ImportPlan {
  /** In the order of writing. */
  readonly create: readonly { readonly kind: MigratedKind; readonly object: StoredObject }[];
  /** Already there as the file has them: an import that was interrupted goes on where it was. */
  readonly present: number;
  /** In both, and not the same: `kind namespace/name`. */
  readonly different: readonly string[];
  /** In the datastore only. */
  readonly foreign: readonly string[];
}

/** Compares a file with the datastore into which it is to go. Nothing must be written unless `different` and `foreign` are empty. */
export function planImport(file: Contents, datastore: Contents): ImportPlan {
  const create: { kind: MigratedKind; object: StoredObject }[] = [];
  const different: string[] = [];
  const foreign: string[] = [];
  let present = 0;
  for (const kind of MIGRATED_KINDS) {
    const there = new Map(
      (datastore.get(kind.plural) ?? []).map((object) => [nameOf(object), canonical(kind, object)]),
    );
    for (const object of file.get(kind.plural) ?? []) {
      const name = nameOf(object);
      const found = there.get(name);
      there.delete(name);
      if (found === undefined) create.push({ kind, object });
      else if (found === canonical(kind, object)) present++;
      else different.push(`${kind.kind} ${name}`);
    }
    for (const name of there.keys()) foreign.push(`${kind.kind} ${name}`);
  }
  return { create, present, different, foreign };
}
