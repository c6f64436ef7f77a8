import type { Expression } from '../kube/expression.ts';
import { matchesLabels } from '../kube/labels.ts';
import type { Labels, Selector } from '../kube/labels.ts';

/** So many ways of meeting one selector are told apart. */
const LIMIT = 16;

/**
 * Labels that meet the selector and have no others: one set for each of its alternatives and each value that it lists, the
 * first {@link LIMIT} of them. None where no labels would do.
 */
export function exampleLabels(selector: Selector): Labels[] {
  if (selector.kind === 'nothing') return [];
  const found = new Map<string, Labels>();
  for (const conditions of alternativesOf(selector))
    for (const labels of assignments(conditions))
      if (found.size < LIMIT && matchesLabels(selector, labels)) found.set(labelText(labels), labels);
  return [...found.values()];
}

/** The labels in order of their keys: `app=web,tier=db`. */
export function labelText(labels: Labels): string {
  return Object.keys(labels)
    .sort()
    .map((key) => `${key}=${labels[key]}`)
    .join(',');
}

type Condition = Exclude<Expression, { readonly kind: 'and' | 'or' | 'everything' }>;

function alternativesOf(selector: Exclude<Selector, { readonly kind: 'nothing' }>): Condition[][] {
  if (selector.kind === 'expression') return disjunction(selector.expression);
  return [selector.requirements.map((requirement) => ({ kind: 'requirement', requirement }))];
}

/** Conditions that must hold together; any of the lists is enough. Negations stand at single conditions in normal form. */
function disjunction(expression: Expression): Condition[][] {
  switch (expression.kind) {
    case 'everything':
      return [[]];
    case 'or':
      return expression.terms.flatMap(disjunction);
    case 'and':
      return expression.terms
        .map(disjunction)
        .reduce<Condition[][]>(
          (all, next) => all.flatMap((one) => next.map((other) => [...one, ...other])).slice(0, LIMIT * LIMIT),
          [[]],
        );
    case 'requirement':
    case 'contains':
    case 'starts-with':
    case 'ends-with':
    case 'not':
      return [[expression]];
  }
}

/** Every choice of a value for each key of which there are some to choose from. */
function assignments(conditions: readonly Condition[]): Labels[] {
  const byKey = Map.groupBy(conditions, keyOf);
  let all: Labels[] = [{}];
  for (const [key, own] of byKey) {
    const values = valuesFor(own);
    all = all.flatMap((labels) => values.map((value) => (value === undefined ? labels : { ...labels, [key]: value })));
    all = all.slice(0, LIMIT * LIMIT);
  }
  return all;
}

function keyOf(condition: Condition): string {
  if (condition.kind === 'not') return keyOf(condition.term as Condition);
  return condition.kind === 'requirement' ? condition.requirement.key : condition.key;
}

/** Values that may do for one key, and undefined for none; whoever asks looks whether they really do. */
function valuesFor(conditions: readonly Condition[]): (string | undefined)[] {
  const listed = conditions.flatMap((each) =>
    each.kind === 'requirement' && each.requirement.operator === 'In' ? each.requirement.values : [],
  );
  if (listed.length > 0) return [...new Set(listed)];
  const parts = (kind: Condition['kind']): string =>
    conditions.flatMap((each) => (each.kind === kind && 'value' in each ? [each.value] : [])).join('');
  const made = parts('starts-with') + parts('contains') + parts('ends-with');
  const isAsked = conditions.some((each) => each.kind === 'requirement' && each.requirement.operator === 'Exists');
  if (made !== '') return [made];
  return isAsked ? ['any', 'other'] : [undefined];
}
