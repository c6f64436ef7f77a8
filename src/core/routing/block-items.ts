import { hostCidr } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import { BACKENDS } from './backends/backend-table.ts';
import { ROUTE_PROTOCOL } from './constants.ts';
import type { Items } from './network-items.ts';
import type { Peer } from './peer.ts';
import type { BackendName, DesiredRoute, LocalEndpoint, RoutingBlock, RoutingProblem } from './types.ts';

/** What one block brings about. */
export interface BlockDerivation {
  readonly block: Items;
  /** For addresses that live on another node than their block's: these win over what any block says of them. */
  readonly elsewhere: Items;
  readonly problems: readonly RoutingProblem[];
}

/** The routes of a block; `peerOf` is undefined for this node itself. */
export function deriveBlock(
  { cidr, node, elsewhere }: RoutingBlock,
  backend: BackendName,
  peerOf: (name: string) => Peer | undefined,
): BlockDerivation {
  const problems: RoutingProblem[] = [];
  const routesTo = (destination: Cidr, peer: Peer): readonly DesiredRoute[] => {
    const path = peer.pathBy(backend, destination.ip.family);
    if (path.kind === 'problem' && !problems.includes(path.problem)) problems.push(path.problem);
    const route = peer.routeTo(destination, path);
    return route === undefined ? [] : [route];
  };
  const owner = node === undefined ? undefined : peerOf(node);
  const own: readonly DesiredRoute[] =
    BACKENDS[backend].onSegment === true ? [] : [{ destination: cidr, type: 'blackhole', protocol: ROUTE_PROTOCOL }];
  return {
    block: { routes: node === undefined ? [] : owner === undefined ? own : routesTo(cidr, owner) },
    elsewhere: {
      routes: elsewhere.flatMap(({ ip, node: holder }) => {
        const peer = peerOf(holder);
        return peer === undefined ? [] : routesTo(hostCidr(ip), peer);
      }),
    },
    problems,
  };
}

/**
 * A local pod's routes. It is never asked for its address: its end of the pair is known, and a silent pod is still
 * reachable.
 */
export function endpointItems({ interface: link, mac, addresses }: LocalEndpoint) {
  return {
    routes: addresses.map((ip): DesiredRoute => ({
      destination: hostCidr(ip),
      type: 'unicast',
      link,
      scope: 'link',
      protocol: ROUTE_PROTOCOL,
    })),
    neighbours: addresses.map((ip) => ({ link, ip, mac })),
  } satisfies Items;
}
