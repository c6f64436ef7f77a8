import type { LabelSelector } from 'kubernetes-types/meta/v1.d.ts';
import { matchesLabels, parseLabelMap, parseSelector, type Labels, type Selector } from '../../../core/kube/labels.ts';

/** The canonical form of a selector; one that cannot be understood selects nothing. */
export function selectorOf(selector: LabelSelector | undefined): Selector {
  const parsed = parseSelector(selector);
  return 'selector' in parsed ? parsed.selector : { kind: 'nothing' };
}

/** Whether `labels` satisfy `selector`; false when the selector is absent or cannot be understood. */
export function selects(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  return matchesLabels(selectorOf(selector), labels);
}

/** Whether `labels` satisfy a Service's plain map of labels; an absent or empty map selects nothing. */
export function selectsByMap(map: Labels | undefined, labels: Labels | undefined): boolean {
  return matchesLabels(parseLabelMap(map), labels);
}
