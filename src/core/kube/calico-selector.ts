import { formatCalicoSyntax, parseCalicoSyntax } from './calico-selector-syntax.ts';
import type { CalicoSyntax, CalicoSyntaxProblem } from './calico-selector-syntax.ts';
import type { Expression } from './expression.ts';
import type { Selector } from './labels.ts';
import type { Requirement } from './requirement.ts';
import { expressionOf, selectorOf } from './selector-algebra.ts';

/** What the words of a selector stand for: one language is used on endpoints, namespaces and service accounts. */
export interface CalicoVocabulary {
  /** Put before every label's name. */
  readonly prefix: string;
  /** What `all()` means. */
  readonly all: Expression;
  /** What `global()` means; absent where it must not stand. */
  readonly global?: Expression;
}

/** The language by itself: labels under their own names, `all()` and `global()` always true. */
export const PLAIN_VOCABULARY: CalicoVocabulary = {
  prefix: '',
  all: { kind: 'everything' },
  global: { kind: 'everything' },
};

/** The canonical selector that a text in Calico's language means; blank means `all()`. */
export function parseCalicoSelector(
  text: string,
  vocabulary: CalicoVocabulary = PLAIN_VOCABULARY,
): { readonly selector: Selector } | { readonly problem: CalicoSyntaxProblem } {
  const parsed = parseCalicoSyntax(text);
  if ('problem' in parsed) return parsed;
  if (vocabulary.global === undefined && mentionsGlobal(parsed.syntax)) {
    const column = text.indexOf('global(') + 1;
    return { problem: { column, message: 'global() only has a meaning in the namespaceSelector of a rule' } };
  }
  return { selector: selectorOf(meaning(parsed.syntax, vocabulary)) };
}

/**
 * The selector in Calico's language, which {@link parseCalicoSelector} reads back as the same. Undefined when the language
 * cannot say it: a value that has both kinds of quote, a label name with a character that names cannot have.
 */
export function formatCalicoSelector(selector: Selector): string | undefined {
  const text = formatCalicoSyntax(syntaxOf(expressionOf(selector)));
  // Calico's own form has every conjunction in parentheses; around the whole they only disturb.
  const bare = /^\((.*)\)$/s.exec(text)?.[1];
  const readable = bare !== undefined && sameSyntax(bare, text) ? bare : text;
  const read = parseCalicoSyntax(readable);
  return 'syntax' in read && formatCalicoSyntax(read.syntax) === text ? readable : undefined;
}

function sameSyntax(a: string, b: string): boolean {
  const [left, right] = [parseCalicoSyntax(a), parseCalicoSyntax(b)];
  return 'syntax' in left && 'syntax' in right && formatCalicoSyntax(left.syntax) === formatCalicoSyntax(right.syntax);
}

function mentionsGlobal(syntax: CalicoSyntax): boolean {
  if (syntax.kind === 'not') return mentionsGlobal(syntax.term);
  return syntax.kind === 'and' || syntax.kind === 'or' ? syntax.terms.some(mentionsGlobal) : syntax.kind === 'global';
}

function meaning(syntax: CalicoSyntax, vocabulary: CalicoVocabulary): Expression {
  switch (syntax.kind) {
    case 'all':
      return vocabulary.all;
    case 'global':
      return vocabulary.global ?? PLAIN_VOCABULARY.all;
    case 'has':
      return requirement('Exists', vocabulary.prefix + syntax.key, []);
    case 'member':
      return requirement(syntax.operator === 'in' ? 'In' : 'NotIn', vocabulary.prefix + syntax.key, syntax.values);
    case 'compare':
      return comparison(syntax.operator, vocabulary.prefix + syntax.key, syntax.value);
    case 'not':
      return { kind: 'not', term: meaning(syntax.term, vocabulary) };
    case 'and':
    case 'or':
      return { kind: syntax.kind, terms: syntax.terms.map((term) => meaning(term, vocabulary)) };
  }
}

/** `!=` and `not in` hold for a label that is absent, the others do not. */
function comparison(
  operator: (CalicoSyntax & { kind: 'compare' })['operator'],
  key: string,
  value: string,
): Expression {
  switch (operator) {
    case '==':
      return requirement('In', key, [value]);
    case '!=':
      return requirement('NotIn', key, [value]);
    case 'contains':
      return { kind: 'contains', key, value };
    case 'starts with':
      return { kind: 'starts-with', key, value };
    case 'ends with':
      return { kind: 'ends-with', key, value };
  }
}

function requirement(operator: Requirement['operator'], key: string, values: readonly string[]): Expression {
  return { kind: 'requirement', requirement: { key, operator, values } };
}

const OPERATORS = { contains: 'contains', 'starts-with': 'starts with', 'ends-with': 'ends with' } as const;

function syntaxOf(expression: Expression): CalicoSyntax {
  switch (expression.kind) {
    case 'everything':
      return { kind: 'all' };
    case 'requirement':
      return requirementSyntax(expression.requirement);
    case 'contains':
    case 'starts-with':
    case 'ends-with':
      return {
        kind: 'compare',
        key: expression.key,
        operator: OPERATORS[expression.kind],
        value: expression.value,
      };
    case 'not':
      return { kind: 'not', term: syntaxOf(expression.term) };
    case 'and':
    case 'or':
      return { kind: expression.kind, terms: expression.terms.map(syntaxOf) };
  }
}

function requirementSyntax({ key, operator, values }: Requirement): CalicoSyntax {
  switch (operator) {
    case 'Exists':
      return { kind: 'has', key };
    case 'DoesNotExist':
      return { kind: 'not', term: { kind: 'has', key } };
    case 'In':
    case 'NotIn':
      return values.length === 1
        ? { kind: 'compare', key, operator: operator === 'In' ? '==' : '!=', value: values[0]! }
        : { kind: 'member', key, operator: operator === 'In' ? 'in' : 'not in', values };
  }
}
