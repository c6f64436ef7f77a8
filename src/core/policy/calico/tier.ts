import type { TierSpec } from '../model.ts';
import type { PolicyObject } from '../normalise/registry.ts';
import type { Locate } from '../normalise/scope.ts';
import type { Converted } from './converted.ts';

/** The tier that a Calico Tier declares. */
export function tierSpec(object: PolicyObject, _locate?: Locate): Converted<TierSpec> {
  return { value: { name: object.metadata?.name ?? '', order: Infinity, noMatch: 'deny' }, issues: [] };
}
