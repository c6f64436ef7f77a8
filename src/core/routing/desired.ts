import { RoutingTable } from './routing-table.ts';
import type { DesiredNetwork, RoutingInput } from './types.ts';

/**
 * What the kernel of `input.node` should hold so that every pod is reachable: tunnel devices, a route per foreign
 * block and per address that lives outside its block, a blackhole per own block (so that addresses nobody has do not
 * leave the node), and a host route with its neighbour entry per local pod. Without an entry for this node in `nodes`
 * only local things are desired.
 */
export function desiredNetwork(input: RoutingInput): DesiredNetwork {
  const { items, touched: _, tunnels: __, ...rest } = new RoutingTable().update(input);
  return {
    links: [...items.links.values()],
    addresses: [...items.addresses.values()],
    routes: [...items.routes.values()],
    neighbours: [...items.neighbours.values()],
    fdb: [...items.fdb.values()],
    rules: [...items.rules.values()],
    returnRoutes: [...items.returnRoutes.values()],
    ...rest,
  };
}
