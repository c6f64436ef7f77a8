import { bitsOf, cidrContains, formatCidr, formatIp, hostCidr } from '../../base/ip/index.ts';
import type { Cidr, Ip } from '../../base/ip/index.ts';
import { Sessions, settingOf } from './sessions.ts';
import type { BgpInput, BgpNode, BgpView } from './types.ts';

/** Nodes with this label are no way to Services for the outside (KEP-1143). */
const EXCLUDED = 'node.kubernetes.io/exclude-from-external-load-balancers';

/**
 * What the BIRD of `input.node` is to do: the sessions of mesh, reflectors and peers, the blocks, addresses and Services
 * to advertise. Undefined while the node is not in the cluster or has no address.
 */
export function bgpView(input: BgpInput): BgpView | undefined {
  const self = input.nodes.get(input.node);
  if (self === undefined || self.addresses.length === 0) return undefined;
  const sessions = new Sessions(input, self);
  const all = sessions.all();
  const withGateway = input.peers.filter(
    ({ address, reachableBy }) => address !== undefined && reachableBy !== undefined,
  );
  return {
    routerId: routerId(self),
    logSeverity: settingOf(input, 'logSeverity') ?? 'Info',
    ignoredInterfaces: settingOf(input, 'ignoredInterfaces') ?? [],
    sessions: all,
    workloads: distinct(workloads(input)),
    services: distinct(Object.hasOwn(self.labels, EXCLUDED) ? [] : serviceRoutes(input)),
    reachable: withGateway.flatMap(({ address, reachableBy: via }) =>
      via !== undefined && all.some(({ peer }) => formatIp(peer.ip) === formatIp(address!.ip))
        ? [{ destination: hostCidr(address!.ip), via }]
        : [],
    ),
    pools: input.pools.toSorted(
      (a, b) => b.cidr.prefix - a.cidr.prefix || (formatCidr(a.cidr) < formatCidr(b.cidr) ? -1 : 1),
    ),
    prefixAdvertisements: settingOf(input, 'prefixAdvertisements') ?? [],
    problems: sessions.problems,
  };
}

/** An IPv4 address of the node, or for nodes without one something that looks like one and stays the same. */
function routerId({ name, addresses }: BgpNode): string {
  const ipv4 = addresses.find(({ ip }) => ip.family === 4);
  if (ipv4 !== undefined) return formatIp(ipv4.ip);
  // FNV-1a, 32 bits; the first octet is kept in 1 to 223.
  let hash = 0x811c9dc5;
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x0100_0193) >>> 0;
  const octets = [hash >>> 24, (hash >>> 16) & 255, (hash >>> 8) & 255, hash & 255];
  return [((octets[0] ?? 0) % 223) + 1, ...octets.slice(1)].join('.');
}

/** Own blocks, and addresses that live here though their block is another node's. */
function workloads({ node, blocks }: BgpInput): readonly Cidr[] {
  return blocks.flatMap(({ cidr, node: owner, elsewhere }) =>
    owner === node ? [cidr] : elsewhere.flatMap(({ ip, node: holder }) => (holder === node ? [hostCidr(ip)] : [])),
  );
}

/**
 * Every node advertises the configured blocks, as any node can pass traffic on; single addresses only if a Service has
 * them. Services that keep traffic on the node where it arrives are drawn to nodes with endpoints by routes of their own.
 */
function serviceRoutes(input: BgpInput): readonly Cidr[] {
  const clusterIps = settingOf(input, 'clusterIps') ?? [];
  const externalIps = settingOf(input, 'externalIps') ?? [];
  const loadBalancerIps = settingOf(input, 'loadBalancerIps') ?? [];
  const aggregate = settingOf(input, 'aggregateLoadBalancers') ?? true;
  const routes: Cidr[] = [...clusterIps, ...externalIps, ...(aggregate ? loadBalancerIps : [])].filter(
    (cidr) => !isSingle(cidr),
  );
  for (const service of input.services) {
    if (service.local && !service.hasLocalEndpoint) continue;
    const wanted = (ip: Ip, blocks: readonly Cidr[], aggregated: boolean): boolean =>
      blocks.some((cidr) => cidrContains(cidr, ip) && (service.local || !aggregated || isSingle(cidr)));
    for (const ip of service.clusterIps) if (wanted(ip, clusterIps, true)) routes.push(hostCidr(ip));
    for (const ip of service.externalIps)
      if (wanted(ip, externalIps, true) || wanted(ip, loadBalancerIps, aggregate)) routes.push(hostCidr(ip));
  }
  return routes;
}

function isSingle({ ip, prefix }: Cidr): boolean {
  return prefix === bitsOf(ip.family);
}

/** Each once, in an order that depends on nothing else. */
function distinct(cidrs: readonly Cidr[]): readonly Cidr[] {
  const byText = new Map(cidrs.map((cidr) => [formatCidr(cidr), cidr]));
  return [...byText].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, cidr]) => cidr);
}
