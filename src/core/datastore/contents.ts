import { sha256 } from '../../base/sha256.ts';
import { layoutOf } from './layouts.ts';
import { MIGRATED_KINDS } from './migrated-kinds.ts';
import type { MigratedKind } from './migrated-kinds.ts';
import type { StoredMetadata, StoredObject } from './stored-object.ts';

/** Everything that a datastore has, by plural; a kind without objects may be absent. */
export type Contents = ReadonlyMap<string, readonly StoredObject[]>;

/** What is compared of a kind: how many objects and the hash of all of them. */
export interface Sum {
  readonly count: number;
  readonly sha256: string;
}

/** Counts and hashes by plural, of kinds that have objects. Equal contents have equal sums whichever datastore has them. */
export function sumsOf(contents: Contents): Readonly<Record<string, Sum>> {
  const sums = MIGRATED_KINDS.flatMap((kind) => {
    const lines = (contents.get(kind.plural) ?? []).map((object) => canonical(kind, object)).sort();
    return lines.length === 0
      ? []
      : [[kind.plural, { count: lines.length, sha256: sha256(lines.join('\n')) }] as const];
  });
  return Object.fromEntries(sums);
}

/** The object without what a datastore adds to it, as text in which equal objects are equal. */
export function canonical(kind: MigratedKind, object: StoredObject): string {
  return JSON.stringify(transferable(kind, object));
}

/**
 * The object as it is written into another datastore: who it is there, and its state, are not what it says. Keys are in
 * order, so that equal objects are equal as text.
 */
export function transferable(kind: MigratedKind, object: StoredObject): StoredObject {
  const layout = layoutOf(kind);
  const { apiVersion: _version, kind: _kind, status: _status, ...rest } = object;
  // Once through etcd's form, so that what one form says by leaving it out and the other does not is the same.
  const normal = layout.whole ? rest : layout.decode(layout.keyOf(rest), layout.encode(rest))!;
  return sorted({ ...normal, metadata: transferableMetadata(normal.metadata) });
}

/** Name in messages and for finding the same object elsewhere: `namespace/name`, or `name`. */
export function nameOf({ metadata: { name, namespace } }: StoredObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function transferableMetadata({ name, namespace, labels, annotations }: StoredMetadata): StoredMetadata {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(isEmpty(labels) ? {} : { labels: labels! }),
    ...(isEmpty(annotations) ? {} : { annotations: annotations! }),
  };
}

function isEmpty(record: object | undefined): boolean {
  return record === undefined || Object.keys(record).length === 0;
}

/** The same value with the keys of every object in order. */
export function sorted<T>(value: T): T {
  const text = JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
  return JSON.parse(text) as T;
}
