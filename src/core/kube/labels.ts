import { formatRequirement, meets, quote, requirementKey } from './requirement.ts';
import type { Labels, Requirement } from './requirement.ts';
import { expressionKey, formatExpression, holds } from './expression.ts';
import type { Expression } from './expression.ts';
import type { LabelSelector } from './types.ts';

export { formatRequirement, meets } from './requirement.ts';
export type { Labels, Requirement } from './requirement.ts';

/**
 * A label selector in canonical form. `all-of`: every requirement must hold, so no requirement means everything;
 * requirements are sorted and without duplicates, and `matchLabels` has become `In` with one value. What is no conjunction
 * of requirements is an `expression`.
 */
export type Selector =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'all-of'; readonly requirements: readonly Requirement[] }
  | { readonly kind: 'expression'; readonly expression: Expression };

/** A clause that no label set can be tested against, with the path inside the selector. */
export interface SelectorProblem {
  readonly path: string;
  readonly message: string;
}

/** The selector that selects everything: `{}`. */
export const EVERYTHING: Selector = { kind: 'all-of', requirements: [] };

/** The selector that selects nothing: an absent `metav1.LabelSelector`. */
export const NOTHING: Selector = { kind: 'nothing' };

/**
 * Reads a `metav1.LabelSelector`: absent (null) selects nothing, empty selects everything. Returns the problems instead
 * of a selector when any clause cannot be understood.
 */
export function parseSelector(
  selector: LabelSelector | null | undefined,
): { readonly selector: Selector } | { readonly problems: readonly SelectorProblem[] } {
  if (selector === null || selector === undefined) return { selector: NOTHING };
  if (!isRecord(selector)) return { problems: [{ path: '', message: 'must be an object' }] };
  const problems: SelectorProblem[] = [];
  const requirements = [
    ...fromMatchLabels(selector.matchLabels, problems),
    ...fromExpressions(selector.matchExpressions, problems),
  ];
  return problems.length > 0 ? { problems } : { selector: allOf(requirements) };
}

/** The canonical selector of the conjunction of `requirements`. */
export function allOf(requirements: readonly Requirement[]): Selector {
  const canonical = new Map<string, Requirement>();
  for (const { key, operator, values } of requirements) {
    const requirement = { key, operator, values: [...new Set(values)].sort() };
    canonical.set(requirementKey(requirement), requirement);
  }
  const sorted = [...canonical.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
  return { kind: 'all-of', requirements: sorted.map(([, requirement]) => requirement) };
}

/** The selector of a plain label map, as Services have it; an absent or empty map selects nothing there. */
export function parseLabelMap(labels: Labels | null | undefined): Selector {
  const entries = Object.entries(labels ?? {});
  if (entries.length === 0) return NOTHING;
  return allOf(entries.map(([key, value]) => ({ key, operator: 'In', values: [value] })));
}

/** Whether `labels` satisfy `selector`. `NotIn` holds for an absent key, as in Kubernetes. */
export function matchesLabels(selector: Selector, labels: Labels | undefined): boolean {
  if (selector.kind === 'nothing') return false;
  if (selector.kind === 'expression') return holds(selector.expression, labels);
  return selector.requirements.every((requirement) => meets(requirement, labels));
}

/** Requirements that whatever the selector chooses must meet; for an expression those that can be told from its form. */
export function necessaryRequirements(selector: Selector): readonly Requirement[] {
  if (selector.kind === 'nothing') return [];
  if (selector.kind === 'all-of') return selector.requirements;
  const { expression } = selector;
  const terms = expression.kind === 'and' ? expression.terms : [expression];
  return terms.flatMap((term) => (term.kind === 'requirement' ? [term.requirement] : []));
}

/** Identity of a selector: equal exactly when the canonical forms are equal. `*` is everything, `!` nothing. */
export function selectorKey(selector: Selector): string {
  if (selector.kind === 'nothing') return '!';
  if (selector.kind === 'expression') return `?${expressionKey(selector.expression)}`;
  return selector.requirements.length === 0 ? '*' : selector.requirements.map(requirementKey).join('&');
}

/** The selector in kubectl's syntax, for people: `app=web,tier in (a,b),!old`. Everything is `<all>`, nothing `<none>`. */
export function formatSelector(selector: Selector): string {
  if (selector.kind === 'nothing') return '<none>';
  if (selector.kind === 'expression') return formatExpression(selector.expression);
  return selector.requirements.length === 0 ? '<all>' : selector.requirements.map(formatRequirement).join(',');
}

/** Identity of a set of labels, independent of the order of its keys. */
export function labelsKey(labels: Labels | undefined): string {
  const keys = Object.keys(labels ?? {}).sort();
  return keys.map((key) => `${quote(key)}=${quote(labels![key]!)}`).join('&');
}

function fromMatchLabels(labels: unknown, problems: SelectorProblem[]): Requirement[] {
  if (labels === undefined || labels === null) return [];
  if (!isRecord(labels)) {
    problems.push({ path: 'matchLabels', message: 'must be a map of strings' });
    return [];
  }
  const requirements: Requirement[] = [];
  for (const [key, value] of Object.entries(labels)) {
    if (typeof value === 'string') requirements.push({ key, operator: 'In', values: [value] });
    else problems.push({ path: `matchLabels[${key}]`, message: 'must be a string' });
  }
  return requirements;
}

function fromExpressions(expressions: unknown, problems: SelectorProblem[]): Requirement[] {
  if (expressions === undefined || expressions === null) return [];
  if (!Array.isArray(expressions)) {
    problems.push({ path: 'matchExpressions', message: 'must be a list' });
    return [];
  }
  return expressions.flatMap((expression: unknown, index) => {
    const read = readExpression(expression);
    if (typeof read !== 'string') return [read];
    problems.push({ path: `matchExpressions[${index}]`, message: read });
    return [];
  });
}

function readExpression(expression: unknown): Requirement | string {
  if (!isRecord(expression) || typeof expression['key'] !== 'string' || expression['key'] === '')
    return 'must have a key';
  const values: unknown = expression['values'] ?? [];
  if (!Array.isArray(values) || !values.every((value) => typeof value === 'string'))
    return 'values must be a list of strings';
  const { key, operator } = expression;
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length === 0
        ? `values must not be empty when the operator is ${operator}`
        : { key, operator, values };
    case 'Exists':
    case 'DoesNotExist':
      return values.length > 0 ? `values must be empty when the operator is ${operator}` : { key, operator, values };
    default:
      return 'operator must be In, NotIn, Exists or DoesNotExist';
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
