import type { TierSpec } from '../model.ts';
import { onlyFields } from '../normalise/fields.ts';
import type { PolicyObject } from '../normalise/registry.ts';
import { isRecord } from '../normalise/scope.ts';
import type { Locate } from '../normalise/scope.ts';
import { BUILT_IN_TIERS } from '../tiers.ts';
import type { Converted } from './converted.ts';
import { calicoScopeAt } from './scope.ts';
import type { CalicoScope } from './scope.ts';

/** Tiers whose place and default are not for the administrator to choose; the first two are Calico's older names. */
const FIXED: ReadonlyMap<string, Pick<TierSpec, 'order' | 'noMatch'>> = new Map([
  ['adminnetworkpolicy', { order: 1_000, noMatch: 'pass' }],
  ['baselineadminnetworkpolicy', { order: 10_000_000, noMatch: 'pass' }],
  ...BUILT_IN_TIERS.map(({ name, ...rest }) => [name, rest] as const),
]);

/**
 * The tier that a Calico Tier declares: without an order it is the last, without a default action it denies. One whose
 * default action cannot be read denies.
 */
export function tierSpec(object: PolicyObject, locate?: Locate): Converted<TierSpec> {
  const scope = calicoScopeAt(object, locate);
  const spec = object.spec ?? {};
  const fields = isRecord(spec) ? spec : {};
  if (!isRecord(spec)) scope.report('spec', 'must be an object');
  onlyFields(fields, ['order', 'defaultAction'], 'spec', scope);
  const value = { name: scope.name, order: readOrder(fields['order'], scope), noMatch: readDefault(fields, scope) };
  return { value, issues: scope.issues };
}

function readOrder(value: unknown, scope: CalicoScope): number {
  const fixed = FIXED.get(scope.name)?.order;
  const absent = value === undefined || value === null;
  if (fixed !== undefined) {
    if (!absent && value !== fixed) scope.report('spec.order', `the tier ${scope.name} always has the order ${fixed}`);
    return fixed;
  }
  if (absent) return Infinity;
  if (typeof value === 'number' && !Number.isNaN(value)) return value;
  scope.report('spec.order', 'must be a number; until then the tier is the last');
  return Infinity;
}

function readDefault({ defaultAction }: Readonly<Record<string, unknown>>, scope: CalicoScope): TierSpec['noMatch'] {
  if (defaultAction === undefined || defaultAction === null) return FIXED.get(scope.name)?.noMatch ?? 'deny';
  if (defaultAction === 'Pass') return 'pass';
  if (defaultAction !== 'Deny') scope.report('spec.defaultAction', 'must be Deny or Pass; until then the tier denies');
  return 'deny';
}
