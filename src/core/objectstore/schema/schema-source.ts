import type { Definitions, Schema } from './schema.ts';

/** Where the types of built-in resources come from. */
export interface SchemaSource {
  readonly definitions: Definitions;
  /** The type of a kind, undefined when the source has none. */
  readonly ofKind: (group: string, version: string, kind: string) => Schema | undefined;
}

/** A source over definitions that carry `x-kubernetes-group-version-kind`. */
export function schemaSource(definitions: Definitions): SchemaSource {
  const kinds = new Map<string, Schema>();
  for (const schema of Object.values(definitions)) {
    for (const { group, version, kind } of schema['x-kubernetes-group-version-kind'] ?? []) {
      kinds.set(`${group}/${version}/${kind}`, schema);
    }
  }
  return { definitions, ofKind: (group, version, kind) => kinds.get(`${group}/${version}/${kind}`) };
}

/** Full name of the type of every object's metadata. */
export const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
