import { matchesLabels } from '../kube/labels.ts';
import type { Labels, Requirement, Selector } from '../kube/labels.ts';
import { allOf, formatSelector } from '../kube/labels.ts';
import { suggest } from '../kube/suggest.ts';
import type { Workload } from './lint-cluster.ts';

/**
 * What a selector that matches none of `candidates` was probably meant to be, in kubectl's syntax: the selector with its
 * misspelt keys and values corrected to labels that exist, if it then matches one of them.
 */
export function nearSelector(selector: Selector, candidates: readonly Labels[]): string | undefined {
  if (selector.kind !== 'all-of') return undefined;
  const values = new Map<string, Set<string>>();
  for (const labels of candidates)
    for (const [key, value] of Object.entries(labels)) values.set(key, (values.get(key) ?? new Set()).add(value));
  const corrected = selector.requirements.map((each) => correct(each, values));
  const meant = allOf(corrected);
  const changed = corrected.some((each, index) => each !== selector.requirements[index]);
  return changed && candidates.some((labels) => matchesLabels(meant, labels)) ? formatSelector(meant) : undefined;
}

function correct(requirement: Requirement, values: ReadonlyMap<string, ReadonlySet<string>>): Requirement {
  const { operator } = requirement;
  if (operator !== 'In' && operator !== 'Exists') return requirement;
  const key = values.has(requirement.key) ? requirement.key : suggest(requirement.key, values.keys());
  if (key === undefined) return swapped(requirement, values);
  const known = values.get(key)!;
  const wanted = requirement.values.map((each) => (known.has(each) ? each : (suggest(each, known) ?? each)));
  const same = key === requirement.key && wanted.every((each, index) => each === requirement.values[index]);
  if (!same) return { key, operator, values: wanted };
  return operator === 'In' && !wanted.some((each) => known.has(each)) ? swapped(requirement, values) : requirement;
}

/** Labels whose keys people take for each other; `k8s-app` beside `app`, and the recommended ones of Kubernetes. */
const SYNONYMS: readonly (readonly string[])[] = [
  ['app', 'k8s-app', 'app.kubernetes.io/name', 'app.kubernetes.io/instance', 'run', 'name'],
  ['component', 'role', 'tier', 'app.kubernetes.io/component'],
];

/** The same value under another key that means as much. */
function swapped(requirement: Requirement, values: ReadonlyMap<string, ReadonlySet<string>>): Requirement {
  const alike = SYNONYMS.find((keys) => keys.includes(requirement.key)) ?? [];
  const key = alike.find((each) => requirement.values.some((value) => values.get(each)?.has(value) === true));
  return key === undefined ? requirement : { ...requirement, key };
}

/** Each set of labels once, of the pods' own. */
export function labelsOf(workloads: readonly Workload[]): readonly Labels[] {
  return [...new Set(workloads.map(({ pod }) => pod.labels))];
}
