import { equalIp } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import { primaryAddress } from '../policy/blocks.ts';
import type { HostEndpointInfo, NodeEndpoint } from '../policy/cluster.ts';

/**
 * The host endpoint, of those of one node in order of their names, that judges what has the node's `address`: one that
 * expects it, else for the node's first address of the family one that is taken to be its interface's, else the one for
 * all interfaces. Without an address, as for what the node forwards, the first one counts; so does it for the overlay's.
 */
export function hostAt(
  hosts: readonly HostEndpointInfo[],
  node: NodeEndpoint | undefined,
  family: Family,
  address?: Ip,
): HostEndpointInfo | undefined {
  const first = node === undefined ? undefined : primaryAddress(node, family);
  const isTunnel = address !== undefined && node?.tunnelAddresses.some((each) => equalIp(each, address)) === true;
  const judged = isTunnel ? first : (address ?? first);
  const isFirst = judged === undefined || (first !== undefined && equalIp(first, judged));
  return (
    hosts.find((host) => judged !== undefined && expects(host, judged)) ??
    (isFirst ? hosts.find((host) => isOfFirst(host, node, family)) : undefined) ??
    hosts.find((host) => host.interface === '*')
  );
}

/** The addresses for which {@link hostAt} may have another answer than for the rest of the node's. */
export function judgedAddresses(
  hosts: readonly HostEndpointInfo[],
  node: NodeEndpoint | undefined,
  family: Family,
): readonly Ip[] {
  const all = [
    ...(node?.addresses ?? []),
    ...(node?.tunnelAddresses ?? []),
    ...hosts.flatMap((host) => host.expectedIps),
  ].filter((ip) => ip.family === family);
  return all.filter((ip, i) => all.findIndex((each) => equalIp(each, ip)) === i);
}

function expects({ expectedIps }: HostEndpointInfo, ip: Ip): boolean {
  return expectedIps.some((known) => equalIp(known, ip));
}

/**
 * Whether the endpoint is taken to be that of the interface with the node's first addresses, of whose family it says
 * nothing: it has a name and expects no address, or it expects the first of the other family.
 */
function isOfFirst(host: HostEndpointInfo, node: NodeEndpoint | undefined, family: Family): boolean {
  if (host.interface === '*' || host.expectedIps.some((ip) => ip.family === family)) return false;
  if (host.expectedIps.length === 0) return host.interface !== undefined;
  const other = node === undefined ? undefined : primaryAddress(node, family === 4 ? 6 : 4);
  return other !== undefined && expects(host, other);
}
