import { formatRequirement, meets, quote, quoteValue, requirementKey } from './requirement.ts';
import type { Labels, Requirement } from './requirement.ts';

/** A condition on labels with every operator of Calico's selectors. An absent label meets no `contains` and the like. */
export type Expression =
  | { readonly kind: 'everything' }
  | { readonly kind: 'requirement'; readonly requirement: Requirement }
  | { readonly kind: 'contains' | 'starts-with' | 'ends-with'; readonly key: string; readonly value: string }
  | { readonly kind: 'not'; readonly term: Expression }
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Expression[] };

/** Whether `labels` satisfy the expression. */
export function holds(expression: Expression, labels: Labels | undefined): boolean {
  switch (expression.kind) {
    case 'everything':
      return true;
    case 'requirement':
      return meets(expression.requirement, labels);
    case 'contains':
      return valueOf(labels, expression.key)?.includes(expression.value) === true;
    case 'starts-with':
      return valueOf(labels, expression.key)?.startsWith(expression.value) === true;
    case 'ends-with':
      return valueOf(labels, expression.key)?.endsWith(expression.value) === true;
    case 'not':
      return !holds(expression.term, labels);
    case 'and':
      return expression.terms.every((term) => holds(term, labels));
    case 'or':
      return expression.terms.some((term) => holds(term, labels));
  }
}

/** Identity of an expression: equal forms have equal keys. Slashes, which separate in longer keys, only occur in label keys. */
export function expressionKey(expression: Expression): string {
  switch (expression.kind) {
    case 'everything':
      return '*';
    case 'requirement':
      return requirementKey(expression.requirement);
    case 'contains':
    case 'starts-with':
    case 'ends-with':
      return `${quote(expression.key)} ${expression.kind} ${quoteValue(expression.value)}`;
    case 'not':
      return `!(${expressionKey(expression.term)})`;
    case 'and':
      return `(${expression.terms.map(expressionKey).join('&')})`;
    case 'or':
      return `(${expression.terms.map(expressionKey).join('|')})`;
  }
}

/** The expression for people, requirements in kubectl's syntax. */
export function formatExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'everything':
      return '<all>';
    case 'requirement':
      return formatRequirement(expression.requirement);
    case 'contains':
      return `${expression.key} contains ${expression.value}`;
    case 'starts-with':
      return `${expression.key} starts with ${expression.value}`;
    case 'ends-with':
      return `${expression.key} ends with ${expression.value}`;
    case 'not':
      return `not (${formatExpression(expression.term)})`;
    case 'and':
      return expression.terms
        .map((term) => (term.kind === 'or' ? `(${formatExpression(term)})` : formatExpression(term)))
        .join(' and ');
    case 'or':
      return expression.terms
        .map((term) => (term.kind === 'and' ? `(${formatExpression(term)})` : formatExpression(term)))
        .join(' or ');
  }
}

function valueOf(labels: Labels | undefined, key: string): string | undefined {
  return labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
}
