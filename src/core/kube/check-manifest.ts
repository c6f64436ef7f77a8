import { formatFieldError } from './field-error.ts';
import { identityProblem } from './identity.ts';
import { unknownFields } from './unknown-fields.ts';
import type { FieldSchema } from './unknown-fields.ts';
import { validateObject } from './validate/validate-object.ts';
import { wrongTypes } from './wrong-types.ts';
import type { LoadIssue, Manifest } from './yaml.ts';

/** Schemas of the kinds; a kind without one has its fields' names unchecked. */
export interface SchemaCatalogue {
  ofKind(apiVersion: string, kind: string): FieldSchema | undefined;
  resolve(ref: string): FieldSchema | undefined;
}

/**
 * Everything wrong with a manifest, in the order of the file, each with its place: identity, unknown fields with what was
 * probably meant, values of another type than the field's, and what the API server would refuse.
 */
export function checkManifest(manifest: Manifest, schemas?: SchemaCatalogue): LoadIssue[] {
  const { object } = manifest;
  const at = (path: string, message: string): LoadIssue => ({ ...manifest.locate(path), message });
  const identity = identityProblem(object);
  if (identity !== undefined) return [at(identity.path, identity.message)];
  const schema = schemas?.ofKind(String(object['apiVersion']), String(object['kind']));
  if (schemas !== undefined && isToolSettings(object, schema)) return [];
  const unknown = schema === undefined ? [] : unknownFields(object, schema, (ref) => schemas?.resolve(ref));
  const refused = validateObject(object);
  const paths = new Set(refused.map(({ path }) => path));
  const types = schema === undefined ? [] : wrongTypes(object, schema, (ref) => schemas?.resolve(ref));
  const issues = [
    ...types.filter(({ path }) => !paths.has(path)).map(({ path, message }) => at(path, `${path}: ${message}`)),
    ...unknown.map(({ path, suggestion }) =>
      at(path, `unknown field "${path}"${suggestion === undefined ? '' : `; did you mean "${suggestion}"?`}`),
    ),
    ...refused.map((error) => at(error.path, formatFieldError(error))),
  ];
  return issues.sort((a, b) => a.line - b.line || a.column - b.column);
}

/** Settings of tools, such as a Kustomization, look like objects and are none: no schema has the kind, and they have no metadata. */
export function isToolSettings(object: Readonly<Record<string, unknown>>, schema: FieldSchema | undefined): boolean {
  return schema === undefined && object['metadata'] === undefined;
}

/** The issue as compilers print theirs: `policy.yaml:12:5: message`. */
export function formatLoadIssue({ file, line, column, message }: LoadIssue): string {
  return `${file}:${line}:${column}: ${message}`;
}
