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
 * The types of built-in kinds and of those that policy adds. Only the API groups that are asked for are read, since all of them together cost more than
 * checking a few policies does.
 */
export function manifestSchemas(): SchemaCatalogue {
  const groups = new Map<string, Definitions>();
  const group = (path: string): Definitions => {
    const known = groups.get(path);
    if (known !== undefined) return known;
    const definitions = readGroup(path);
    groups.set(path, definitions);
    return definitions;
  };
  const find = (name: string): Schema | undefined => {
    const path = pathOf(name);
    return path === undefined ? undefined : group(path)[name];
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

/** The declaration file that a type stands in: `io.k8s.api.networking.v1.NetworkPolicy` → `networking/v1`. */
function pathOf(name: string): string | undefined {
  const own = /^io\.k8s\.api\.([a-z0-9]+)\.(v\w+)\.\w+$/.exec(name);
  if (own !== null) return `${own[1]}/${own[2]}`;
  return name.startsWith('io.k8s.apimachinery.pkg.apis.meta.v1.') ? 'meta/v1' : undefined;
}

function readGroup(path: string): Definitions {
  const file = `${PACKAGE}${path}.d.ts`;
  if (existsSync(file)) return readDeclarations(path, readFileSync(file, 'utf8'));
  // Installations without the package have what the build made of it.
  return existsSync(GENERATED) ? (JSON.parse(readFileSync(GENERATED, 'utf8')) as Definitions) : {};
}
