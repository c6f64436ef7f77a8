import { Document, isMap, isSeq, parseAllDocuments } from 'yaml';
import type { YAMLMap } from 'yaml';
import { parseManifests } from '../yaml.ts';
import type { LoadIssue, Manifest } from '../yaml.ts';
import { convertObject } from './convert-object.ts';
import { isObject } from './conversion.ts';
import type { Conversion, JsonObject } from './conversion.ts';
import { hasAnchors, nodeOf, rewriteNode } from './rewrite-yaml.ts';

/** A file as it was read. */
export interface SourceFile {
  /** As messages call it. */
  readonly name: string;
  readonly text: string;
}

/** One object and what became of it. */
export interface ConvertedObject {
  readonly manifest: Manifest;
  readonly conversion: Conversion;
  /** The converted object, or the one of the manifest. */
  readonly object: JsonObject;
}

/** All files converted together. */
export interface Conversions {
  /** In the order of the input. */
  readonly objects: readonly ConvertedObject[];
  /** The YAML of each file: what is not converted is as it was written. */
  readonly texts: readonly string[];
  /** Why a file could not be read; its objects are missing then. */
  readonly issues: readonly LoadIssue[];
}

/**
 * Converts everything in `files`. What is refused stays as it is, in its place. Comments, order and style of what stays
 * are kept; a document with anchors, and JSON, is written anew when anything in it is converted.
 */
export function convertFiles(files: readonly SourceFile[]): Conversions {
  const loaded = files.map((file) => ({ file, ...parseManifests(file.text, file.name) }));
  const all = loaded.flatMap(({ manifests }) => manifests.map(({ object }) => object));
  const taken = new Set(all.filter((object) => convertObject(object, all).kind !== 'converted').map(identity));
  const converted = loaded.map(({ file, manifests }) => {
    const objects = manifests.map((manifest) => convertManifest(manifest, all, taken));
    return { objects, text: rewriteFile(file, objects) };
  });
  return {
    objects: converted.flatMap(({ objects }) => objects),
    texts: converted.map(({ text }) => text),
    issues: loaded.flatMap(({ issues }) => issues),
  };
}

/** An object that would take the name of another one is refused. */
function convertManifest(manifest: Manifest, all: readonly JsonObject[], taken: Set<string>): ConvertedObject {
  const conversion = convertObject(manifest.object, all);
  if (conversion.kind !== 'converted') return { manifest, conversion, object: manifest.object };
  const name = identity(conversion.object);
  if (taken.has(name)) {
    const message = `there would be two of ${name}: rename one of them`;
    const problems = [{ path: 'metadata.name', message }];
    return { manifest, conversion: { kind: 'refused', problems }, object: manifest.object };
  }
  taken.add(name);
  return { manifest, conversion, object: conversion.object };
}

/** Group, kind, namespace and name: versions of one group are versions of one object. */
function identity(object: JsonObject): string {
  const metadata = isObject(object['metadata']) ? object['metadata'] : {};
  const group = String(object['apiVersion']).replace(/\/?[^/]*$/, '');
  const kind = group === '' ? String(object['kind']) : `${String(object['kind'])}.${group}`;
  return [kind, metadata['namespace'], metadata['name']].filter((each) => typeof each === 'string').join('/');
}

function rewriteFile({ text }: SourceFile, objects: readonly ConvertedObject[]): string {
  if (objects.every(({ conversion }) => conversion.kind !== 'converted')) return text;
  const documents = parseAllDocuments(text, { schema: 'failsafe', uniqueKeys: false });
  const left = [...objects];
  const written = (Array.isArray(documents) ? documents : []).map((document) => rewriteDocument(document, left));
  // A list at the level of its key is the commoner style; the writer's own has it indented.
  const indentSeq = !/^( *)[^\s#-][^\n]*:[ \t]*\n\1- /m.test(text);
  const flowCollectionPadding = !/[{[][^\s{}[\]]/.test(text);
  return written
    .map((document) => document.toString({ lineWidth: 0, indentSeq, flowCollectionPadding }))
    .map((each, index) => (index === 0 || each.startsWith('---') ? each : `---\n${each}`))
    .join('');
}

/** `left` are the objects of this document and those after it. */
function rewriteDocument(document: Document, left: ConvertedObject[]): Document {
  const { contents } = document;
  if (!isMap(contents)) return document;
  const items = itemsOf(contents);
  const own = left.splice(0, items === undefined ? 1 : items.length);
  if (own.every(({ conversion }) => conversion.kind !== 'converted')) return document;
  const isFlow = contents.flow === true;
  if (isFlow || hasAnchors(document)) {
    const fresh = new Document(null, { schema: 'failsafe' });
    const values = own.map(({ object }) => object);
    fresh.contents = nodeOf(items === undefined ? values[0] : { apiVersion: 'v1', kind: 'List', items: values });
    return fresh;
  }
  if (items === undefined) document.contents = rewriteNode(contents, own[0]!.manifest.object, own[0]!.object);
  else {
    for (const [index, { manifest, object }] of own.entries())
      items[index] = rewriteNode(items[index], manifest.object, object);
  }
  return document;
}

/** The items of a List, as the loader counts them. */
function itemsOf(contents: YAMLMap): unknown[] | undefined {
  const kind: unknown = contents.get('kind');
  const items: unknown = contents.get('items', true);
  return typeof kind === 'string' && kind.endsWith('List') && isSeq(items) ? items.items : undefined;
}
