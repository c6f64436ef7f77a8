import { parseCidr } from '../../../base/ip/index.ts';
import type { PoolInfo } from '../cluster.ts';
import type { PolicyObject } from '../normalise/registry.ts';
import { isRecord } from '../normalise/scope.ts';
import type { Locate } from '../normalise/scope.ts';
import type { Converted } from './converted.ts';
import { calicoScopeAt } from './scope.ts';

/** A Calico IPPool as far as verdicts depend on it; none without a block of addresses. */
export function ipPool(object: PolicyObject, locate?: Locate): Converted<PoolInfo> {
  const scope = calicoScopeAt(object, locate);
  const { cidr: text, natOutgoing = false } = isRecord(object.spec) ? object.spec : {};
  const cidr = typeof text === 'string' ? parseCidr(text) : undefined;
  if (cidr === undefined) scope.report('spec.cidr', 'must be a block of addresses such as 10.244.0.0/16');
  if (typeof natOutgoing !== 'boolean')
    scope.report('spec.natOutgoing', 'must be true or false; until then it is false');
  const value = cidr === undefined ? undefined : { name: scope.name, cidr, natOutgoing: natOutgoing === true };
  return { value, issues: scope.issues };
}
