import { members, setOf } from '../int-set.ts';
import type { IntSet } from '../int-set.ts';
import type { Connection } from '../model.ts';
import { connectionOf } from '../pairs.ts';
import { NONE } from '../port-table.ts';
import type { PortsId, PortTable } from '../port-table.ts';
import type { EndId, PlacedEnd } from './common-ends.ts';
import type { ReachabilityChange } from './model.ts';

/** Collects single changes, destination by destination, and tells equal ones together. */
export class ChangeTable {
  readonly #ends: readonly PlacedEnd[];
  readonly #ports: PortTable;
  /** By destination, then by what changes: the sources. */
  readonly #byDestination = new Map<EndId, Map<string, EndId[]>>();
  readonly #connections = new Map<string, Connection>();

  constructor(ends: readonly PlacedEnd[], ports: PortTable) {
    this.#ends = ends;
    this.#ports = ports;
  }

  /** What changes over each family; absent for families that the two have not in common. */
  add(from: EndId, to: EndId, four: PortsId | undefined, six: PortsId | undefined): void {
    if ((four ?? NONE) === NONE && (six ?? NONE) === NONE) return;
    const key = `${four} ${six}`;
    if (!this.#connections.has(key))
      this.#connections.set(
        key,
        connectionOf({
          ...(four === undefined ? {} : { 4: this.#ports.set(four) }),
          ...(six === undefined ? {} : { 6: this.#ports.set(six) }),
        }),
      );
    const changes = this.#byDestination.get(to) ?? new Map<string, EndId[]>();
    this.#byDestination.set(to, changes);
    const sources = changes.get(key);
    if (sources === undefined) changes.set(key, [from]);
    else sources.push(from);
  }

  /** Every change once, by first destination. */
  changes(): ReachabilityChange[] {
    const found = new Map<string, { readonly key: string; readonly from: IntSet; readonly to: EndId[] }>();
    for (const to of [...this.#byDestination.keys()].sort((a, b) => a - b))
      for (const [key, list] of this.#byDestination.get(to)!) {
        const from = setOf(list);
        const id = `${key} ${from.join()}`;
        const known = found.get(id);
        if (known === undefined) found.set(id, { key, from, to: [to] });
        else known.to.push(to);
      }
    return Array.from(found.values(), ({ key, from, to }) => {
      const { byFamily, ports, differs } = this.#connections.get(key)!;
      const [sources, destinations] = [[...members(from)], to].map((ids) => ids.map((id) => this.#ends[id]!.end));
      return { from: sources!, to: destinations!, byFamily, ports, differs };
    });
  }
}
