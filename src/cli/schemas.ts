import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SchemaCatalogue } from '../core/kube/check-manifest.ts';
import { policyKindSchemas } from '../core/kube/schemas/catalogue.ts';
import { readDeclarations } from '../core/objectstore/schema/read-declarations.ts';
import { REF_PREFIX } from '../core/objectstore/schema/schema.ts';
import type { Definitions, Schema } from '../core/objectstore/schema/schema.ts';

const PACKAGE = fileURLToPath(new URL('../../node_modules/kubernetes-types/', import.meta.url));
const GENERATED = fileURLToPath(new URL('../../build/openapi/definitions.json', import.meta.url));

/**
 * The types of built-in kinds and of those that policy adds. Types are read one by one when they are asked for, since all
 * of them together cost more than checking a few policies does.
 */
export function manifestSchemas(): SchemaCatalogue {
  const files = new Map<string, TypeFile>();
  const types = new Map<string, Schema | undefined>();
  const find = (name: string): Schema | undefined => {
    if (types.has(name)) return types.get(name);
    const path = pathOf(name);
    const file = path === undefined ? undefined : (files.get(path) ?? openFile(path));
    if (path !== undefined && file !== undefined) files.set(path, file);
    const found = file?.(name);
    types.set(name, found);
    return found;
  };
  return {
    ofKind: (apiVersion, kind) => {
      const custom = policyKindSchemas.ofKind(apiVersion, kind);
      if (custom !== undefined) return custom;
      const path = apiVersion.includes('/') ? apiVersion.replace('.k8s.io', '') : `core/${apiVersion}`;
      return find(`io.k8s.api.${path.replaceAll('/', '.')}.${kind}`);
    },
    resolve: (ref) => (ref.startsWith(REF_PREFIX) ? find(ref.slice(REF_PREFIX.length)) : undefined),
  };
}

/** Reads a type by its full name. */
type TypeFile = (name: string) => Schema | undefined;

/** The declaration file that a type stands in: `io.k8s.api.networking.v1.NetworkPolicy` → `networking/v1`. */
function pathOf(name: string): string | undefined {
  const own = /^io\.k8s\.api\.([a-z0-9]+)\.(v\w+)\.\w+$/.exec(name);
  if (own !== null) return `${own[1]}/${own[2]}`;
  return name.startsWith('io.k8s.apimachinery.pkg.apis.meta.v1.') ? 'meta/v1' : undefined;
}

function openFile(path: string): TypeFile | undefined {
  const file = `${PACKAGE}${path}.d.ts`;
  if (existsSync(file)) return declarationFile(path, readFileSync(file, 'utf8'));
  if (!existsSync(GENERATED)) return undefined;
  // Installations without the package have what the build made of it.
  const definitions = JSON.parse(readFileSync(GENERATED, 'utf8')) as Definitions;
  return (name) => definitions[name];
}

/** The declarations are cut out of the text, each with the imports of its file above. */
function declarationFile(path: string, text: string): TypeFile {
  const imports = text.slice(0, Math.max(text.search(/^(?:\/\*\*|export )/mu), 0));
  return (name) => {
    const short = name.slice(name.lastIndexOf('.') + 1);
    const start = text.indexOf(`\nexport interface ${short} {\n`);
    if (start < 0) return readDeclarations(path, text)[name];
    const end = text.indexOf('\n}\n', start);
    return readDeclarations(path, imports + text.slice(start, end < 0 ? text.length : end + 3))[name];
  };
}
