import { equalIp } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import { detectAddress } from '../../core/routing/index.ts';
import type { AddressFacts, AddressMethod, RoutingProblem } from '../../core/routing/index.ts';
import type { Netlink } from '../../host/netlink/port.ts';

/** How the addresses of a node are found; a family without a method has the InternalIPs of the Node object. */
export type AddressMethods = Readonly<Partial<Record<Family, AddressMethod>>>;

/** The addresses at which peers reach a node, the best of each family first. */
export interface OwnAddresses {
  readonly addresses: readonly Ip[];
  /** Why a method found nothing; the InternalIPs count then. */
  readonly problems: readonly RoutingProblem[];
}

/** Looks for this node's addresses. Asks the kernel only where there is a method. */
export function findOwnAddresses(netlink: Netlink, methods: AddressMethods, internalIps: readonly Ip[]): OwnAddresses {
  const wanted = ([4, 6] as const).filter((family) => methods[family] !== undefined);
  if (wanted.length === 0) return { addresses: internalIps, problems: [] };
  const facts = factsOf(netlink, internalIps);
  const problems: RoutingProblem[] = [];
  const found = wanted.flatMap((family): Ip[] => {
    const result = detectAddress(methods[family]!, family, facts);
    if (typeof result !== 'string') return [result.ip];
    problems.push({
      peer: '',
      code: 'no-own-address',
      message: `cannot detect this node's IPv${family} address: ${result}`,
    });
    return [];
  });
  const families = [...new Set([...internalIps, ...found].map(({ family }) => family))];
  const addresses = families.flatMap((family) => [
    ...found.filter((ip) => ip.family === family),
    ...internalIps.filter((ip) => ip.family === family && !found.some((each) => equalIp(each, ip))),
  ]);
  return { addresses, problems };
}

/** The kernel's devices, and the addresses of global scope that they have. */
export function readLinkFacts(netlink: Netlink): Pick<AddressFacts, 'links' | 'addresses'> {
  const links = netlink.links();
  const names = new Map(links.map(({ index, name }) => [index, name]));
  return {
    links: links.map(({ name, kind, up, master }) => ({ name, kind, up, enslaved: master !== undefined })),
    addresses: netlink
      .addresses()
      .filter(({ scope }) => scope === 'global')
      .map(({ link, address }) => ({ link: names.get(link) ?? '', address })),
  };
}

function factsOf(netlink: Netlink, internalIps: readonly Ip[]): AddressFacts {
  return {
    ...readLinkFacts(netlink),
    internalIps,
    routeTo: (destination) => {
      const route = netlink.routeTo(destination);
      const link = route?.link === undefined ? undefined : netlink.link(route.link)?.name;
      const source = route?.source;
      return route && { ...(link === undefined ? {} : { link }), ...(source === undefined ? {} : { source }) };
    },
  };
}
