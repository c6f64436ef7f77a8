import { intervalSet, rangeOf } from '../../../base/ip/index.ts';
import { calicoNet } from '../../kube/calico-values.ts';
import type { Cidr, Family, IntervalSet } from '../../../base/ip/index.ts';
import type { NetworkSetInfo } from '../cluster.ts';
import { onlyFields } from '../normalise/fields.ts';
import type { PolicyObject } from '../normalise/registry.ts';
import { isRecord, readList } from '../normalise/scope.ts';
import type { Locate } from '../normalise/scope.ts';
import type { Converted } from './converted.ts';
import { calicoScopeAt } from './scope.ts';

/**
 * The ranges and labels of a Calico NetworkSet or GlobalNetworkSet. An unreadable block is left out and reported: rules
 * that allow the set do not allow it, and rules that deny the set do not deny it.
 */
export function networkSet(object: PolicyObject, locate?: Locate): Converted<NetworkSetInfo> {
  const scope = calicoScopeAt(object, locate);
  const spec = object.spec ?? {};
  const fields = isRecord(spec) ? spec : {};
  if (!isRecord(spec)) scope.report('spec', 'must be an object');
  onlyFields(fields, ['nets'], 'spec', scope);
  const nets = (readList(fields['nets'], scope, 'spec.nets') ?? []).flatMap((entry, index) => {
    const net = calicoNet(entry);
    if (net !== undefined) return [net];
    scope.report(`spec.nets[${index}]`, 'must be a block of addresses such as 10.9.8.0/24 or 2001:db8::/64');
    return [];
  });
  const { name, namespace } = scope;
  const value: NetworkSetInfo = {
    key: namespace === undefined ? name : `${namespace}/${name}`,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    labels: object.metadata?.labels ?? {},
    ranges: { 4: rangesOf(nets, 4), 6: rangesOf(nets, 6) },
  };
  return { value, issues: scope.issues };
}

function rangesOf(nets: readonly Cidr[], family: Family): IntervalSet {
  return intervalSet(nets.filter((net) => net.ip.family === family).map(rangeOf));
}
