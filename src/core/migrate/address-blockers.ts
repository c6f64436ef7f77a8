import { cidrContains, cidrCovers, formatCidr, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import type { Node } from '../kube/types.ts';
import type { Rule } from './common-blockers.ts';
import { namesOf } from './common-blockers.ts';
import type { ClusterObject, Observed } from './model.ts';
import { networkedPods } from './pods-of-node.ts';

/** Addresses of running pods that no IPPool has: their nodes would reach them no more, and give them out again. */
export const podsOutsidePools: Rule = (_, observed) => {
  const pools = poolsOf(observed);
  const pods = observed.nodes.flatMap(({ metadata }) => networkedPods(metadata?.name ?? '', observed));
  const outside = pods.filter(({ status }) => {
    const ip = parseIp(status?.podIP ?? '');
    return ip !== undefined && !pools.some(({ cidr }) => cidrContains(cidr, ip));
  });
  if (outside.length === 0) return undefined;
  return {
    code: 'outside-pools',
    reason: `no IPPool has the addresses of ${outside.length} running pods: ${namesOf(outside.slice(0, 5))}${outside.length > 5 ? ', …' : ''}`,
    remedy: 'create an IPPool that covers them, disabled if need be, or end these pods',
  };
};

/** Every node has a podCIDR of each of the networks, inside of it, and no two of them meet. */
export function badPodCidrs(networks: readonly Cidr[], nodes: readonly Node[]): string | undefined {
  const problems: string[] = [];
  const seen: { readonly node: string; readonly cidr: Cidr }[] = [];
  for (const { metadata, spec } of nodes) {
    const node = metadata?.name ?? '';
    const cidrs = (spec?.podCIDRs ?? []).flatMap((text) => parseCidr(text) ?? []);
    for (const network of networks) {
      const cidr = cidrs.find(({ ip }) => ip.family === network.ip.family);
      if (cidr === undefined) problems.push(`node ${node} has no IPv${network.ip.family} podCIDR`);
      else if (!cidrCovers(network, cidr))
        problems.push(`podCIDR ${formatCidr(cidr)} of node ${node} is not in ${formatCidr(network)}`);
      else {
        const other = seen.find((each) => meet(each.cidr, cidr));
        if (other !== undefined)
          problems.push(`podCIDR ${formatCidr(cidr)} of node ${node} meets that of node ${other.node}`);
        seen.push({ node, cidr });
      }
    }
  }
  return problems.length === 0 ? undefined : problems.join('; ');
}

/** IPPools that meet a network without being it: addresses would be given out of two books. */
export function strayPools(networks: readonly Cidr[], observed: Observed): readonly ClusterObject[] {
  const isOne = (cidr: Cidr): boolean => networks.some((network) => formatCidr(network) === formatCidr(cidr));
  return poolsOf(observed)
    .filter(({ cidr }) => networks.some((network) => meet(network, cidr)) && !isOne(cidr))
    .map(({ pool }) => pool);
}

function poolsOf({ pools }: Observed): readonly { readonly pool: ClusterObject; readonly cidr: Cidr }[] {
  return pools.flatMap((pool) => {
    const cidr = parseCidr((pool.spec as { readonly cidr?: string } | undefined)?.cidr ?? '');
    return cidr === undefined ? [] : [{ pool, cidr }];
  });
}

function meet(a: Cidr, b: Cidr): boolean {
  return cidrCovers(a, b) || cidrCovers(b, a);
}
