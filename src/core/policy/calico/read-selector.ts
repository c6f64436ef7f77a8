import { parseCalicoSelector } from '../../kube/calico-selector.ts';
import type { CalicoVocabulary } from '../../kube/calico-selector.ts';
import type { Expression } from '../../kube/expression.ts';
import type { Selector } from '../../kube/labels.ts';
import {
  NAMESPACE_LABEL,
  NAMESPACE_PREFIX,
  SERVICE_ACCOUNT_LABEL,
  SERVICE_ACCOUNT_PREFIX,
} from '../effective-labels.ts';
import type { CalicoScope } from './scope.ts';

/** Selectors of endpoints. */
export const ENDPOINTS: CalicoVocabulary = { prefix: '', all: { kind: 'everything' } };

/** `serviceAccountSelector` and `serviceAccounts.selector`: `all()` is whatever has a service account. */
export const SERVICE_ACCOUNTS: CalicoVocabulary = {
  prefix: SERVICE_ACCOUNT_PREFIX,
  all: has(SERVICE_ACCOUNT_LABEL, 'Exists'),
};

/**
 * `namespaceSelector` of a policy: `all()` is whatever is in a namespace. A selector that only excludes (`name != "x"`) also
 * holds for what is in none, host endpoints and global network sets, as in Calico.
 */
export const NAMESPACES: CalicoVocabulary = { prefix: NAMESPACE_PREFIX, all: has(NAMESPACE_LABEL, 'Exists') };

/** `namespaceSelector` in a rule, where `global()` is whatever is in no namespace. */
export const RULE_NAMESPACES: CalicoVocabulary = { ...NAMESPACES, global: has(NAMESPACE_LABEL, 'DoesNotExist') };

/** A selector as text; `absent` when there is none. Undefined, and reported, when it cannot be understood. */
export function readCalicoSelector<const Absent>(
  value: unknown,
  vocabulary: CalicoVocabulary,
  absent: Absent,
  path: string,
  scope: CalicoScope,
): Selector | Absent | undefined {
  if (value === undefined || value === null || value === '') return absent;
  if (typeof value !== 'string') return scope.report(path, 'must be a selector as text, such as app == "web"');
  const parsed = parseCalicoSelector(value, vocabulary);
  if ('selector' in parsed) return parsed.selector;
  return scope.report(path, `${parsed.problem.message} (column ${parsed.problem.column} of the selector)`);
}

function has(key: string, operator: 'Exists' | 'DoesNotExist'): Expression {
  return { kind: 'requirement', requirement: { key, operator, values: [] } };
}
