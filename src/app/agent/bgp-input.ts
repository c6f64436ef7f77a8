import type { BgpConfiguration, BgpInput, BgpNode, BgpService, SecretKey } from '../../core/bgp/index.ts';
import type { ServiceSpec, SliceSpec } from '../../core/service/model.ts';
import { equalIp } from '../../base/ip/index.ts';
import type { BgpFeed } from './bgp-feed.ts';
import type { ClusterFeed } from './cluster-feed.ts';

/** What of the cluster's objects BGP depends on. */
export type BgpCluster = Pick<ClusterFeed, 'nodes' | 'blocks' | 'pools' | 'services' | 'slices'>;

/** Puts together what one node's BIRD is configured from. Only families that there are pools of are spoken. */
export function bgpInput(
  node: string,
  cluster: BgpCluster,
  feed: Pick<BgpFeed, 'configurations' | 'peers' | 'filters'>,
  secret: (key: SecretKey) => string | undefined,
): BgpInput {
  const pools = [...cluster.pools.items.values()].flatMap(({ routing, exported }) =>
    routing === undefined ? [] : [{ ...routing, exported }],
  );
  const families = new Set(pools.map(({ cidr }) => cidr.ip.family));
  const nodes = new Map<string, BgpNode>();
  for (const [name, { bgp }] of cluster.nodes.items)
    nodes.set(name, { ...bgp, addresses: bgp.addresses.filter(({ ip }) => families.has(ip.family)) });
  const configurations = feed.configurations();
  return {
    node,
    nodes,
    configurations,
    peers: feed.peers(),
    filters: feed.filters(),
    pools: pools.map(({ cidr, vxlanMode, ipipMode, exported }) => ({
      cidr,
      tunnelled: vxlanMode !== 'Never' || ipipMode !== 'Never',
      exported,
    })),
    blocks: [...cluster.blocks.items.values()].filter((block) => block !== undefined),
    services: advertisesServices(configurations) ? bgpServices(node, cluster.services(), cluster.slices()) : [],
    secret,
  };
}

/** Whether nodes advertise addresses of Services at all. */
export function advertisesServices(configurations: ReadonlyMap<string, BgpConfiguration>): boolean {
  return [...configurations.values()].some(
    ({ clusterIps, externalIps, loadBalancerIps }) =>
      clusterIps !== undefined || externalIps !== undefined || loadBalancerIps !== undefined,
  );
}

function bgpServices(
  node: string,
  services: Iterable<ServiceSpec>,
  slices: Iterable<SliceSpec>,
): readonly BgpService[] {
  const withEndpoint = new Set<string>();
  for (const { service, endpoints } of slices)
    if (endpoints.some((endpoint) => endpoint.node === node && endpoint.ready)) withEndpoint.add(service);
  return [...services].map(({ key, addresses, clusterIps, externalLocal }) => ({
    clusterIps,
    externalIps: addresses.filter((ip) => !clusterIps.some((own) => equalIp(own, ip))),
    local: externalLocal,
    hasLocalEndpoint: withEndpoint.has(key),
  }));
}
