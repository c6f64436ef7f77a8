import type { HostEndpointInfo } from '../cluster.ts';
import type { PolicyObject } from '../normalise/registry.ts';
import type { Locate } from '../normalise/scope.ts';
import type { Converted } from './converted.ts';

/** A Calico HostEndpoint. */
export function hostEndpoint(_object: PolicyObject, _locate?: Locate): Converted<HostEndpointInfo> {
  return { value: undefined, issues: [] };
}
