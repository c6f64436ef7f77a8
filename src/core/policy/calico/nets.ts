import { formatCidr, intervalSet, networkOf, rangeOf } from '../../../base/ip/index.ts';
import { calicoNet } from '../../kube/calico-values.ts';
import type { BlockPeer } from '../model.ts';
import { readList } from '../normalise/scope.ts';
import type { CalicoScope } from './scope.ts';

/** `nets` or `notNets`: empty when there are none. Undefined, and reported, when they cannot be understood. */
export function readNets(value: unknown, path: string, scope: CalicoScope): readonly BlockPeer[] | undefined {
  const list = readList(value, scope, path);
  const nets = list?.map((entry, index) => readNet(entry, `${path}[${index}]`, scope));
  return nets?.every((each) => each !== undefined) === true ? nets : undefined;
}

function readNet(value: unknown, path: string, scope: CalicoScope): BlockPeer | undefined {
  const cidr = calicoNet(value);
  if (cidr === undefined)
    return scope.report(path, 'must be a block of addresses such as 10.9.8.0/24 or 2001:db8::/64');
  const network = networkOf(cidr);
  return {
    kind: 'block',
    key: formatCidr(network),
    family: network.ip.family,
    ranges: intervalSet([rangeOf(network)]),
    cidr: network,
    except: [],
    source: scope.source(path),
  };
}
