import { allOf, EVERYTHING } from '../kube/labels.ts';
import type { Selector } from '../kube/labels.ts';
import { NAMESPACE_LABEL } from '../policy/effective-labels.ts';
import type { PodSet } from '../policy/model.ts';

/**
 * The pods that a selector on effective labels chooses, with its namespace said as such where it asks for one by name.
 * So these sets are found by their namespace, and are the same as those of the APIs that say it so themselves.
 */
export function podSetOf(selector: Selector): PodSet {
  const anywhere: PodSet = { namespaces: { kind: 'selector', selector: EVERYTHING }, pods: selector };
  if (selector.kind !== 'all-of') return anywhere;
  const place = selector.requirements.find(
    ({ key, operator, values }) => key === NAMESPACE_LABEL && operator === 'In' && values.length === 1,
  );
  if (place === undefined) return anywhere;
  return {
    namespaces: { kind: 'name', name: place.values[0]! },
    pods: allOf(selector.requirements.filter((each) => each !== place)),
  };
}
