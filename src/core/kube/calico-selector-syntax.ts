/** A Calico selector as it is written, without any meaning given to it yet. */
export type CalicoSyntax =
  | { readonly kind: 'all' | 'global' }
  | { readonly kind: 'has'; readonly key: string }
  | {
      readonly kind: 'compare';
      readonly key: string;
      readonly operator: '==' | '!=' | 'contains' | 'starts with' | 'ends with';
      readonly value: string;
    }
  /** Values are sorted and without duplicates; there may be none. */
  | {
      readonly kind: 'member';
      readonly key: string;
      readonly operator: 'in' | 'not in';
      readonly values: readonly string[];
    }
  | { readonly kind: 'not'; readonly term: CalicoSyntax }
  /** Two terms or more. */
  | { readonly kind: 'and' | 'or'; readonly terms: readonly CalicoSyntax[] };

/** Why a text is no selector. `column` counts from 1; one past the end when the text ends too early. */
export interface CalicoSyntaxProblem {
  readonly column: number;
  readonly message: string;
}

/** Far deeper than Calico's limit of 1024 characters for a selector makes sensible, and no danger to the stack. */
const DEEPEST = 500;

/**
 * Reads Calico's selector language: `k == "v"`, `!=`, `in {…}`, `not in {…}`, `contains`, `starts with`, `ends with`,
 * `has(k)`, `all()`, `global()`, `!`, `&&` before `||`, parentheses. Texts are in either kind of quote and know no escapes;
 * only spaces and tabs separate. A blank selector is `all()`.
 */
export function parseCalicoSyntax(
  text: string,
): { readonly syntax: CalicoSyntax } | { readonly problem: CalicoSyntaxProblem } {
  const reader: Reader = { text, at: 0, depth: 0, problem: undefined };
  skipBlanks(reader);
  if (reader.at === text.length) return { syntax: { kind: 'all' } };
  const syntax = readOr(reader);
  if (syntax !== undefined && reader.at < text.length) unexpected(reader, 'expected && or || or the end');
  return reader.problem === undefined ? { syntax: syntax! } : { problem: reader.problem };
}

/** The selector as Calico itself writes it: double quotes where possible, conjunctions and disjunctions in parentheses. */
export function formatCalicoSyntax(syntax: CalicoSyntax): string {
  switch (syntax.kind) {
    case 'all':
    case 'global':
      return `${syntax.kind}()`;
    case 'has':
      return `has(${syntax.key})`;
    case 'compare':
      return `${syntax.key} ${syntax.operator} ${quoted(syntax.value)}`;
    case 'member':
      return `${syntax.key} ${syntax.operator} {${syntax.values.map(quoted).join(', ')}}`;
    case 'not':
      return `!${formatCalicoSyntax(syntax.term)}`;
    case 'and':
      return `(${syntax.terms.map(formatCalicoSyntax).join(' && ')})`;
    case 'or':
      return `(${syntax.terms.map(formatCalicoSyntax).join(' || ')})`;
  }
}

function quoted(value: string): string {
  return value.includes('"') ? `'${value}'` : `"${value}"`;
}

interface Reader {
  readonly text: string;
  /** Always at the first character of a token, or at the end. */
  at: number;
  depth: number;
  problem: CalicoSyntaxProblem | undefined;
}

function readOr(reader: Reader): CalicoSyntax | undefined {
  return readList(reader, '||', 'or', readAnd);
}

function readAnd(reader: Reader): CalicoSyntax | undefined {
  return readList(reader, '&&', 'and', readNot);
}

function readList(
  reader: Reader,
  separator: '&&' | '||',
  kind: 'and' | 'or',
  readTerm: (reader: Reader) => CalicoSyntax | undefined,
): CalicoSyntax | undefined {
  const terms: CalicoSyntax[] = [];
  do {
    const term = readTerm(reader);
    if (term === undefined) return undefined;
    terms.push(term);
  } while (accept(reader, separator));
  return terms.length === 1 ? terms[0] : { kind, terms };
}

function readNot(reader: Reader): CalicoSyntax | undefined {
  let negated = false;
  while (accept(reader, '!')) negated = !negated;
  const term = readTerm(reader);
  if (term === undefined || !negated) return term;
  return term.kind === 'not' ? term.term : { kind: 'not', term };
}

function readTerm(reader: Reader): CalicoSyntax | undefined {
  if (accept(reader, '(')) return readGroup(reader);
  // Only with the parenthesis directly behind it is it a function: a label may be called has, all or global.
  if (accept(reader, 'has(')) return readHas(reader);
  for (const kind of ['all', 'global'] as const)
    if (accept(reader, `${kind}(`)) return accept(reader, ')') ? { kind } : unexpected(reader, 'expected )');
  const key = readKey(reader);
  if (key === undefined) return unexpected(reader, 'expected a label, has(…), all(), global(), ! or (');
  return readComparison(reader, key);
}

function readGroup(reader: Reader): CalicoSyntax | undefined {
  if (++reader.depth > DEEPEST) return unexpected(reader, `parentheses are nested more than ${DEEPEST} deep`);
  const inner = readOr(reader);
  reader.depth--;
  if (inner === undefined) return undefined;
  return accept(reader, ')') ? inner : unexpected(reader, 'expected )');
}

function readHas(reader: Reader): CalicoSyntax | undefined {
  const key = readKey(reader);
  if (key === undefined) return unexpected(reader, 'expected the name of a label');
  return accept(reader, ')') ? { kind: 'has', key } : unexpected(reader, 'expected )');
}

function readComparison(reader: Reader, key: string): CalicoSyntax | undefined {
  for (const operator of ['==', '!=', 'contains'] as const) if (accept(reader, operator)) return compare(operator);
  for (const word of ['starts', 'ends'] as const)
    if (accept(reader, word))
      return accept(reader, 'with') ? compare(`${word} with`) : unexpected(reader, 'expected with');
  if (accept(reader, 'not')) return accept(reader, 'in') ? member('not in') : unexpected(reader, 'expected in');
  if (accept(reader, 'in')) return member('in');
  return unexpected(reader, 'expected ==, !=, in, not in, contains, starts with or ends with');

  function compare(operator: (CalicoSyntax & { kind: 'compare' })['operator']): CalicoSyntax | undefined {
    const value = readText(reader);
    return value === undefined ? undefined : { kind: 'compare', key, operator, value };
  }

  function member(operator: 'in' | 'not in'): CalicoSyntax | undefined {
    const values = readTexts(reader);
    return values === undefined ? undefined : { kind: 'member', key, operator, values: [...new Set(values)].sort() };
  }
}

/** `{"a", "b"}`; empty and with a comma at the end it is good, too, as in Calico. */
function readTexts(reader: Reader): string[] | undefined {
  if (!accept(reader, '{')) return unexpected(reader, 'expected { and a list of quoted texts');
  const values: string[] = [];
  while (/["']/.test(reader.text[reader.at] ?? '')) {
    const value = readText(reader);
    if (value === undefined) return undefined;
    values.push(value);
    if (!accept(reader, ',')) break;
  }
  return accept(reader, '}') ? values : unexpected(reader, 'expected } or another quoted text');
}

function readText(reader: Reader): string | undefined {
  const quote = reader.text[reader.at];
  if (quote !== '"' && quote !== "'") return unexpected(reader, 'expected a text in quotes');
  const end = reader.text.indexOf(quote, reader.at + 1);
  if (end < 0) return problem(reader, `the text has no closing ${quote}`);
  const value = reader.text.slice(reader.at + 1, end);
  reader.at = end + 1;
  skipBlanks(reader);
  return value;
}

const KEY = /[A-Za-z0-9_./-]+/y;

function readKey(reader: Reader): string | undefined {
  KEY.lastIndex = reader.at;
  const key = KEY.exec(reader.text)?.[0];
  if (key === undefined) return undefined;
  reader.at += key.length;
  skipBlanks(reader);
  return key;
}

function accept(reader: Reader, token: string): boolean {
  if (!reader.text.startsWith(token, reader.at)) return false;
  // `! =` is no operator, and `!=` no negation of something that begins with =.
  if (token === '!' && reader.text[reader.at + 1] === '=') return false;
  reader.at += token.length;
  skipBlanks(reader);
  return true;
}

function skipBlanks(reader: Reader): void {
  while (reader.text[reader.at] === ' ' || reader.text[reader.at] === '\t') reader.at++;
}

function unexpected(reader: Reader, wanted: string): undefined {
  const found = /^(?:[A-Za-z0-9_./-]+|&&|\|\||[!=]=|[^]?)/u.exec(reader.text.slice(reader.at))![0];
  return problem(
    reader,
    found === '' ? `${wanted}, but the selector ends` : `${wanted}, found ${JSON.stringify(found)}`,
  );
}

/** The first problem is the one that counts. */
function problem(reader: Reader, message: string): undefined {
  reader.problem ??= { column: reader.at + 1, message };
}
