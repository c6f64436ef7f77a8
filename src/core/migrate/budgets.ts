import { matchesLabels, parseSelector } from '../kube/labels.ts';
import type { Pod, PodDisruptionBudget } from '../kube/types.ts';
import type { Observed } from './model.ts';

/** PodDisruptionBudgets that select a pod. */
function budgetsOf({ metadata }: Pod, { budgets }: Pick<Observed, 'budgets'>): readonly PodDisruptionBudget[] {
  return budgets.filter(({ metadata: own, spec }) => {
    if (own?.namespace !== metadata?.namespace || spec?.selector === undefined) return false;
    const parsed = parseSelector(spec.selector);
    return 'selector' in parsed && matchesLabels(parsed.selector, metadata?.labels);
  });
}

/**
 * Which budgets let none of their pods go now, in words that say what they lack:
 * `PodDisruptionBudget default/web keeps default/web-1 (2 healthy pods are needed, and 2 are there)`.
 */
export function keptByBudgets(pods: readonly Pod[], observed: Pick<Observed, 'budgets'>): readonly string[] {
  return observed.budgets.flatMap((budget) => {
    const { disruptionsAllowed = 0, desiredHealthy = 0, currentHealthy = 0 } = budget.status ?? {};
    const kept = pods.filter((pod) => budgetsOf(pod, observed).includes(budget));
    if (disruptionsAllowed > 0 || kept.length === 0) return [];
    const { namespace, name } = budget.metadata ?? {};
    const names = kept.map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`).join(', ');
    const why = `${desiredHealthy} healthy pods are needed, and ${currentHealthy} are there`;
    return [`PodDisruptionBudget ${namespace}/${name} keeps ${names} (${why})`];
  });
}

/** Pods that no API server evicts, because more than one budget has them. Undefined: none. */
export function doublyBudgeted(pods: readonly Pod[], observed: Pick<Observed, 'budgets'>): string | undefined {
  const found = pods.filter((pod) => budgetsOf(pod, observed).length > 1);
  if (found.length === 0) return undefined;
  const names = found.map((pod) => {
    const budgets = budgetsOf(pod, observed).map(({ metadata }) => metadata?.name);
    return `${pod.metadata?.namespace}/${pod.metadata?.name} (${budgets.join(', ')})`;
  });
  return `more than one PodDisruptionBudget has ${names.join(', ')}, and such a pod is never evicted`;
}
