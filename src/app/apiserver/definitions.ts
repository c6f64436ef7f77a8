import { existsSync, globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SluiceError } from '../../base/errors.ts';
import { EXTRA_DEFINITIONS, readDeclarations, type Definitions } from '../../core/objectstore/index.ts';

/** Where `scripts/openapi.ts` leaves the generated types for installations without the npm package. */
export const DEFINITIONS_FILE = fileURLToPath(new URL('../../../build/openapi/definitions.json', import.meta.url));

const PACKAGE = fileURLToPath(new URL('../../../node_modules/kubernetes-types/', import.meta.url));

/**
 * The types of the built-in resources: read from the `kubernetes-types` package (about 30 ms), or from the file that the
 * build made of it where the package is not installed.
 */
export function loadDefinitions(): Definitions {
  if (existsSync(PACKAGE)) return readPackage(PACKAGE);
  if (existsSync(DEFINITIONS_FILE)) return JSON.parse(readFileSync(DEFINITIONS_FILE, 'utf8')) as Definitions;
  throw new SluiceError(
    'definitions-missing',
    `no Kubernetes types: neither ${PACKAGE} nor ${DEFINITIONS_FILE} exists; run npm ci`,
  );
}

/** Reads every declaration file of the package at `root` (with a trailing slash). */
export function readPackage(root: string): Definitions {
  const definitions: Record<string, Definitions[string]> = { ...EXTRA_DEFINITIONS };
  for (const file of globSync('**/*.d.ts', { cwd: root }).sort()) {
    Object.assign(definitions, readDeclarations(file.replace(/\.d\.ts$/, ''), readFileSync(root + file, 'utf8')));
  }
  return definitions;
}
