import { cidrCovers } from '../../base/ip/index.ts';
import type { Cidr, Family } from '../../base/ip/index.ts';
import { BACKENDS } from './backends/backend-table.ts';
import type { BackendName, RoutingPool, TunnelKind } from './types.ts';

/** What modes other than `Never` ask for. */
const BY_MODE = {
  vxlan: { Always: 'vxlan', CrossSubnet: 'cross-subnet' },
  ipip: { Always: 'ipip', CrossSubnet: 'ipip-cross-subnet' },
} as const;

/** The way that a pool asks for; undefined when it wants no tunnel of its own. */
export function backendOfPool({ vxlanMode, ipipMode }: RoutingPool): BackendName | undefined {
  if (vxlanMode !== 'Never') return BY_MODE.vxlan[vxlanMode];
  return ipipMode === 'Never' ? undefined : BY_MODE.ipip[ipipMode];
}

/** The way to the addresses of `cidr`: what its pool, the narrowest of several, asks for, else the cluster's. */
export function backendFor(
  cidr: Cidr,
  pools: readonly RoutingPool[],
  fallback: BackendName,
): { readonly backend: BackendName; readonly pooled: boolean } {
  const [pool] = pools
    .filter((each) => cidrCovers(each.cidr, cidr))
    .sort((a, b) => b.cidr.prefix - a.cidr.prefix || (a.name < b.name ? -1 : 1));
  return { backend: (pool && backendOfPool(pool)) ?? fallback, pooled: pool !== undefined };
}

/** The ways to the pools of a family, whether there are blocks yet or not; the cluster's alone while no pool is known. */
export function backendsOfPools(
  pools: readonly RoutingPool[],
  fallback: BackendName,
  family: Family,
): Set<BackendName> {
  const own = pools.filter(({ cidr }) => cidr.ip.family === family);
  return new Set(pools.length === 0 ? [fallback] : own.map((pool) => backendOfPool(pool) ?? fallback));
}

/** The kinds of tunnel on whose devices a node needs an address of the family. */
export function tunnelsOf(
  pools: readonly RoutingPool[],
  fallback: BackendName,
  family: Family,
): ReadonlySet<TunnelKind> {
  const backends = [...backendsOfPools(pools, fallback, family)];
  return new Set(backends.flatMap((backend) => BACKENDS[backend].tunnel ?? []));
}
