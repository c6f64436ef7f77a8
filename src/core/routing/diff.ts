import { formatCidr, formatIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type {
  DesiredAddress,
  DesiredFdbEntry,
  DesiredNeighbour,
  DesiredNetwork,
  DesiredRoute,
  DesiredRule,
  DesiredVxlan,
} from './types.ts';

/** What the kernel holds of the things that are Sluice's: the same shape as what is desired, found by dumping. */
export type ActualNetwork = Pick<
  DesiredNetwork,
  'addresses' | 'routes' | 'neighbours' | 'fdb' | 'rules' | 'returnRoutes'
> & {
  readonly vxlan: (Omit<DesiredVxlan, 'local'> & { readonly local: Ip | undefined; readonly up: boolean }) | undefined;
};

/** One change, in the words of `host/netlink`. */
export type RoutingChange =
  | {
      readonly kind: 'add-link';
      readonly link: {
        readonly type: 'vxlan';
        readonly name: string;
        readonly mac: string;
        readonly mtu: number;
        readonly up: true;
        readonly vxlan: { readonly vni: number; readonly port: number; readonly local: Ip };
      };
    }
  | { readonly kind: 'set-link'; readonly link: string; readonly mtu: number; readonly mac: string; readonly up: true }
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
  const link = diffLink(desired.vxlan, actual.vxlan);
  // With the device goes everything on it; the kernel has removed it by the time that the rest is applied.
  const gone = link.recreated ? actual.vxlan?.name : undefined;
  const stays = ({ link: name }: { readonly link?: string }): boolean => gone === undefined || name !== gone;
  const addresses = diffItems(desired.addresses, actual.addresses.filter(stays), addressKey, () => true);
  const neighbours = diffItems(desired.neighbours, actual.neighbours.filter(stays), neighbourKey, sameMac);
  const fdb = diffItems(desired.fdb, actual.fdb.filter(stays), fdbKey, () => true);
  const routes = diffItems(desired.routes, actual.routes.filter(stays), routeKey, sameRoute);
  const returnRoutes = diffItems(desired.returnRoutes, actual.returnRoutes.filter(stays), routeKey, sameRoute);
  const rules = diffItems(desired.rules, actual.rules, ruleKey, () => true);
  return [
    ...link.before,
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
    ...link.after,
  ];
}

function diffLink(
  desired: DesiredVxlan | undefined,
  actual: ActualNetwork['vxlan'],
): {
  readonly before: readonly RoutingChange[];
  readonly after: readonly RoutingChange[];
  readonly recreated: boolean;
} {
  if (desired === undefined) {
    const after = actual === undefined ? [] : [{ kind: 'delete-link', link: actual.name } as const];
    return { before: [], after, recreated: false };
  }
  const add: RoutingChange = { kind: 'add-link', link: newLink(desired) };
  if (actual === undefined) return { before: [add], after: [], recreated: false };
  if (!sameTunnel(desired, actual))
    return { before: [{ kind: 'delete-link', link: actual.name }, add], after: [], recreated: true };
  const { name, mtu, mac } = desired;
  const settled = actual.mtu === mtu && actual.mac === mac && actual.up;
  return { before: settled ? [] : [{ kind: 'set-link', link: name, mtu, mac, up: true }], after: [], recreated: false };
}

function newLink({
  name,
  mac,
  mtu,
  vni,
  port,
  local,
}: DesiredVxlan): Extract<RoutingChange, { kind: 'add-link' }>['link'] {
  return { type: 'vxlan', name, mac, mtu, up: true, vxlan: { vni, port, local } };
}

/** What cannot be changed on a living device: identity, port, local address. */
function sameTunnel(desired: DesiredVxlan, actual: NonNullable<ActualNetwork['vxlan']>): boolean {
  return desired.vni === actual.vni && desired.port === actual.port && sameIp(desired.local, actual.local);
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
