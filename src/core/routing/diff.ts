import { formatCidr, formatIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import { newLink, sameDevice } from './links.ts';
import type { ActualLink, NewTunnelLink } from './links.ts';
import type {
  DesiredAddress,
  DesiredFdbEntry,
  DesiredLink,
  DesiredNeighbour,
  DesiredNetwork,
  DesiredRoute,
  DesiredRule,
} from './types.ts';

/** What the kernel holds of the things that are Sluice's: the same shape as what is desired, found by dumping. */
export type ActualNetwork = Pick<
  DesiredNetwork,
  'addresses' | 'routes' | 'neighbours' | 'fdb' | 'rules' | 'returnRoutes'
> & { readonly links: readonly ActualLink[] };

/** One change, in the words of `host/netlink`. */
export type RoutingChange =
  | { readonly kind: 'add-link'; readonly link: NewTunnelLink }
  | { readonly kind: 'set-link'; readonly link: string; readonly mtu: number; readonly mac?: string; readonly up: true }
  | { readonly kind: 'delete-link'; readonly link: string }
  | { readonly kind: 'replace-address' | 'delete-address'; readonly address: DesiredAddress }
  | { readonly kind: 'replace-route' | 'delete-route'; readonly route: DesiredRoute }
  | { readonly kind: 'replace-neighbour' | 'delete-neighbour'; readonly neighbour: DesiredNeighbour }
  | { readonly kind: 'replace-fdb' | 'delete-fdb'; readonly entry: DesiredFdbEntry }
  | { readonly kind: 'add-rule' | 'delete-rule'; readonly rule: DesiredRule };

/**
 * The changes that make `actual` equal to `desired`, in an order in which each finds what it needs: link, addresses,
 * neighbours, forwarding entries, routes; then removals in reverse. Nothing that stays is ever taken away in between.
 */
export function diffNetwork(desired: DesiredNetwork, actual: ActualNetwork): readonly RoutingChange[] {
  const links = diffLinks(desired.links, actual.links);
  // With a device goes everything on it; the kernel has removed it by the time that the rest is applied.
  const stays = ({ link }: { readonly link?: string }): boolean => link === undefined || !links.remade.has(link);
  const addresses = diffItems(desired.addresses, actual.addresses.filter(stays), addressKey, () => true);
  const neighbours = diffItems(desired.neighbours, actual.neighbours.filter(stays), neighbourKey, sameMac);
  const fdb = diffItems(desired.fdb, actual.fdb.filter(stays), fdbKey, () => true);
  const routes = diffItems(desired.routes, actual.routes.filter(stays), routeKey, sameRoute);
  const returnRoutes = diffItems(desired.returnRoutes, actual.returnRoutes.filter(stays), routeKey, sameRoute);
  const rules = diffItems(desired.rules, actual.rules, ruleKey, () => true);
  return [
    ...links.before,
    ...addresses.set.map((address) => ({ kind: 'replace-address', address }) as const),
    ...neighbours.set.map((neighbour) => ({ kind: 'replace-neighbour', neighbour }) as const),
    // A peer that moved keeps its hardware address: the old entry must go first or frames would be sent to both.
    ...fdb.gone.map((entry) => ({ kind: 'delete-fdb', entry }) as const),
    ...fdb.set.map((entry) => ({ kind: 'replace-fdb', entry }) as const),
    ...routes.set.map((route) => ({ kind: 'replace-route', route }) as const),
    ...returnRoutes.set.map((route) => ({ kind: 'replace-route', route }) as const),
    ...rules.set.map((rule) => ({ kind: 'add-rule', rule }) as const),
    ...rules.gone.map((rule) => ({ kind: 'delete-rule', rule }) as const),
    ...returnRoutes.gone.map((route) => ({ kind: 'delete-route', route }) as const),
    ...routes.gone.map((route) => ({ kind: 'delete-route', route }) as const),
    ...neighbours.gone.map((neighbour) => ({ kind: 'delete-neighbour', neighbour }) as const),
    ...addresses.gone.map((address) => ({ kind: 'delete-address', address }) as const),
    ...links.gone.map(({ name }) => ({ kind: 'delete-link', link: name }) as const),
  ];
}

function diffLinks(
  desired: readonly DesiredLink[],
  actual: readonly ActualLink[],
): {
  readonly before: readonly RoutingChange[];
  readonly gone: readonly ActualLink[];
  /** Names of devices that are deleted and made anew. */
  readonly remade: ReadonlySet<string>;
} {
  const remade = new Set<string>();
  const before = desired.flatMap((link): RoutingChange[] => {
    const existing = actual.find(({ name }) => name === link.name);
    const add: RoutingChange = { kind: 'add-link', link: newLink(link) };
    if (existing === undefined) return [add];
    if (sameDevice(link, existing)) return settleLink(link, existing);
    remade.add(link.name);
    return [{ kind: 'delete-link', link: link.name }, add];
  });
  const gone = actual.filter(({ name }) => !desired.some((link) => link.name === name));
  return { before, gone, remade };
}

function settleLink({ name, mtu, mac }: DesiredLink, existing: ActualLink): RoutingChange[] {
  if (existing.mtu === mtu && existing.mac === mac && existing.up) return [];
  return [{ kind: 'set-link', link: name, mtu, mac, up: true }];
}

function diffItems<T>(
  desired: readonly T[],
  actual: readonly T[],
  keyOf: (item: T) => string,
  same: (desired: T, actual: T) => boolean,
): { readonly set: readonly T[]; readonly gone: readonly T[] } {
  const present = new Map(actual.map((item) => [keyOf(item), item]));
  const wanted = new Set(desired.map(keyOf));
  const set = desired.filter((item) => {
    const existing = present.get(keyOf(item));
    return existing === undefined || !same(item, existing);
  });
  return { set, gone: [...present].filter(([key]) => !wanted.has(key)).map(([, item]) => item) };
}

function addressKey({ link, address }: DesiredAddress): string {
  return `${link} ${formatCidr(address)}`;
}

function neighbourKey({ link, ip }: DesiredNeighbour): string {
  return `${link} ${formatIp(ip)}`;
}

function fdbKey({ link, mac, remote }: DesiredFdbEntry): string {
  return `${link} ${mac} ${formatIp(remote)}`;
}

function routeKey({ destination, table }: DesiredRoute): string {
  return `${table ?? 'main'} ${formatCidr(destination)}`;
}

function ruleKey({ family, priority, mark, table }: DesiredRule): string {
  return `${family} ${priority} ${mark.value}/${mark.mask} ${table}`;
}

function sameMac(a: DesiredNeighbour, b: DesiredNeighbour): boolean {
  return a.mac === b.mac;
}

/** A desired route that leaves the link to the kernel agrees with any. */
function sameRoute(desired: DesiredRoute, actual: DesiredRoute): boolean {
  if (desired.type !== actual.type) return false;
  if (desired.type === 'blackhole') return true;
  return (
    (desired.link === undefined || desired.link === actual.link) &&
    sameIp(desired.via, actual.via) &&
    (desired.mtu ?? 0) === (actual.mtu ?? 0)
  );
}

function sameIp(a: Ip | undefined, b: Ip | undefined): boolean {
  return a?.family === b?.family && a?.value === b?.value;
}
