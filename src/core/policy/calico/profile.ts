import type { Labels } from '../../kube/labels.ts';
import type { ProfileInfo } from '../cluster.ts';
import { onlyFields } from '../normalise/fields.ts';
import type { PolicyObject } from '../normalise/registry.ts';
import { isRecord } from '../normalise/scope.ts';
import type { Locate } from '../normalise/scope.ts';
import type { Converted } from './converted.ts';
import { readRules } from './rule.ts';
import { calicoScopeAt } from './scope.ts';
import type { CalicoScope } from './scope.ts';

/** The rules and labels of a Calico Profile. A rule with an unreadable part allows nothing. */
export function profile(object: PolicyObject, locate?: Locate): Converted<ProfileInfo> {
  const scope = calicoScopeAt(object, locate);
  const spec = object.spec ?? {};
  const fields = isRecord(spec) ? spec : {};
  if (!isRecord(spec)) scope.report('spec', 'must be an object');
  const certain = onlyFields(fields, ['ingress', 'egress', 'labelsToApply'], 'spec', scope);
  const rules = (direction: 'ingress' | 'egress') => readRules(fields[direction], direction, { scope, certain });
  const labels = readLabels(fields['labelsToApply'], scope);
  return {
    value: { name: scope.name, labels, ingress: rules('ingress'), egress: rules('egress') },
    issues: scope.issues,
  };
}

function readLabels(value: unknown, scope: CalicoScope): Labels {
  if (value === undefined || value === null) return {};
  const path = 'spec.labelsToApply';
  if (!isRecord(value)) return scope.report(path, 'must be a map of texts') ?? {};
  const labels: Record<string, string> = {};
  for (const [key, text] of Object.entries(value))
    if (typeof text === 'string') labels[key] = text;
    else scope.report(`${path}[${key}]`, 'must be text');
  return labels;
}
