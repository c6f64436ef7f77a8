import type { ProfileInfo } from '../cluster.ts';
import { onlyFields } from '../normalise/fields.ts';
import type { PolicyObject } from '../normalise/registry.ts';
import { isRecord } from '../normalise/scope.ts';
import type { Locate } from '../normalise/scope.ts';
import type { Converted } from './converted.ts';
import { readRules } from './rule.ts';
import { calicoScopeAt } from './scope.ts';

/** The rules of a Calico Profile. A rule with an unreadable part allows nothing. */
export function profile(object: PolicyObject, locate?: Locate): Converted<ProfileInfo> {
  const scope = calicoScopeAt(object, locate);
  const spec = object.spec ?? {};
  const fields = isRecord(spec) ? spec : {};
  if (!isRecord(spec)) scope.report('spec', 'must be an object');
  const certain = onlyFields(fields, ['ingress', 'egress', 'labelsToApply'], 'spec', scope);
  const rules = (direction: 'ingress' | 'egress') => readRules(fields[direction], direction, { scope, certain });
  return { value: { name: scope.name, ingress: rules('ingress'), egress: rules('egress') }, issues: scope.issues };
}

const EVERYTHING_ALLOWED = {
  action: 'Allow',
} as const;

/** The profile that Calico always has; host endpoints that it makes by itself bear it, and so allow what no tier decides. */
export const DEFAULT_ALLOW_PROFILE: ProfileInfo = profile({
  kind: 'Profile',
  metadata: { name: 'projectcalico-default-allow' },
  spec: { ingress: [EVERYTHING_ALLOWED], egress: [EVERYTHING_ALLOWED] },
}).value!;
