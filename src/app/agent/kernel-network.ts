import { isReturnTable, ROUTE_PROTOCOL, TUNNEL_DEVICES } from '../../core/routing/index.ts';
import type { ActualNetwork } from '../../core/routing/index.ts';
import { MAIN_TABLE } from '../../host/netlink/port.ts';
import type { Netlink, RouteEntry } from '../../host/netlink/port.ts';
import { INTERFACE_PREFIX } from './endpoint-record.ts';

/** Names of links by index, for reading what the kernel says in numbers. */
export type LinkNames = ReadonlyMap<number, string>;

/** Whether the link is the device of a tunnel of ours. */
export function isTunnel(link: string | undefined): boolean {
  return link !== undefined && TUNNEL_DEVICES.includes(link);
}

/** Whether Sluice owns what is on the link: a tunnel's device or its end of a pod's link. */
export function isOurs(link: string | undefined): link is string {
  return link !== undefined && (isTunnel(link) || link.startsWith(INTERFACE_PREFIX));
}

/** Everything of Sluice's that the kernel holds outside of the packet filter. */
export function dumpNetwork(netlink: Netlink): { readonly actual: ActualNetwork; readonly names: Map<number, string> } {
  const links = netlink.links();
  const names = new Map(links.map(({ index, name }) => [index, name]));
  const tunnels = links.filter(({ name }) => isTunnel(name));
  const actual: ActualNetwork = {
    links: tunnels,
    addresses: tunnels.flatMap(({ index, name }) =>
      netlink
        .addresses({ link: index })
        .filter(({ scope }) => scope === 'global')
        .map(({ address }) => ({ link: name, address })),
    ),
    routes: netlink
      .routes({ protocol: ROUTE_PROTOCOL, table: MAIN_TABLE })
      .map((route) => routeOf(route, names))
      .filter((route) => route !== undefined),
    rules: netlink.rules({ protocol: ROUTE_PROTOCOL }).map(({ family, priority, mark, table, action }) => ({
      family,
      priority,
      table,
      protocol: ROUTE_PROTOCOL,
      ...(mark === undefined ? {} : { mark }),
      ...(action === undefined ? {} : { action }),
    })),
    returnRoutes: netlink
      .routes({ protocol: ROUTE_PROTOCOL })
      .filter(({ table }) => isReturnTable(table))
      .map((route) => routeOf(route, names))
      .filter((route) => route !== undefined),
    neighbours: netlink
      .neighbours()
      .filter(({ link, state, proxy }) => state === 'permanent' && proxy !== true && isOurs(names.get(link)))
      .map(({ link, ip, mac }) => ({ link: names.get(link)!, ip, mac })),
    fdb: tunnels
      .filter(({ kind }) => kind === 'vxlan' || kind === 'tun' || kind === 'ovs')
      .flatMap(({ index, name }) =>
        netlink.fdb({ link: index }).map(({ mac, remote }) => ({ link: name, mac, remote })),
      ),
  };
  return { actual, names };
}

/** A route of ours in the shape of a desired one; undefined for kinds that Sluice never installs. */
export function routeOf(route: RouteEntry, names: LinkNames): ActualNetwork['routes'][number] | undefined {
  const { destination, type, via, link, mtu, protocol, table } = route;
  if (type === 'blackhole') return { destination, type, protocol };
  if (type !== 'unicast') return undefined;
  const name = link === undefined ? undefined : (names.get(link) ?? `#${link}`);
  return {
    destination,
    type,
    protocol,
    ...(via === undefined ? {} : { via }),
    ...(name === undefined ? {} : { link: name }),
    ...(mtu === undefined ? {} : { mtu }),
    ...(table === MAIN_TABLE ? {} : { table }),
  };
}
