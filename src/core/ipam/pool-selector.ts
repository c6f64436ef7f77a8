import { SluiceError } from '../../base/errors.ts';
import { parseCalicoSelector } from '../kube/calico-selector.ts';
import { matchesLabels } from '../kube/labels.ts';

/**
 * Whether a node or a namespace with `labels` is selected by `selector`, in Calico's language. An empty one selects all.
 * Throws a SluiceError (`bad-selector`) with the column of what it cannot read.
 */
export function labelsSelected(selector: string, labels: Readonly<Record<string, string>>): boolean {
  const parsed = parseCalicoSelector(selector);
  if ('selector' in parsed) return matchesLabels(parsed.selector, labels);
  const { column, message } = parsed.problem;
  throw new SluiceError('bad-selector', `selector ${JSON.stringify(selector)}, column ${column}: ${message}`, {
    selector,
    column,
  });
}
