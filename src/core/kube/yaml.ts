import { readDocuments } from './complete-yaml.ts';
import { parseManifestsWith } from './parse-manifests.ts';
import type { Manifests } from './parse-manifests.ts';

export type { LoadIssue } from './complete-yaml.ts';
export type { Manifest, Manifests } from './parse-manifests.ts';

/**
 * Reads a file of YAML documents, or JSON, in kubectl's dialect. A document with a syntax error, a repeated key or
 * anything else than an object yields issues and no object, never half of one; the other documents are read.
 */
export function parseManifests(text: string, file: string): Manifests {
  return parseManifestsWith(readDocuments, text, file);
}
