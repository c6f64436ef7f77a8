import { Pair, Scalar, YAMLMap, YAMLSeq, isMap, isNode, isPair, isScalar, isSeq, visit } from 'yaml';
import type { Document, Node } from 'yaml';
import { resolvePlainScalar } from '../yaml-scalar.ts';
import { isObject } from './conversion.ts';

/**
 * The syntax tree of `after`, built from the one of `before` so that everything that stays the same stays as written: its
 * comments, its quotes, its blank lines. Comments on what goes away move to what comes in its place. The tree must have
 * no anchors, aliases or merge keys.
 */
export function rewriteNode(node: unknown, before: unknown, after: unknown): Node {
  if (isNode(node) && same(before, after)) return node;
  if (isMap(node) && isObject(before) && isObject(after)) return rewriteMap(node, before, after);
  if (isSeq(node) && Array.isArray(before) && Array.isArray(after)) return rewriteList(node, before, after);
  const made = nodeOf(after);
  if (isNode(node)) carryComments(commentsOf(node), made);
  return made;
}

/** Whether the tree has what {@link rewriteNode} cannot keep. */
export function hasAnchors(document: Document): boolean {
  let found = false;
  visit(document, {
    Alias: () => ((found = true), visit.BREAK),
    Node: (_, node) => {
      if ('anchor' in node && node.anchor !== undefined) found = true;
    },
    Pair: (_, pair) => {
      if (isScalar(pair.key) && pair.key.value === '<<') found = true;
    },
  });
  return found;
}

/** The tree of a plain value. Text that kubectl would not read as text is quoted. */
export function nodeOf(value: unknown): Node {
  if (Array.isArray(value)) {
    const list = new YAMLSeq();
    list.items = value.map(nodeOf);
    return list;
  }
  if (isObject(value)) {
    const map = new YAMLMap();
    map.items = Object.entries(value)
      .filter(([, each]) => each !== undefined)
      .map(([key, each]) => new Pair(scalarOf(key), nodeOf(each)));
    return map;
  }
  return scalarOf(value);
}

/** Every scalar is text to the document; what is no text is written bare. */
function scalarOf(value: unknown): Scalar {
  const scalar = new Scalar(typeof value === 'string' ? value : JSON.stringify(value));
  const plain = typeof value !== 'string' || (resolvePlainScalar(value) === value && value.trim() === value);
  scalar.type = plain ? Scalar.PLAIN : Scalar.QUOTE_DOUBLE;
  return scalar;
}

function rewriteMap(map: YAMLMap, before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>) {
  const pairs = new Map(map.items.flatMap((pair) => (isPair(pair) ? [[keyOf(pair.key), pair] as const] : [])));
  const gone = [...pairs].filter(([key]) => after[key] === undefined);
  const comments = gone.flatMap(([, pair]) => [...commentsOf(pair.key), ...commentsOf(pair.value)]);
  map.items = Object.entries(after)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => {
      const pair = pairs.get(key);
      if (pair !== undefined) {
        pair.value = rewriteNode(pair.value, before[key], value);
        return pair;
      }
      const made = new Pair(scalarOf(key), nodeOf(value));
      carryComments(comments.splice(0), made.key);
      return made;
    });
  const [first] = map.items;
  if (comments.length > 0 && first !== undefined && isNode(first.key)) carryComments(comments, first.key);
  return map;
}

function rewriteList(list: YAMLSeq, before: readonly unknown[], after: readonly unknown[]): YAMLSeq {
  list.items = after.map((value, index) =>
    index < list.items.length ? rewriteNode(list.items[index], before[index], value) : nodeOf(value),
  );
  return list;
}

function keyOf(key: unknown): string {
  return isScalar(key) ? String(key.value) : '';
}

function commentsOf(node: unknown): string[] {
  if (!isNode(node)) return [];
  const found: string[] = [];
  const take = (each: { comment?: string | null; commentBefore?: string | null }): void => {
    for (const text of [each.commentBefore, each.comment]) if (typeof text === 'string') found.push(text);
  };
  visit(node, { Node: (_, each) => take(each) });
  return found;
}

function carryComments(comments: readonly string[], node: Node): void {
  if (comments.length === 0) return;
  node.commentBefore = [node.commentBefore, ...comments].filter((each) => typeof each === 'string').join('\n');
}

function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((each, index) => same(each, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
}
