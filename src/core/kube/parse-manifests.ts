import type { LoadIssue, ReadDocument } from './complete-yaml.ts';
import { hasPeculiarCharacters, readPlainDocument } from './plain-yaml.ts';
import { lazyLineStarts, placeOf, positionAt } from './positions.ts';
import type { Position } from './positions.ts';

/** One object of a file. Items of a List are objects of their own. */
export interface Manifest {
  readonly object: Readonly<Record<string, unknown>>;
  readonly file: string;
  /** Where a field stands, by its path as in field errors; the nearest container when the field is absent. */
  readonly locate: (path: string) => { readonly file: string; readonly line: number; readonly column: number };
}

/** What a file holds: the objects that could be read, and every issue. */
export interface Manifests {
  readonly manifests: readonly Manifest[];
  readonly issues: readonly LoadIssue[];
}

/** Reads every document of a text that is not plain: `readDocuments`. */
export type CompleteReader = (text: string, file: string, linesBefore: number) => readonly ReadDocument[];

/** `parseManifests` with its complete parser given, so that who seldom needs that one can load it when needed. */
export function parseManifestsWith(complete: CompleteReader, text: string, file: string): Manifests {
  const issues: LoadIssue[] = [];
  const manifests: Manifest[] = [];
  const lines = lazyLineStarts(text);
  const peculiar = hasPeculiarCharacters(text);
  for (const { start, end } of segmentsOf(text)) {
    const plain = peculiar ? undefined : readPlainDocument(text, start, end);
    if (plain === undefined) {
      const before = start === 0 ? 0 : text.slice(0, start).split('\n').length - 1;
      for (const document of complete(text.slice(start, end), file, before)) {
        if (document.issues.length > 0) issues.push(...document.issues);
        else manifests.push(...objectsOf(document.value, file, document.find, issues));
      }
    } else {
      const find = (path: string, under: readonly string[]): Position =>
        positionAt(lines(), placeOf(plain.place, path, under));
      manifests.push(...objectsOf(plain.value, file, find, issues));
    }
  }
  return { manifests, issues };
}

/** The stretches of text that hold a document each. Directives and explicit ends make the whole text one stretch. */
function segmentsOf(text: string): { readonly start: number; readonly end: number }[] {
  if (/^(?:%|\.\.\.)/mu.test(text) || /^---[^\n]*[^\s#-]/mu.test(text)) return [{ start: 0, end: text.length }];
  const segments: { start: number; end: number }[] = [];
  let start = 0;
  for (const { index, 0: marker } of text.matchAll(/^---.*$/gmu)) {
    segments.push({ start, end: index });
    start = Math.min(index + marker.length + 1, text.length);
  }
  return [...segments, { start, end: text.length }].filter((each) => each.end > each.start);
}

/** The objects of one document: none when it is empty, the items when it is a List. */
function objectsOf(value: unknown, file: string, find: ReadDocument['find'], issues: LoadIssue[]): Manifest[] {
  if (value === null) return [];
  const locateUnder = (under: readonly string[]) => (path: string) => ({
    file,
    ...(find(path, under) ?? { line: 1, column: 1 }),
  });
  const refuse = (under: readonly string[], what: string): [] => {
    issues.push({ ...locateUnder(under)(''), message: `${what} must be an object with apiVersion and kind` });
    return [];
  };
  if (!isRecord(value)) return refuse([], 'a document');
  if (typeof value['kind'] !== 'string' || !value['kind'].endsWith('List') || !Array.isArray(value['items']))
    return [{ object: value, file, locate: locateUnder([]) }];
  return value['items'].flatMap((item: unknown, index) => {
    const under = ['items', String(index)];
    return isRecord(item) ? [{ object: item, file, locate: locateUnder(under) }] : refuse(under, 'an item of a List');
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
