import { parseCalicoSelector, PLAIN_VOCABULARY } from '../calico-selector.ts';
import type { CalicoVocabulary } from '../calico-selector.ts';
import type { Requirement, Selector } from '../labels.ts';
import { expressionOf, selectorOf } from '../selector-algebra.ts';
import type { FieldRemark, JsonObject } from './conversion.ts';

/** `global()` means what is in no namespace, which no selector of Kubernetes can mean; here it becomes a label like that. */
const NAMESPACES: CalicoVocabulary = {
  ...PLAIN_VOCABULARY,
  global: { kind: 'requirement', requirement: { key: 'projectcalico.org/global', operator: 'Exists', values: [] } },
};
const PODS: CalicoVocabulary = { prefix: '', all: PLAIN_VOCABULARY.all };

/** Calico's labels of namespaces, and what Kubernetes calls them. */
const NAMESPACE_KEYS: ReadonlyMap<string, string> = new Map([
  ['projectcalico.org/name', 'kubernetes.io/metadata.name'],
]);

/** One label selector of Kubernetes for each alternative of a selector on pods; absent or blank selects everything. */
export function podSelectors(text: unknown, path: string, problems: FieldRemark[]): readonly JsonObject[] {
  return selectors(text, PODS, new Map(), path, problems);
}

/** The same for a selector on namespaces. */
export function namespaceSelectors(text: unknown, path: string, problems: FieldRemark[]): readonly JsonObject[] {
  return selectors(text, NAMESPACES, NAMESPACE_KEYS, path, problems);
}

function selectors(
  text: unknown,
  vocabulary: CalicoVocabulary,
  keys: ReadonlyMap<string, string>,
  path: string,
  problems: FieldRemark[],
): readonly JsonObject[] {
  const refuse = (message: string): readonly [] => {
    problems.push({ path, message });
    return [];
  };
  if (text !== undefined && text !== null && typeof text !== 'string') return refuse('must be text');
  const parsed = parseCalicoSelector(text ?? '', vocabulary);
  if ('problem' in parsed) return refuse(`column ${parsed.problem.column}: ${parsed.problem.message}`);
  const alternatives = alternativesOf(parsed.selector).map((each) => labelSelector(each, keys));
  const bad = alternatives.find((each) => typeof each === 'string');
  return bad === undefined ? (alternatives as JsonObject[]) : refuse(bad);
}

function alternativesOf(selector: Selector): readonly Selector[] {
  const expression = expressionOf(selector);
  return expression.kind === 'or' ? expression.terms.map(selectorOf) : [selector];
}

/** Or why there is none. */
function labelSelector(selector: Selector, keys: ReadonlyMap<string, string>): JsonObject | string {
  if (selector.kind === 'nothing') return 'selects nothing, which a label selector cannot say: leave the rule out';
  if (selector.kind === 'expression')
    return 'label selectors know equality, sets and existence, joined by AND; say it with these, or label what is meant';
  const requirements = selector.requirements.map((each) => ({ ...each, key: keys.get(each.key) ?? each.key }));
  const strange = requirements.find(({ key }) => CALICO_LABEL.test(key));
  if (strange !== undefined)
    return `only Calico has the label ${strange.key}: select by a label that the objects themselves carry`;
  const invalid = requirements.find((each) => !isLabel(each));
  if (invalid !== undefined)
    return `Kubernetes accepts no label such as ${invalid.key} with ${invalid.values.join(', ')}`;
  return written(requirements);
}

const CALICO_LABEL = /^(projectcalico\.org\/|pcns\.|pcsa\.)/;
const KEY = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

function isLabel({ key, values }: Requirement): boolean {
  return KEY.test(key) && values.every((value) => VALUE.test(value));
}

/** `matchLabels` where they suffice, as people write them. */
function written(requirements: readonly Requirement[]): JsonObject {
  const labels = new Map<string, string>();
  const expressions: JsonObject[] = [];
  for (const { key, operator, values } of requirements) {
    if (operator === 'In' && values.length === 1 && !labels.has(key)) labels.set(key, values[0]!);
    else expressions.push({ key, operator, ...(values.length === 0 ? {} : { values }) });
  }
  return {
    ...(labels.size === 0 ? {} : { matchLabels: Object.fromEntries(labels) }),
    ...(expressions.length === 0 ? {} : { matchExpressions: expressions }),
  };
}
