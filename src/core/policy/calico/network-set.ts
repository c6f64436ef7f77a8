import type { NetworkSetInfo } from '../cluster.ts';
import type { PolicyObject } from '../normalise/registry.ts';
import type { Locate } from '../normalise/scope.ts';
import type { Converted } from './converted.ts';

/** The ranges of a Calico NetworkSet or GlobalNetworkSet. */
export function networkSet(_object: PolicyObject, _locate?: Locate): Converted<NetworkSetInfo> {
  return { value: undefined, issues: [] };
}
