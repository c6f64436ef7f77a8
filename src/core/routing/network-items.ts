import type { Cidr, Ip } from '../../base/ip/index.ts';
import type {
  DesiredAddress,
  DesiredFdbEntry,
  DesiredLink,
  DesiredNeighbour,
  DesiredRoute,
  DesiredRule,
} from './types.ts';

/** Each kind of thing that a node's kernel holds for routing; `L` is what is known of a device. */
export interface ItemKinds<L> {
  readonly links: L;
  readonly addresses: DesiredAddress;
  readonly neighbours: DesiredNeighbour;
  readonly fdb: DesiredFdbEntry;
  /** Of the main table. */
  readonly routes: DesiredRoute;
  /** Of the tables that rules lead to. */
  readonly returnRoutes: DesiredRoute;
  readonly rules: DesiredRule;
}

/** The name of a kind. */
export type ItemKind = keyof ItemKinds<unknown>;

/** Some of each kind, or none. */
export type Items<L = DesiredLink> = { readonly [K in ItemKind]?: readonly ItemKinds<L>[K][] };

/** All of each kind, by {@link KEYS}. */
export type ItemTables<L = DesiredLink> = { readonly [K in ItemKind]: ReadonlyMap<string, ItemKinds<L>[K]> };

/** What tells an item of a kind from the others: the kernel holds one of a key, or should. */
export const KEYS: { readonly [K in ItemKind]: (item: ItemKinds<{ readonly name: string }>[K]) => string } = {
  links: ({ name }) => name,
  addresses: ({ link, address }) => `${link} ${cidrKey(address)}`,
  neighbours: ({ link, ip }) => `${link} ${ipKey(ip)}`,
  fdb: ({ link, mac }) => `${link} ${mac}`,
  routes: ({ destination }) => cidrKey(destination),
  returnRoutes: ({ table, destination }) => `${table} ${cidrKey(destination)}`,
  rules: ({ family, priority, mark, table, action }) =>
    `${family} ${priority} ${mark?.value}/${mark?.mask} ${typeof action === 'object' ? `goto ${action.goto}` : action} ${table}`,
};

/** All kinds. */
export const ITEM_KINDS = Object.keys(KEYS) as readonly ItemKind[];

/** The items by their keys. Of several with one key all but the first get keys that nothing desired has. */
export function tablesOf<L extends { readonly name: string }>(
  items: Required<Items<L>>,
): { readonly [K in ItemKind]: Map<string, ItemKinds<L>[K]> } {
  return {
    links: byKey(items.links, KEYS.links),
    addresses: byKey(items.addresses, KEYS.addresses),
    neighbours: byKey(items.neighbours, KEYS.neighbours),
    fdb: byKey(items.fdb, KEYS.fdb),
    routes: byKey(items.routes, KEYS.routes),
    returnRoutes: byKey(items.returnRoutes, KEYS.returnRoutes),
    rules: byKey(items.rules, KEYS.rules),
  };
}

/** Shorter to make than the text of an address. */
function ipKey({ family, value }: Ip): string {
  return `${family}:${value.toString(16)}`;
}

function cidrKey({ ip, prefix }: Cidr): string {
  return `${ipKey(ip)}/${prefix}`;
}

function byKey<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T> {
  const result = new Map<string, T>();
  for (const item of items) {
    const key = keyOf(item);
    result.set(result.has(key) ? `${key} again ${result.size}` : key, item);
  }
  return result;
}
