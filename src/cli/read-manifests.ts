import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { SluiceError } from '../base/errors.ts';
import { parseManifestsWith } from '../core/kube/parse-manifests.ts';
import type { CompleteReader } from '../core/kube/parse-manifests.ts';
import { templateLine } from '../core/kube/template-line.ts';
import type { LoadIssue, Manifest, Manifests } from '../core/kube/yaml.ts';
import { fileProblem } from './file-problem.ts';

/** What several files hold. */
export interface ReadManifests {
  readonly manifests: readonly Manifest[];
  readonly issues: readonly LoadIssue[];
  /** Files of folders that hold no manifests at all, such as a chart's values; never files that were named themselves. */
  readonly skipped: readonly string[];
}

/** How messages call standard input. */
export const STDIN_NAME = '<stdin>';

const load = createRequire(import.meta.url);

/** Loading the parser of all of YAML takes longer than reading some files of the plain kind, which most are. */
const complete: CompleteReader = (...document) =>
  (load('../core/kube/complete-yaml.ts') as { readonly readDocuments: CompleteReader }).readDocuments(...document);

const ENDINGS = ['.yaml', '.yml', '.json'];

/**
 * Reads manifests from files, folders (with all folders in them; .yaml, .yml and .json; nothing hidden) and `-`, which is
 * standard input. Throws `no-such-input` when a path cannot be read or a folder holds nothing to read.
 */
export function readManifests(paths: readonly string[]): ReadManifests {
  const { sources, skipped } = readSources(paths);
  return {
    manifests: sources.flatMap((each) => each.manifests),
    issues: sources.flatMap(issuesOf),
    skipped,
  };
}

/** The file's syntax errors, or once that it is a template of Helm. */
export function issuesOf({ file, text, issues }: ManifestSource): readonly LoadIssue[] {
  const line = templateLine(text, issues);
  if (line === undefined) return issues;
  return [
    { file, line, column: 1, message: 'a template and no manifest yet; render it first, with helm template CHART' },
  ];
}

/** One file with its text. */
export interface ManifestSource extends Manifests {
  readonly file: string;
  readonly text: string;
}

/** The same file by file. */
export function readSources(paths: readonly string[]): {
  readonly sources: readonly ManifestSource[];
  readonly skipped: readonly string[];
} {
  const sources: ManifestSource[] = [];
  const skipped: string[] = [];
  for (const { file, text, listed } of paths.flatMap(filesOf)) {
    const read = parseManifestsWith(complete, text, file);
    if (listed && read.manifests.length > 0 && read.manifests.every(isAnonymous)) skipped.push(file);
    else sources.push({ file, text, ...read });
  }
  return { sources, skipped };
}

interface TextFile {
  readonly file: string;
  readonly text: string;
  /** Found in a folder instead of named. */
  readonly listed: boolean;
}

function filesOf(path: string): TextFile[] {
  if (path === '-') return [{ file: STDIN_NAME, text: readFileSync(0, 'utf8'), listed: false }];
  if (!isFolder(path)) return [{ file: path, text: read(path), listed: false }];
  const files = filesIn(path);
  if (files.length === 0) throw unreadable(`${path}: no ${ENDINGS.join(', ')} file in this folder`);
  return files.map((file) => ({ file, text: read(file), listed: true }));
}

/** In the order of their names, so that messages come in the same order everywhere. */
function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !name.startsWith('.'));
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesIn(path);
    // A pipe or a socket would never end; who means one names it.
    if (!entry.isFile() && !entry.isSymbolicLink()) return [];
    return ENDINGS.some((ending) => entry.name.endsWith(ending)) ? [path] : [];
  });
}

function isFolder(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw unreadable(`${path}: no such file or folder`);
  return stat.isDirectory();
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw unreadable(`${path}: ${fileProblem(error)}`);
  }
}

function isAnonymous({ object }: Manifest): boolean {
  return object['apiVersion'] === undefined && object['kind'] === undefined;
}

function unreadable(message: string): SluiceError<'no-such-input'> {
  return new SluiceError('no-such-input', message);
}
