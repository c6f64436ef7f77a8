import type { Family } from '../../base/ip/index.ts';
import type { Groups } from './groups.ts';
import { append, EMPTY, has, intersect, members, range, size, unionAll } from './int-set.ts';
import type { IntSet } from './int-set.ts';
import type { GroupId } from './model.ts';
import { ALL, NONE } from './port-table.ts';
import type { PortsId, PortTable } from './port-table.ts';
import { portsFor, regionOf } from './region.ts';
import type { Cell, Region } from './region.ts';
import type { Sides } from './sides.ts';
import { WideCells } from './wide-cells.ts';

/** Cells of an egress region with at most so many destinations are looked up by destination. */
export const NARROW = 1024;

/**
 * Who reaches a destination over one family: its own ingress and everybody's egress joined. Sources whose egress is
 * restricted to few are found from the destination, those without restriction, or with nearly the same, are taken at once, so that the work for a
 * destination grows with the number of its sources, not of all.
 */
export class Columns {
  readonly #groups: Groups;
  readonly #sides: Sides;
  readonly #ports: PortTable;
  readonly #family: Family;
  readonly #present: IntSet;
  readonly #inside: IntSet;
  /** Sources that no egress policy restricts. */
  readonly #free: IntSet;
  /** By destination: sources with that region there, and on which ports. */
  readonly #narrow = new Map<GroupId, Cell[]>();
  readonly #few: number;
  readonly #wide: WideCells;
  /** Sources with cells of many destinations that are like no others, and these cells. */
  readonly #odd: readonly { readonly sources: IntSet; readonly cells: Region }[];
  readonly #oddSources: IntSet;
  readonly #oddOf = new Map<GroupId, Region>();
  readonly #freeOf = new Map<IntSet, IntSet>();

  /** `few`: what counts as few destinations; {@link NARROW} but in tests. */
  constructor(groups: Groups, sides: Sides, ports: PortTable, family: Family, few: number) {
    this.#few = few;
    this.#wide = new WideCells(few);
    this.#groups = groups;
    this.#sides = sides;
    this.#ports = ports;
    this.#family = family;
    this.#present = groups.ofFamily(family);
    this.#inside = intersect(this.#present, range(0, groups.firstOutside - 1));
    const { free, restricted } = this.#sources();
    this.#free = free;
    const odd: { sources: IntSet; cells: Region }[] = [];
    for (const [region, sources] of restricted) {
      const cells = region.filter((cell) => !this.#file(cell, sources));
      if (cells.length === 0) continue;
      odd.push({ sources, cells });
      for (const source of members(sources)) this.#oddOf.set(source, cells);
    }
    this.#odd = odd;
    this.#oddSources = unionAll(odd.map((each) => each.sources));
  }

  /** The sources that reach the destination, cell by cell; between two ends of the outside nothing is told. */
  into(destination: GroupId): Region {
    if (!has(this.#present, destination)) return [];
    const own = this.#sides.read(destination, 'ingress', this.#family);
    const cells: Cell[] = [];
    const isOutside = destination >= this.#groups.firstOutside;
    for (const { others, ports } of own ?? [{ others: this.#present, ports: ALL }]) {
      const sources = isOutside ? intersect(others, this.#inside) : others;
      this.#join(destination, sources, ports, cells);
    }
    return regionOf(cells, this.#ports);
  }

  #join(destination: GroupId, sources: IntSet, ports: PortsId, cells: Cell[]): void {
    const free = this.#freeIn(sources);
    if (free.length > 0) cells.push({ others: free, ports });
    for (const cell of this.#narrow.get(destination) ?? []) {
      const common = this.#ports.intersect(ports, cell.ports);
      if (common === NONE) continue;
      const others = intersect(cell.others, sources);
      if (others.length > 0) cells.push({ others, ports: common });
    }
    for (const cell of this.#wide.into(destination, sources)) {
      const common = this.#ports.intersect(ports, cell.ports);
      if (common !== NONE) cells.push({ others: cell.others, ports: common });
    }
    if (this.#odd.length > 0) this.#joinOdd(destination, sources, ports, cells);
  }

  /** Goes through whichever is fewer: the sources in question or all distinct odd regions. */
  #joinOdd(destination: GroupId, sources: IntSet, ports: PortsId, cells: Cell[]): void {
    const found = intersect(sources, this.#oddSources);
    if (size(found) <= this.#odd.length) {
      for (const source of members(found)) {
        const common = this.#ports.intersect(ports, portsFor(this.#oddOf.get(source)!, destination));
        if (common !== NONE) cells.push({ others: range(source, source), ports: common });
      }
      return;
    }
    for (const each of this.#odd) {
      const common = this.#ports.intersect(ports, portsFor(each.cells, destination));
      if (common === NONE) continue;
      const others = intersect(each.sources, sources);
      if (others.length > 0) cells.push({ others, ports: common });
    }
  }

  #freeIn(sources: IntSet): IntSet {
    if (this.#free.length === 0) return EMPTY;
    let free = this.#freeOf.get(sources);
    if (free === undefined) {
      free = intersect(sources, this.#free);
      this.#freeOf.set(sources, free);
    }
    return free;
  }

  /** Files the cell where it can be found from its destinations; false when it is odd. */
  #file(cell: Cell, sources: IntSet): boolean {
    const few = size(cell.others) <= this.#few ? cell.others : this.#wide.add(cell, sources);
    if (few === undefined) return false;
    const entry = { others: sources, ports: cell.ports };
    for (const destination of members(few)) {
      const known = this.#narrow.get(destination);
      if (known === undefined) this.#narrow.set(destination, [entry]);
      else known.push(entry);
    }
    return true;
  }

  #sources(): { readonly free: IntSet; readonly restricted: ReadonlyMap<Region, number[]> } {
    const free: number[] = [];
    const restricted = new Map<Region, number[]>();
    for (const source of members(this.#present)) {
      const region = this.#sides.read(source, 'egress', this.#family);
      if (region === undefined) append(free, source, source);
      else {
        const sources = restricted.get(region);
        if (sources === undefined) restricted.set(region, [source, source]);
        else append(sources, source, source);
      }
    }
    return { free, restricted };
  }
}
