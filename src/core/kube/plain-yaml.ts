import { PlainAnchors } from './plain-anchors.ts';
import type { Read } from './plain-anchors.ts';
import type { Place } from './positions.ts';
import { resolvePlainScalar } from './yaml-scalar.ts';

/** A document's value and the places of its parts. */
export interface PlainDocument {
  readonly value: Readonly<Record<string, unknown>>;
  readonly place: Place;
}

/**
 * Reads a document that consists of block maps and lists whose scalars and flow collections each stand on one line, as
 * manifests mostly do, some with an alias for what stands above; several times faster than a parser of all of YAML.
 * Undefined for a document that has anything else (tags, escapes, text over several lines, odd keys) or any mistake: those
 * are for the complete parser, whose result this one equals wherever it has one. The text has no
 * {@link hasPeculiarCharacters}; the document is `text` from `start` to before `end`, without markers.
 */
export function readPlainDocument(text: string, start: number, end: number): PlainDocument | undefined {
  return new PlainReader(text, start, end).document();
}

/** Whether the text has tabs, other ends of lines than line feeds, or what YAML forbids: only for the complete parser. */
export function hasPeculiarCharacters(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return /[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]/u.test(text);
}

/** Keys that need no quotes and mean themselves. */
const KEY = /[A-Za-z][A-Za-z0-9_./-]*(?=:(?: |\n|$))/y;
/** Values in flow collections, which a comma or bracket ends. */
const FLOW_SCALAR = /[A-Za-z0-9_./+-]+/y;
/** What a plain scalar may begin with; other marks mean something else. */
const SCALAR_START = /[A-Za-z0-9_./+~<=(^$\\;]|-(?=[^\s])/y;

const ANCHOR = /&[A-Za-z0-9_-]+(?=[ \n]|$)/y;
const ALIAS = /\*[A-Za-z0-9_-]+(?=[ \n]|$)/y;

const codeOf = (character: string): number => character.charCodeAt(0);
const [NEWLINE, SPACE, HASH, DASH] = [codeOf('\n'), codeOf(' '), codeOf('#'), codeOf('-')];
const [QUOTE, APOSTROPHE, BRACE, BRACKET] = [codeOf('"'), codeOf("'"), codeOf('{'), codeOf('[')];
const [AMPERSAND, ASTERISK] = [codeOf('&'), codeOf('*')];

/** Stands at the first character of a line's content whenever a block is read. */
class PlainReader {
  #failed = false;
  readonly #anchors = new PlainAnchors();
  readonly #text: string;
  readonly #end: number;
  #at: number;
  /** Column of the content at `#at`; -1 at the end. */
  #column = 0;

  constructor(text: string, start: number, end: number) {
    this.#text = text;
    this.#end = end;
    this.#at = start;
  }

  document(): PlainDocument | undefined {
    this.#toContent();
    const offset = this.#at;
    if (this.#column !== 0 || this.#isDash()) return undefined;
    const { value, inner } = this.#map(0);
    if (this.#failed || this.#at < this.#end || inner === undefined) return undefined;
    return { value: value as Readonly<Record<string, unknown>>, place: { offset, inner } };
  }

  /** A map whose keys stand at `column`, the first one where the reader is. */
  #map(column: number): Read {
    const value: Record<string, unknown> = {};
    const inner = new Map<string, Place>();
    while (this.#column === column && !this.#failed) {
      const offset = this.#at;
      const key = this.#match(KEY);
      if (key === undefined || inner.has(key) || resolvePlainScalar(key) !== key) return this.#fail();
      this.#at += 1;
      const read = this.#afterKey(column);
      value[key] = read.value;
      inner.set(key, read.inner === undefined ? { offset } : { offset, inner: read.inner });
    }
    return this.#column > column ? this.#fail() : { value, inner };
  }

  /** What stands behind a key's colon: on the line, or below. */
  #afterKey(column: number): Read {
    this.#skipSpaces();
    if (this.#text.charCodeAt(this.#at) === AMPERSAND) return this.#anchored(column);
    if (!this.#isLineEnd()) return this.#inline(column);
    this.#nextLine();
    if (this.#column > column) return this.#block();
    return this.#column === column && this.#isDash() ? this.#list(column) : { value: null };
  }

  #anchored(column: number): Read {
    const anchor = this.#match(ANCHOR);
    if (anchor === undefined) return this.#fail();
    this.#skipSpaces();
    const read = (): Read => {
      if (!this.#isLineEnd()) return this.#inline(column);
      this.#nextLine();
      return this.#column > column ? this.#block() : this.#fail();
    };
    return this.#anchors.define(anchor.slice(1), read) ?? this.#fail();
  }

  #block(): Read {
    return this.#isDash() ? this.#list(this.#column) : this.#map(this.#column);
  }

  /** A list whose dashes stand at `column`, the first one where the reader is. */
  #list(column: number): Read {
    const value: unknown[] = [];
    const inner: Place[] = [];
    while (this.#column === column && this.#isDash() && !this.#failed) {
      const dash = this.#at;
      this.#at += 1;
      this.#skipSpaces();
      const offset = this.#at;
      if (this.#isLineEnd() || this.#isDash()) return this.#fail();
      this.#column = column + (offset - dash);
      const read = this.#peek(KEY) === undefined ? this.#inline(column) : this.#map(this.#column);
      value.push(read.value);
      inner.push(read.inner === undefined ? { offset } : { offset, inner: read.inner });
    }
    // A dash may stand at the column of the key above, so what follows there is for the map around.
    return this.#column > column ? this.#fail() : { value, inner };
  }

  /** A value that ends on its line; nothing that could go on with it may follow. */
  #inline(column: number): Read {
    const isAlias = this.#text.charCodeAt(this.#at) === ASTERISK;
    const read = isAlias ? this.#alias() : (this.#flowOrQuoted() ?? this.#plain());
    this.#skipSpaces();
    if (!this.#isLineEnd()) return this.#fail();
    this.#nextLine();
    return this.#column > column ? this.#fail() : read;
  }

  #alias(): Read {
    const alias = this.#match(ALIAS);
    return (alias === undefined ? undefined : this.#anchors.use(alias.slice(1))) ?? this.#fail();
  }

  #flowOrQuoted(): Read | undefined {
    const code = this.#text.charCodeAt(this.#at);
    if (code === QUOTE || code === APOSTROPHE) return { value: this.#quoted(code) };
    if (code === BRACE) return this.#flowMap();
    return code === BRACKET ? this.#flowList() : undefined;
  }

  #plain(): Read {
    const start = this.#at;
    if (this.#peek(SCALAR_START) === undefined) return this.#fail();
    let end = this.#text.indexOf('\n', start);
    if (end < 0 || end > this.#end) end = this.#end;
    const line = this.#text.slice(start, end);
    const comment = line.indexOf(' #');
    const scalar = (comment < 0 ? line : line.slice(0, comment)).trimEnd();
    const colon = scalar.indexOf(':');
    // A colon may end a key, or be the one that lacks its space.
    if (colon >= 0 && (/:(?: |$)/u.test(scalar) || /^[A-Za-z][A-Za-z0-9]*:[{[]/u.test(scalar))) return this.#fail();
    this.#at = start + scalar.length;
    return this.#scalar(scalar);
  }

  #scalar(text: string): Read {
    const value = resolvePlainScalar(text);
    return value === undefined ? this.#fail() : { value };
  }

  /** Text in quotes without anything escaped. */
  #quoted(code: number): string {
    const start = this.#at + 1;
    const close = this.#text.indexOf(code === QUOTE ? '"' : "'", start);
    const text = this.#text.slice(start, close);
    if (close < 0 || close >= this.#end || /[\n\\]/u.test(text) || this.#text.charCodeAt(close + 1) === code) {
      this.#fail();
      return '';
    }
    this.#at = close + 1;
    return text;
  }

  #flowMap(): Read {
    const value: Record<string, unknown> = {};
    const inner = new Map<string, Place>();
    this.#at += 1;
    if (this.#closes('}')) return { value, inner };
    do {
      this.#skipSpaces();
      const offset = this.#at;
      const key = this.#match(KEY);
      if (key === undefined || inner.has(key) || resolvePlainScalar(key) !== key) return this.#fail();
      this.#at += 1;
      const read = this.#flowValue();
      value[key] = read.value;
      inner.set(key, read.inner === undefined ? { offset } : { offset, inner: read.inner });
    } while (this.#comma() && !this.#failed);
    return this.#closes('}') ? { value, inner } : this.#fail();
  }

  #flowList(): Read {
    const value: unknown[] = [];
    const inner: Place[] = [];
    this.#at += 1;
    if (this.#closes(']')) return { value, inner };
    do {
      this.#skipSpaces();
      const offset = this.#at;
      const read = this.#flowValue();
      value.push(read.value);
      inner.push(read.inner === undefined ? { offset } : { offset, inner: read.inner });
    } while (this.#comma() && !this.#failed);
    return this.#closes(']') ? { value, inner } : this.#fail();
  }

  #flowValue(): Read {
    this.#skipSpaces();
    const read = this.#flowOrQuoted();
    if (read !== undefined) return read;
    const text = this.#match(FLOW_SCALAR);
    // More words, a colon or a mark may belong to it.
    return text === undefined || /^-+$/u.test(text) || !/[ ,}\]]/u.test(this.#text[this.#at] ?? '')
      ? this.#fail()
      : this.#scalar(text);
  }

  #comma(): boolean {
    this.#skipSpaces();
    if (this.#text[this.#at] !== ',') return false;
    this.#at += 1;
    return true;
  }

  #closes(bracket: string): boolean {
    this.#skipSpaces();
    if (this.#text[this.#at] !== bracket || this.#at >= this.#end) return false;
    this.#at += 1;
    return true;
  }

  #isDash(): boolean {
    if (this.#column < 0 || this.#text.charCodeAt(this.#at) !== DASH) return false;
    const next = this.#at + 1 >= this.#end ? NEWLINE : this.#text.charCodeAt(this.#at + 1);
    return next === SPACE || next === NEWLINE;
  }

  /** Whether nothing but a comment is left on the line; the reader stands behind spaces. */
  #isLineEnd(): boolean {
    if (this.#at >= this.#end) return true;
    const code = this.#text.charCodeAt(this.#at);
    return code === NEWLINE || (code === HASH && this.#text.charCodeAt(this.#at - 1) === SPACE);
  }

  #skipSpaces(): void {
    while (this.#at < this.#end && this.#text.charCodeAt(this.#at) === SPACE) this.#at += 1;
  }

  #nextLine(): void {
    const next = this.#text.indexOf('\n', this.#at);
    this.#at = next < 0 || next >= this.#end ? this.#end : next + 1;
    this.#toContent();
  }

  /** From the beginning of a line to the next content. */
  #toContent(): void {
    for (;;) {
      const line = this.#at;
      this.#skipSpaces();
      if (this.#at >= this.#end) {
        this.#column = -1;
        return;
      }
      const code = this.#text.charCodeAt(this.#at);
      if (code !== NEWLINE && code !== HASH) {
        this.#column = this.#at - line;
        return;
      }
      const next = this.#text.indexOf('\n', this.#at);
      this.#at = next < 0 || next >= this.#end ? this.#end : next + 1;
    }
  }

  #peek(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0];
  }

  #match(pattern: RegExp): string | undefined {
    const found = this.#peek(pattern);
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  /** Gives up: everything that is read from here on is thrown away. */
  #fail(): Read {
    this.#failed = true;
    this.#at = this.#end;
    this.#column = -1;
    return { value: null };
  }
}
