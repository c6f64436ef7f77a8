import type { ProfileInfo } from '../cluster.ts';
import type { PolicyObject } from '../normalise/registry.ts';
import type { Locate } from '../normalise/scope.ts';
import type { Converted } from './converted.ts';

/** A Calico Profile. */
export function profile(_object: PolicyObject, _locate?: Locate): Converted<ProfileInfo> {
  return { value: undefined, issues: [] };
}
