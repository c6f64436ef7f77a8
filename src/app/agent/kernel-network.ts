import { isReturnTable, ROUTE_PROTOCOL, VXLAN_DEVICE } from '../../core/routing/index.ts';
import type { ActualNetwork } from '../../core/routing/index.ts';
import { MAIN_TABLE } from '../../host/netlink/port.ts';
import type { Link, Netlink, RouteEntry } from '../../host/netlink/port.ts';
import { INTERFACE_PREFIX } from './endpoint-record.ts';

/** Names of links by index, for reading what the kernel says in numbers. */
export type LinkNames = ReadonlyMap<number, string>;

/** Whether Sluice owns what is on the link: its tunnel device and its ends of pod links. */
export function isOurs(link: string | undefined): link is string {
  return link !== undefined && (link === VXLAN_DEVICE || link.startsWith(INTERFACE_PREFIX));
}

/** Everything of Sluice's that the kernel holds outside of the packet filter. */
export function dumpNetwork(netlink: Netlink): { readonly actual: ActualNetwork; readonly names: Map<number, string> } {
  const links = netlink.links();
  const names = new Map(links.map(({ index, name }) => [index, name]));
  const vxlan = links.find(({ name }) => name === VXLAN_DEVICE);
  const actual: ActualNetwork = {
    vxlan: vxlan === undefined ? undefined : vxlanOf(vxlan),
    addresses:
      vxlan === undefined
        ? []
        : netlink
            .addresses({ link: vxlan.index })
            .filter(({ scope }) => scope === 'global')
            .map(({ address }) => ({ link: VXLAN_DEVICE, address })),
    routes: netlink
      .routes({ protocol: ROUTE_PROTOCOL, table: MAIN_TABLE })
      .map((route) => routeOf(route, names))
      .filter((route) => route !== undefined),
    rules: netlink
      .rules({ protocol: ROUTE_PROTOCOL })
      .flatMap(({ family, priority, mark, table }) =>
        mark === undefined ? [] : [{ family, priority, mark, table, protocol: ROUTE_PROTOCOL }],
      ),
    returnRoutes: netlink
      .routes({ protocol: ROUTE_PROTOCOL })
      .filter(({ table }) => isReturnTable(table))
      .map((route) => routeOf(route, names))
      .filter((route) => route !== undefined),
    neighbours: netlink
      .neighbours()
      .filter(({ link, state, proxy }) => state === 'permanent' && proxy !== true && isOurs(names.get(link)))
      .map(({ link, ip, mac }) => ({ link: names.get(link)!, ip, mac })),
    fdb:
      vxlan === undefined
        ? []
        : netlink.fdb({ link: vxlan.index }).map(({ mac, remote }) => ({ link: VXLAN_DEVICE, mac, remote })),
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

function vxlanOf({ name, mac, mtu, up, vxlan }: Link): NonNullable<ActualNetwork['vxlan']> {
  return { name, mac: mac ?? '', mtu, up, vni: vxlan?.vni ?? 0, port: vxlan?.port ?? 0, local: vxlan?.local };
}
