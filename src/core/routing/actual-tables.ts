import type { ActualNetwork, RoutingChange } from './diff.ts';
import type { ActualLink } from './links.ts';
import { KEYS, tablesOf } from './network-items.ts';
import type { ItemKind, ItemKinds, ItemTables } from './network-items.ts';

/** What a node's kernel holds, kept in memory as changes are made. */
export class ActualTables {
  readonly #tables: { readonly [K in ItemKind]: Map<string, ItemKinds<ActualLink>[K]> };

  /** What was read from the kernel. */
  constructor(network: ActualNetwork) {
    this.#tables = tablesOf(network);
  }

  get tables(): ItemTables<ActualLink> {
    return this.#tables;
  }

  /** The kernel has done this. */
  record(change: RoutingChange): void {
    const { links, addresses, neighbours, fdb, rules } = this.#tables;
    switch (change.kind) {
      case 'add-link': {
        const { type: kind, ...rest } = change.link;
        links.set(rest.name, { mac: undefined, ...rest, kind });
        return;
      }
      case 'set-link': {
        const { kind: _, link: name, ...settings } = change;
        const link = links.get(name);
        if (link !== undefined) links.set(name, { ...link, ...settings });
        return;
      }
      case 'delete-link':
        return this.forgetLink(change.link);
      case 'replace-address':
        return void addresses.set(KEYS.addresses(change.address), change.address);
      case 'delete-address':
        return deleteItem(addresses, KEYS.addresses(change.address), change.address);
      case 'replace-neighbour':
        return void neighbours.set(KEYS.neighbours(change.neighbour), change.neighbour);
      case 'delete-neighbour':
        return deleteItem(neighbours, KEYS.neighbours(change.neighbour), change.neighbour);
      case 'replace-fdb':
        return void fdb.set(KEYS.fdb(change.entry), change.entry);
      case 'delete-fdb':
        return deleteItem(fdb, KEYS.fdb(change.entry), change.entry);
      case 'replace-route': {
        const kind = change.route.table === undefined ? 'routes' : 'returnRoutes';
        return void this.#tables[kind].set(KEYS[kind](change.route), change.route);
      }
      case 'delete-route': {
        const kind = change.route.table === undefined ? 'routes' : 'returnRoutes';
        return deleteItem(this.#tables[kind], KEYS[kind](change.route), change.route);
      }
      case 'add-rule':
        return void rules.set(KEYS.rules(change.rule), change.rule);
      case 'delete-rule':
        return deleteItem(rules, KEYS.rules(change.rule), change.rule);
    }
  }

  /** A link is gone and with it, by the kernel's doing, everything on it. */
  forgetLink(link: string): void {
    this.#tables.links.delete(link);
    for (const kind of ['addresses', 'neighbours', 'fdb', 'routes', 'returnRoutes'] as const) {
      const table: Map<string, { readonly link?: string }> = this.#tables[kind];
      for (const [key, item] of table) if (item.link === link) table.delete(key);
    }
  }
}

/** Of several items that a dump showed under one key, all but the first have other keys. */
function deleteItem<T>(table: Map<string, T>, key: string, item: T): void {
  if (table.get(key) === item) table.delete(key);
  else for (const [other, each] of table) if (each === item) table.delete(other);
}
