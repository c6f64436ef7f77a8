import type { Expression } from '../kube/expression.ts';
import type { Selector } from '../kube/labels.ts';
import { NAMESPACE_PREFIX, SERVICE_ACCOUNT_PREFIX } from '../policy/effective-labels.ts';

/** What `effectiveLabels` adds begins with one of these. */
const ORIGINS = ['projectcalico.org/', NAMESPACE_PREFIX, SERVICE_ACCOUNT_PREFIX];

/** Whether the selector asks for labels that an endpoint has from its namespace or its service account. */
export function readsOrigin(selector: Selector): boolean {
  if (selector.kind === 'nothing') return false;
  if (selector.kind === 'all-of') return selector.requirements.some(({ key }) => isOrigin(key));
  return reads(selector.expression);
}

function reads(expression: Expression): boolean {
  switch (expression.kind) {
    case 'everything':
      return false;
    case 'requirement':
      return isOrigin(expression.requirement.key);
    case 'contains':
    case 'starts-with':
    case 'ends-with':
      return isOrigin(expression.key);
    case 'not':
      return reads(expression.term);
    case 'and':
    case 'or':
      return expression.terms.some(reads);
  }
}

function isOrigin(key: string): boolean {
  return ORIGINS.some((prefix) => key.startsWith(prefix));
}
