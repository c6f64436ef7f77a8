import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DEFINITIONS_FILE, loadDefinitions } from '../src/app/apiserver/definitions.ts';

/** Writes the types behind `kubectl explain` and field validation to build/openapi, for images without node_modules. */
const definitions = loadDefinitions();
mkdirSync(dirname(DEFINITIONS_FILE), { recursive: true });
writeFileSync(DEFINITIONS_FILE, JSON.stringify(definitions));
console.log(`${DEFINITIONS_FILE}: ${Object.keys(definitions).length} types`);
