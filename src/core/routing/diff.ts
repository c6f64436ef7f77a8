import type { Ip } from '../../base/ip/index.ts';
import { TUNNEL_DEVICES } from './constants.ts';
import type { TouchedKeys } from './keyed-items.ts';
import { isAbandoned, newLink, sameDevice } from './links.ts';
import type { ActualLink, NewTunnelLink } from './links.ts';
import { tablesOf } from './network-items.ts';
import type { ItemKind, ItemKinds, Items, ItemTables } from './network-items.ts';
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
export type ActualNetwork = Required<Items<ActualLink>>;

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

/** {@link diffTables} of whole networks. */
export function diffNetwork(desired: DesiredNetwork, actual: ActualNetwork): readonly RoutingChange[] {
  return diffTables(tablesOf(desired), tablesOf(actual));
}

/**
 * The changes that make `actual` equal to `desired`, in an order in which each finds what it needs: links, addresses,
 * neighbours, forwarding entries, routes; then removals in reverse. Nothing that stays is ever taken away in between.
 * Looks only at what was `touched`, where that is given.
 */
export function diffTables(
  desired: ItemTables,
  actual: ItemTables<ActualLink>,
  touched?: TouchedKeys,
): readonly RoutingChange[] {
  const links = diffLinks(desired.links, actual.links);
  // With a device goes everything on it; the kernel has removed it by the time that the rest is applied.
  const scope: Scope = { desired, actual, remade: links.remade, touched: links.remade.size > 0 ? undefined : touched };
  const addresses = diffKind('addresses', scope, () => true);
  const neighbours = diffKind('neighbours', scope, (a, b) => a.mac === b.mac);
  const fdb = diffKind('fdb', scope, (a, b) => sameIp(a.remote, b.remote));
  const routes = diffKind('routes', scope, sameRoute);
  const returnRoutes = diffKind('returnRoutes', scope, sameRoute);
  const rules = diffKind('rules', scope, () => true);
  return [
    ...links.before,
    ...addresses.set.map((address) => ({ kind: 'replace-address', address }) as const),
    ...neighbours.set.map((neighbour) => ({ kind: 'replace-neighbour', neighbour }) as const),
    // A peer that moved keeps its hardware address: the old entry must go first or frames would be sent to both.
    ...[...fdb.other, ...fdb.gone].map((entry) => ({ kind: 'delete-fdb', entry }) as const),
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
  desired: ReadonlyMap<string, DesiredLink>,
  actual: ReadonlyMap<string, ActualLink>,
): {
  readonly before: readonly RoutingChange[];
  readonly gone: readonly ActualLink[];
  /** Names of devices that are deleted and made anew. */
  readonly remade: ReadonlySet<string>;
} {
  const remade = new Set<string>();
  const before = [...desired.values()].flatMap((link): RoutingChange[] => {
    const existing = actual.get(link.name);
    const add: RoutingChange = { kind: 'add-link', link: newLink(link) };
    if (existing === undefined) return [add];
    if (sameDevice(link, existing)) return isAbandoned(link, existing) ? [add] : settleLink(link, existing);
    remade.add(link.name);
    return [{ kind: 'delete-link', link: link.name }, add];
  });
  return { before, gone: [...actual.values()].filter(({ name }) => !desired.has(name)), remade };
}

function settleLink(link: DesiredLink, existing: ActualLink): RoutingChange[] {
  const { name, mtu } = link;
  const mac = 'mac' in link ? { mac: link.mac } : {};
  if (existing.mtu === mtu && (!('mac' in link) || existing.mac === link.mac) && existing.up) return [];
  return [{ kind: 'set-link', link: name, mtu, ...mac, up: true }];
}

interface Scope {
  readonly desired: ItemTables;
  readonly actual: ItemTables<ActualLink>;
  readonly remade: ReadonlySet<string>;
  readonly touched: TouchedKeys | undefined;
}

interface Difference<T> {
  readonly set: readonly T[];
  /** What was there instead of some of `set`. */
  readonly other: readonly T[];
  readonly gone: readonly T[];
}

function diffKind<K extends Exclude<ItemKind, 'links'>>(
  kind: K,
  { desired, actual, remade, touched }: Scope,
  same: (desired: ItemKinds<never>[K], actual: ItemKinds<never>[K]) => boolean,
): Difference<ItemKinds<never>[K]> {
  type Item = ItemKinds<never>[K];
  const wanted = desired[kind] as ReadonlyMap<string, Item>;
  const present = actual[kind] as ReadonlyMap<string, Item>;
  const keys = touched?.[kind] ?? new Set([...wanted.keys(), ...present.keys()]);
  const [set, other, gone]: Item[][] = [[], [], []];
  for (const key of keys) {
    const item = wanted.get(key);
    const found = present.get(key);
    const existing = found !== undefined && isOn(found, remade) ? undefined : found;
    if (item === undefined) {
      if (existing !== undefined) gone!.push(existing);
      continue;
    }
    if (existing !== undefined && same(item, existing)) continue;
    if (existing !== undefined) other!.push(existing);
    set!.push(item);
  }
  return { set: set!, other: other!, gone: gone! };
}

function isOn(item: object, links: ReadonlySet<string>): boolean {
  return links.size > 0 && 'link' in item && links.has(item.link as string);
}

/** A desired route that leaves the link to the kernel agrees with any but a tunnel's, which has to be asked for. */
function sameRoute(desired: DesiredRoute, actual: DesiredRoute): boolean {
  if (desired.type !== actual.type) return false;
  if (desired.type === 'blackhole') return true;
  return (
    (desired.link === undefined ? !isTunnel(actual.link) : desired.link === actual.link) &&
    sameIp(desired.via, actual.via) &&
    (desired.mtu ?? 0) === (actual.mtu ?? 0)
  );
}

function isTunnel(link: string | undefined): boolean {
  return link !== undefined && TUNNEL_DEVICES.includes(link);
}

function sameIp(a: Ip | undefined, b: Ip | undefined): boolean {
  return a?.family === b?.family && a?.value === b?.value;
}
