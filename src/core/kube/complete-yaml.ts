import { LineCounter, isAlias, isMap, isNode, isPair, isScalar, isSeq, parseAllDocuments } from 'yaml';
import type { Document, ParsedNode, YAMLMap, YAMLSeq } from 'yaml';
import { PositionTable } from './positions.ts';
import type { Position } from './positions.ts';
import { resolvePlainScalar } from './yaml-scalar.ts';

/** Something wrong in a file. */
export interface LoadIssue extends Position {
  readonly file: string;
  readonly message: string;
}

/** One document of a file: its value, when nothing is wrong with it, and where its fields stand. */
export interface ReadDocument {
  readonly value: unknown;
  readonly issues: readonly LoadIssue[];
  /** As {@link PositionTable.find}. */
  readonly find: (path: string, under: readonly string[]) => Position | undefined;
}

/** More values than this that come from aliases are an attack, not a manifest. */
const ALIASED_LIMIT = 100_000;

/**
 * Reads every document of a text in kubectl's dialect with a parser of all of YAML. `linesBefore` is added to the lines of
 * positions, for a text that is a part of the file.
 */
export function readDocuments(text: string, file: string, linesBefore = 0): readonly ReadDocument[] {
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, {
    schema: 'failsafe',
    lineCounter,
    uniqueKeys: false,
    prettyErrors: false,
  });
  const at = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(offset);
    return { line: line + linesBefore, column: col };
  };
  return (Array.isArray(documents) ? documents : []).map((document) => {
    const reader = new DocumentReader(document, file, at);
    const value = reader.read();
    const errors = document.errors.map((error) => {
      const place = at(error.pos[0]);
      return { file, ...place, message: syntaxMessage(error.message, text, place.line - linesBefore) };
    });
    const find = (path: string, under: readonly string[]): Position | undefined => reader.positions.find(path, under);
    return { value, issues: [...reader.issues, ...errors], find };
  });
}

/** Turns the syntax tree of one document into plain values, recording where each stands. */
class DocumentReader {
  readonly issues: LoadIssue[] = [];
  readonly positions = new PositionTable();
  readonly #document: Document.Parsed;
  readonly #file: string;
  readonly #at: (offset: number) => Position;
  /** The latest node of each anchor's name: a name may be used again, and an alias means the one before it. */
  readonly #anchors = new Map<string, unknown>();
  readonly #expanding = new Set<string>();
  #aliased = 0;
  /** Whether what is read stands inside of braces or brackets. */
  #inFlow = false;

  constructor(document: Document.Parsed, file: string, at: (offset: number) => Position) {
    this.#document = document;
    this.#file = file;
    this.#at = at;
  }

  read(): unknown {
    const { contents } = this.#document;
    if (contents !== null) this.positions.set([], this.#at(contents.range[0]));
    return this.#value(contents, []);
  }

  #value(node: unknown, path: readonly string[]): unknown {
    if (this.#expanding.size > 0 && ++this.#aliased > ALIASED_LIMIT) {
      if (this.#aliased === ALIASED_LIMIT + 1)
        this.#issue(node, 'the aliases of the document expand to too many values');
      return null;
    }
    if (isNode(node) && !isAlias(node) && node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isMap(node)) return this.#collection(node, () => this.#map(node as YAMLMap, path));
    if (isSeq(node)) return this.#collection(node, () => this.#list(node as YAMLSeq, path));
    if (isAlias(node)) {
      return this.#alias(node, node.source, path);
    }
    return isScalar(node) ? this.#scalar(node as ScalarNode, path) : null;
  }

  #collection({ flow }: { readonly flow?: boolean }, read: () => unknown): unknown {
    const outer = this.#inFlow;
    this.#inFlow ||= flow === true;
    const value = read();
    this.#inFlow = outer;
    return value;
  }

  #alias(node: unknown, name: string, path: readonly string[]): unknown {
    const target = this.#anchors.get(name);
    if (target === undefined) return this.#issue(node, `no anchor is named ${name}`);
    if (this.#expanding.has(name)) return this.#issue(node, `the anchor ${name} contains itself`);
    this.#expanding.add(name);
    const value = this.#value(target, path);
    this.#expanding.delete(name);
    return value;
  }

  #map(map: YAMLMap, path: readonly string[]): Record<string, unknown> {
    const own = new Map<string, unknown>();
    const merged = new Map<string, unknown>();
    for (const pair of map.items) {
      if (!isPair(pair)) continue;
      const key = this.#key(pair.key);
      if (key === undefined) continue;
      const inner = [...path, key];
      if (key === '<<' && isMergeKey(pair.key)) {
        for (const [name, value] of this.#merge(pair.value, path)) if (!merged.has(name)) merged.set(name, value);
        continue;
      }
      if (own.has(key)) this.#issue(pair.key, `the key ${JSON.stringify(key)} is already set in this map`);
      this.positions.set(inner, this.#at(offsetOf(pair.key) ?? 0));
      own.set(key, this.#value(pair.value, inner));
    }
    // Not an assignment: a key named __proto__ is data like any other.
    return Object.fromEntries([...merged, ...own]);
  }

  #merge(node: unknown, path: readonly string[]): [string, unknown][] {
    const value = this.#value(node, path);
    const maps = Array.isArray(value) ? (value as unknown[]) : [value];
    if (maps.every(isRecord)) return maps.flatMap((each) => Object.entries(each));
    this.#issue(node, 'a merge key needs a map or a list of maps');
    return [];
  }

  #list(list: YAMLSeq, path: readonly string[]): unknown[] {
    return list.items.map((item, index) => {
      const inner = [...path, String(index)];
      const offset = offsetOf(item);
      if (offset !== undefined) this.positions.set(inner, this.#at(offset));
      return this.#value(item, inner);
    });
  }

  #scalar(node: ScalarNode, path: readonly string[]): unknown {
    const text = textOf(node);
    this.#refuseQuestionMark(node, text);
    if (node.tag === 'tag:yaml.org,2002:str' || (node.type !== 'PLAIN' && node.tag === undefined)) return text;
    if (MISSING_SPACE.test(text)) {
      const field = text.slice(0, text.indexOf(':') + 1);
      return this.#issue(node, `${JSON.stringify(text)} is text, not a field: put a space after ${field}`);
    }
    const value = resolvePlainScalar(text);
    return value === undefined ? this.#issue(node, `${path.join('.')}: JSON has no ${text}`) : value;
  }

  /** Keys are text in JSON; what YAML reads as a number or truth value is written out again. */
  #key(node: unknown): string | undefined {
    const target = isAlias(node) ? this.#anchors.get(node.source) : node;
    if (!isScalar(target)) return this.#issue(node, 'a map key must be text');
    const scalar = target as ScalarNode;
    const text = textOf(scalar);
    if (!isAlias(node)) this.#refuseQuestionMark(scalar, text);
    const value = scalar.type === 'PLAIN' ? resolvePlainScalar(text) : text;
    return value === null || value === undefined ? this.#issue(node, 'a map key must be text') : String(value);
  }

  /** YAML 1.2 has them there, kubectl's parser has not. What an alias stands for was looked at in its own place. */
  #refuseQuestionMark(node: ScalarNode, text: string): void {
    if (!this.#inFlow || this.#expanding.size > 0 || node.type !== 'PLAIN' || !text.includes('?')) return;
    this.#issue(node, `put quotes around ${text}: inside of { } and [ ] kubectl reads no question mark without them`);
  }

  #issue(node: unknown, message: string): undefined {
    this.issues.push({ file: this.#file, ...this.#at(offsetOf(node) ?? 0), message });
  }
}

type ScalarNode = ParsedNode & { readonly value: unknown; readonly type?: string; readonly tag?: string };

/** `podSelector:{}`: without the space YAML reads one word of text. */
const MISSING_SPACE = /^[A-Za-z][A-Za-z0-9]*:[{[].*[}\]]$/;

/** Under the failsafe schema every scalar is text, an empty one null. */
function textOf(node: ScalarNode): string {
  return typeof node.value === 'string' ? node.value : '';
}

function isMergeKey(node: unknown): boolean {
  return isScalar(node) && node.type === 'PLAIN';
}

function offsetOf(node: unknown): number | undefined {
  return (node as { range?: readonly number[] } | null | undefined)?.range?.[0];
}

/** The parser's own words, with the usual cause when the line shows it. */
function syntaxMessage(message: string, text: string, line: number): string {
  const lines = text.split('\n');
  for (const candidate of [lines[line - 1], lines[line - 2]]) {
    const word = /^\s*(?:- )*([A-Za-z][A-Za-z0-9]*:)[{["'A-Za-z0-9]/.exec(candidate ?? '');
    if (word !== null) return `${message}; put a space after ${word[1]}`;
    if (/^\s*\t/.test(candidate ?? '')) return `${message}; indent with spaces, not tabs`;
  }
  return message;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
