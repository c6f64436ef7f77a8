import { isMap, isPair, isScalar, isSeq, parseAllDocuments } from 'yaml';
import type { Pair, ParsedNode, Scalar, YAMLSeq } from 'yaml';
import type { PlacedRepair } from './model.ts';

/** A change of a text: the characters from `start` to before `end` become `text`. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Places in a syntax tree by the offset at which they begin. */
interface Places {
  readonly pairs: ReadonlyMap<number, Pair<ParsedNode, ParsedNode | null>>;
  readonly items: ReadonlyMap<number, { readonly list: YAMLSeq; readonly index: number }>;
}

/**
 * The edits that carry out `repairs`, in order and without overlaps, everything else of the text kept as it is. A repair
 * that the text gives no hold for (an alias, a block scalar), or that touches what another one changes, is left out: it is
 * found again once these are done.
 */
export function planEdits(text: string, repairs: readonly PlacedRepair[]): readonly Edit[] {
  const starts = lineStarts(text);
  const places = placesOf(text);
  const edits = repairs.flatMap((repair) => {
    const offset = (starts[repair.line - 1] ?? text.length) + repair.column - 1;
    return editOf(text, places, repair, offset) ?? [];
  });
  edits.sort((a, b) => a.start - b.start || a.end - b.end);
  const apart: Edit[] = [];
  for (const edit of edits) {
    const last = apart.at(-1);
    if (last === undefined || edit.start > last.end || (edit.start === last.end && last.end > last.start))
      apart.push(edit);
  }
  return apart;
}

/** The text with the edits, which are in order and do not overlap. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let result = '';
  let next = 0;
  for (const { start, end, text: replacement } of edits) {
    result += text.slice(next, start) + replacement;
    next = end;
  }
  return result + text.slice(next);
}

function editOf(text: string, places: Places, repair: PlacedRepair, offset: number): Edit | undefined {
  switch (repair.kind) {
    case 'insert-text':
      return { start: offset, end: offset, text: repair.text };
    case 'insert-before':
      return insertBefore(text, repair, offset);
    case 'rename-key':
      return replaceScalar(places.pairs.get(offset)?.key, repair.to);
    case 'replace-value':
      return replaceScalar(places.pairs.get(offset)?.value ?? itemAt(places, offset), repair.to);
    case 'quote-value':
      return quote(text, places.pairs.get(offset)?.value ?? itemAt(places, offset));
    case 'append-item':
      return appendItem(text, places.pairs.get(offset)?.value, repair.item);
    case 'remove-item':
      return removeItem(text, places.items.get(offset));
  }
}

/** On a line of its own; in JSON as a member before the other one. */
function insertBefore(
  text: string,
  { text: field, column }: Extract<PlacedRepair, { kind: 'insert-before' }>,
  offset: number,
): Edit {
  const [key = '', value = ''] = field.split(': ');
  const json = `${JSON.stringify(key)}: ${JSON.stringify(value)}, `;
  const own = field + eolOf(text) + ' '.repeat(column - 1);
  return { start: offset, end: offset, text: text[offset] === '"' ? json : own };
}

function itemAt(places: Places, offset: number): unknown {
  const place = places.items.get(offset);
  return place?.list.items[place.index];
}

/** Only scalars on one line, without anchor or tag, can be replaced by one word. */
function replaceScalar(node: unknown, to: string): Edit | undefined {
  if (!isScalar(node) || node.anchor !== undefined || node.tag !== undefined) return undefined;
  const { range, type } = node as Scalar;
  if (range === undefined || range === null || type === 'BLOCK_LITERAL' || type === 'BLOCK_FOLDED') return undefined;
  return { start: range[0], end: range[1], text: quotedAs(type, to) };
}

/** Plain scalars hold nothing that double quotes would change, except what they escape. */
function quote(text: string, node: unknown): Edit | undefined {
  const bare = replaceScalar(node, '');
  return bare === undefined ? undefined : { ...bare, text: JSON.stringify(text.slice(bare.start, bare.end)) };
}

/** In the quotes that stood there, which JSON needs; a number is without, for the quotes were the mistake. */
function quotedAs(type: string | undefined, text: string): string {
  if (/^\d+$/u.test(text)) return text;
  return type === 'QUOTE_DOUBLE' ? JSON.stringify(text) : type === 'QUOTE_SINGLE' ? `'${text}'` : text;
}

function appendItem(text: string, list: unknown, item: string): Edit | undefined {
  if (!isSeq(list)) return undefined;
  const { range, items, flow } = list as YAMLSeq;
  const last = (items.at(-1) as ParsedNode | undefined)?.range;
  if (range === undefined || range === null) return undefined;
  if (flow === true) {
    const end = last?.[1] ?? range[0] + 1;
    const written = quotedAs((items.at(-1) as { type?: string } | undefined)?.type, item);
    return { start: end, end, text: last === undefined ? written : `, ${written}` };
  }
  if (last === undefined || last === null) return undefined;
  const dash = dashOf(text, last[0]);
  if (dash === undefined) return undefined;
  const end = endOfLine(text, trimmedEnd(text, last[0], last[1]));
  return { start: end, end, text: `${eolOf(text)}${dash.indent}- ${item}` };
}

function removeItem(
  text: string,
  place: { readonly list: YAMLSeq; readonly index: number } | undefined,
): Edit | undefined {
  if (place === undefined || place.list.items.length < 2) return undefined;
  const { list, index } = place;
  const own = (list.items[index] as ParsedNode).range;
  if (list.flow === true) {
    const before = (list.items[index - 1] as ParsedNode | undefined)?.range;
    const after = (list.items[index + 1] as ParsedNode | undefined)?.range;
    if (before !== undefined) return { start: before[1], end: own[1], text: '' };
    return after === undefined ? undefined : { start: own[0], end: after[0], text: '' };
  }
  const dash = dashOf(text, own[0]);
  if (dash === undefined) return undefined;
  const end = text.indexOf('\n', trimmedEnd(text, own[0], own[1]));
  return { start: dash.lineStart, end: end < 0 ? text.length : end + 1, text: '' };
}

/** The dash before a block item that is first on its line; undefined when something else stands before it. */
function dashOf(text: string, offset: number): { readonly lineStart: number; readonly indent: string } | undefined {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  const match = /^( *)-[ ]+$/u.exec(text.slice(lineStart, offset));
  return match === null ? undefined : { lineStart, indent: match[1]! };
}

/** The end of a node's own text, without blank lines and comments that follow it. */
function trimmedEnd(text: string, start: number, end: number): number {
  const lines = text.slice(start, end).split('\n');
  while (lines.length > 1 && /^\s*(?:#.*)?$/u.test(lines.at(-1)!)) lines.pop();
  return start + lines.join('\n').length;
}

/** Before the line's end, be it a line feed alone or with a carriage return. */
function endOfLine(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  if (end < 0) return text.length;
  return text[end - 1] === '\r' && end > offset ? end - 1 : end;
}

/** How the text ends its lines. */
function eolOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function placesOf(text: string): Places {
  const pairs = new Map<number, Pair<ParsedNode, ParsedNode | null>>();
  const items = new Map<number, { list: YAMLSeq; index: number }>();
  const visit = (node: unknown): void => {
    if (isMap(node)) {
      for (const pair of node.items) {
        if (!isPair(pair)) continue;
        const { range } = pair.key as { range?: readonly number[] };
        if (range?.[0] !== undefined) pairs.set(range[0], pair as Pair<ParsedNode, ParsedNode | null>);
        visit(pair.value);
      }
    } else if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) {
        const { range } = item as { range?: readonly number[] };
        if (range?.[0] !== undefined) items.set(range[0], { list: node as YAMLSeq, index });
        visit(item);
      }
    }
  };
  const documents = parseAllDocuments(text, { schema: 'failsafe', uniqueKeys: false, prettyErrors: false });
  for (const document of Array.isArray(documents) ? documents : []) visit(document.contents);
  return { pairs, items };
}
