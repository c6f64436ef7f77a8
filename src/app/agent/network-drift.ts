import { equalIp } from '../../base/ip/index.ts';
import { isReturnTable, KEYS, ROUTE_PROTOCOL } from '../../core/routing/index.ts';
import type { ActualLink, ItemTables } from '../../core/routing/index.ts';
import type { Link, NetworkEvent, RouteEntry } from '../../host/netlink/port.ts';
import { MAIN_TABLE } from '../../host/netlink/port.ts';
import { isOurs, isTunnel, routeOf } from './kernel-network.ts';
import type { LinkNames } from './kernel-network.ts';

type Expected = ItemTables<ActualLink>;

/** Whether an event tells of something of ours that is not as we left it; our own changes are as we left them. */
export function isDrift(event: NetworkEvent, expected: Expected, names: LinkNames): boolean {
  switch (event.kind) {
    case 'overrun':
      return true;
    case 'link':
      return isTunnel(event.link.name) && isTunnelDrift(event.gone, event.link, expected);
    case 'address': {
      const { link, address, scope } = event.address;
      const name = names.get(link);
      if (scope !== 'global' || name === undefined || !isTunnel(name)) return false;
      return event.gone === expected.addresses.has(KEYS.addresses({ link: name, address }));
    }
    case 'route':
      return event.route.protocol === ROUTE_PROTOCOL && isOurTable(event.route.table)
        ? isRouteDrift(event.gone, event.route, expected, names)
        : false;
    case 'neighbour': {
      const { link, ip, mac, state } = event.neighbour;
      const name = names.get(link);
      if (!isOurs(name)) return false;
      const known = expected.neighbours.get(KEYS.neighbours({ link: name, ip, mac }));
      if (event.gone) return known !== undefined;
      return known === undefined ? state === 'permanent' : known.mac !== mac || state !== 'permanent';
    }
    case 'rule':
      return false;
  }
}

function isOurTable(table: number): boolean {
  return table === MAIN_TABLE || isReturnTable(table);
}

/** Whether an event may change how this node reaches its peers: links, addresses and routes that are not ours. */
export function isUnderlayChange(event: NetworkEvent, names: LinkNames): boolean {
  switch (event.kind) {
    case 'link':
      return !isOurs(event.link.name);
    case 'address':
      return event.address.scope === 'global' && !isOurs(names.get(event.address.link));
    case 'route':
      return (
        event.route.protocol !== ROUTE_PROTOCOL &&
        event.route.table === MAIN_TABLE &&
        !isOurs(event.route.link === undefined ? undefined : names.get(event.route.link))
      );
    case 'neighbour':
    case 'rule':
    case 'overrun':
      return false;
  }
}

function isTunnelDrift(gone: boolean, { name, up, mtu }: Link, { links }: Expected): boolean {
  const expected = links.get(name);
  if (gone || expected === undefined) return gone === (expected !== undefined);
  return !up || mtu !== expected.mtu;
}

function isRouteDrift(gone: boolean, route: RouteEntry, expected: Expected, names: LinkNames): boolean {
  const kind = route.table === MAIN_TABLE ? 'routes' : 'returnRoutes';
  const { destination, table, protocol } = route;
  const known = expected[kind].get(KEYS[kind]({ destination, table, protocol, type: 'unicast' }));
  if (known === undefined) return !gone;
  const seen = routeOf(route, names);
  const same =
    seen !== undefined &&
    seen.type === known.type &&
    (known.link === undefined || seen.link === known.link) &&
    (known.via === undefined) === (seen.via === undefined) &&
    (known.via === undefined || seen.via === undefined || equalIp(known.via, seen.via));
  return gone ? same : !same;
}
