import { expressionKey } from './expression.ts';
import type { Expression } from './expression.ts';
import { EVERYTHING, NOTHING, allOf } from './labels.ts';
import type { Selector } from './labels.ts';
import type { Requirement } from './requirement.ts';

const ALL: Expression = { kind: 'everything' };
const NONE: Expression = { kind: 'not', term: ALL };

/**
 * The canonical selector of an expression: negations pushed down to the labels, conjunctions and disjunctions flattened,
 * sorted and without duplicates. A plain conjunction of requirements becomes `all-of`, so that it equals, and shares its
 * set with, the Kubernetes selector that says the same.
 */
export function selectorOf(expression: Expression): Selector {
  const normal = normalForm(expression, false);
  if (normal.kind === 'everything') return EVERYTHING;
  if (isNone(normal)) return NOTHING;
  const terms = normal.kind === 'and' ? normal.terms : [normal];
  const requirements = terms.flatMap((term) => (term.kind === 'requirement' ? [term.requirement] : []));
  return requirements.length === terms.length ? allOf(requirements) : { kind: 'expression', expression: normal };
}

/** The selector as an expression: the inverse of {@link selectorOf} up to canonical form. */
export function expressionOf(selector: Selector): Expression {
  if (selector.kind === 'nothing') return NONE;
  if (selector.kind === 'expression') return selector.expression;
  const terms = selector.requirements.map((requirement): Expression => ({ kind: 'requirement', requirement }));
  return terms.length === 0 ? ALL : terms.length === 1 ? terms[0]! : { kind: 'and', terms };
}

/** What every one of the selectors selects; everything when there are none. */
export function conjunction(selectors: readonly Selector[]): Selector {
  return selectorOf({ kind: 'and', terms: selectors.map(expressionOf) });
}

function normalForm(expression: Expression, negated: boolean): Expression {
  switch (expression.kind) {
    case 'everything':
      return negated ? NONE : ALL;
    case 'requirement':
      return normalRequirement(negated ? complement(expression.requirement) : expression.requirement);
    case 'contains':
    case 'starts-with':
    case 'ends-with': {
      // Every text contains the empty one: what is left to ask is that the label is there.
      if (expression.value === '') return normalForm(exists(expression.key), negated);
      return negated ? { kind: 'not', term: expression } : expression;
    }
    case 'not':
      return normalForm(expression.term, !negated);
    case 'and':
    case 'or': {
      const kind = (expression.kind === 'and') === negated ? 'or' : 'and';
      return join(
        kind,
        expression.terms.map((term) => normalForm(term, negated)),
      );
    }
  }
}

/** `terms` are in normal form. */
function join(kind: 'and' | 'or', terms: readonly Expression[]): Expression {
  const [neutral, absorbing] = kind === 'and' ? [ALL, NONE] : [NONE, ALL];
  const flat = terms.flatMap((term) => (term.kind === kind ? term.terms : [term]));
  const keyOfAbsorbing = expressionKey(absorbing);
  const byKey = new Map<string, Expression>();
  for (const term of kind === 'or' ? mergeValues(flat) : flat) byKey.set(expressionKey(term), term);
  if (byKey.has(keyOfAbsorbing)) return absorbing;
  byKey.delete(expressionKey(neutral));
  const sorted = [...byKey.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, term]) => term);
  if (sorted.length === 0) return neutral;
  return sorted.length === 1 ? sorted[0]! : { kind, terms: sorted };
}

/** `a == "x" || a == "y"` is `a in {"x", "y"}`. */
function mergeValues(terms: readonly Expression[]): Expression[] {
  const values = new Map<string, string[]>();
  const others: Expression[] = [];
  for (const term of terms) {
    if (term.kind !== 'requirement' || term.requirement.operator !== 'In') others.push(term);
    else values.set(term.requirement.key, [...(values.get(term.requirement.key) ?? []), ...term.requirement.values]);
  }
  const merged = [...values].map(([key, each]) => normalRequirement({ key, operator: 'In', values: each }));
  return [...others, ...merged];
}

function normalRequirement({ key, operator, values }: Requirement): Expression {
  if (operator === 'In' && values.length === 0) return NONE;
  if (operator === 'NotIn' && values.length === 0) return ALL;
  return { kind: 'requirement', requirement: { key, operator, values: [...new Set(values)].sort() } };
}

function exists(key: string): Expression {
  return { kind: 'requirement', requirement: { key, operator: 'Exists', values: [] } };
}

const COMPLEMENTS = { In: 'NotIn', NotIn: 'In', Exists: 'DoesNotExist', DoesNotExist: 'Exists' } as const;

function complement({ key, operator, values }: Requirement): Requirement {
  return { key, operator: COMPLEMENTS[operator], values };
}

function isNone(expression: Expression): boolean {
  return expression.kind === 'not' && expression.term.kind === 'everything';
}
