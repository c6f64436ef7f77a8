import { SluiceError } from '../../base/errors.ts';

/**
 * Whether a node with `labels` is selected by `selector`, in the part of Calico's language that IPPools use:
 * `all()`, `has(k)`, `k == "v"`, `k != "v"`, `k in {"a","b"}`, `k not in {…}`, `!`, `&&`, `||`, parentheses.
 * An empty selector selects every node. Throws a SluiceError (`bad-selector`) with the column of what it cannot read.
 */
export function nodeSelected(selector: string, labels: Readonly<Record<string, string>>): boolean {
  const tokens = tokenize(selector);
  if (tokens.length === 0) return true;
  const cursor: Cursor = { selector, tokens, index: 0 };
  const selected = either(cursor, labels);
  if (cursor.index < tokens.length) throw unexpected(cursor);
  return selected;
}

type Labels = Readonly<Record<string, string>>;

interface Token {
  readonly text: string;
  readonly column: number;
}

interface Cursor {
  readonly selector: string;
  readonly tokens: readonly Token[];
  index: number;
}

const TOKEN = /\s*(&&|\|\||==|!=|[!(){},]|"[^"]*"|'[^']*'|[A-Za-z0-9_./-]+)/y;

function tokenize(selector: string): readonly Token[] {
  const tokens: Token[] = [];
  const end = selector.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const column = TOKEN.lastIndex + /^\s*/.exec(selector.slice(TOKEN.lastIndex))![0].length;
    const match = TOKEN.exec(selector);
    if (match === null) throw problem(selector, column, `cannot read ${JSON.stringify(selector.slice(column))}`);
    tokens.push({ text: match[1]!, column: TOKEN.lastIndex - match[1]!.length });
  }
  return tokens;
}

function either(cursor: Cursor, labels: Labels): boolean {
  let value = both(cursor, labels);
  // Both sides are always read: a mistake behind a true operand is still a mistake.
  while (accept(cursor, '||')) value = both(cursor, labels) || value;
  return value;
}

function both(cursor: Cursor, labels: Labels): boolean {
  let value = term(cursor, labels);
  while (accept(cursor, '&&')) value = term(cursor, labels) && value;
  return value;
}

function term(cursor: Cursor, labels: Labels): boolean {
  if (accept(cursor, '!')) return !term(cursor, labels);
  if (accept(cursor, '(')) {
    const value = either(cursor, labels);
    expect(cursor, ')');
    return value;
  }
  const name = word(cursor);
  if (name === 'all' && accept(cursor, '(')) {
    expect(cursor, ')');
    return true;
  }
  if (name === 'has' && accept(cursor, '(')) {
    const key = word(cursor);
    expect(cursor, ')');
    return Object.hasOwn(labels, key);
  }
  return comparison(cursor, Object.hasOwn(labels, name) ? labels[name] : undefined);
}

function comparison(cursor: Cursor, actual: string | undefined): boolean {
  if (accept(cursor, '==')) return actual === literal(cursor);
  // As in Calico: a label that is absent differs from every value.
  if (accept(cursor, '!=')) return actual !== literal(cursor);
  if (accept(cursor, 'in')) {
    const listed = values(cursor);
    return actual !== undefined && listed.includes(actual);
  }
  if (accept(cursor, 'not')) {
    expect(cursor, 'in');
    const listed = values(cursor);
    return actual === undefined || !listed.includes(actual);
  }
  throw unexpected(cursor);
}

function values(cursor: Cursor): readonly string[] {
  expect(cursor, '{');
  const items: string[] = [];
  while (!accept(cursor, '}')) {
    if (items.length > 0) expect(cursor, ',');
    items.push(literal(cursor));
  }
  return items;
}

function literal(cursor: Cursor): string {
  const text = cursor.tokens[cursor.index]?.text ?? '';
  if (!/^["']/.test(text)) throw unexpected(cursor);
  cursor.index++;
  return text.slice(1, -1);
}

function word(cursor: Cursor): string {
  const text = cursor.tokens[cursor.index]?.text ?? '';
  if (!/^[A-Za-z0-9_./-]+$/.test(text)) throw unexpected(cursor);
  cursor.index++;
  return text;
}

function accept(cursor: Cursor, text: string): boolean {
  if (cursor.tokens[cursor.index]?.text !== text) return false;
  cursor.index++;
  return true;
}

function expect(cursor: Cursor, text: string): void {
  if (!accept(cursor, text)) throw unexpected(cursor);
}

function unexpected(cursor: Cursor): SluiceError<'bad-selector'> {
  const token = cursor.tokens[cursor.index];
  const found = token === undefined ? 'it ends too early' : `unexpected ${token.text}`;
  return problem(cursor.selector, token?.column ?? cursor.selector.length, found);
}

function problem(selector: string, column: number, found: string): SluiceError<'bad-selector'> {
  return new SluiceError('bad-selector', `selector ${JSON.stringify(selector)}, column ${column + 1}: ${found}`, {
    selector,
    column: column + 1,
  });
}
