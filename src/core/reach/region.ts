import { EMPTY, intersect, subtract, union, unionAll, has } from './int-set.ts';
import type { IntSet } from './int-set.ts';
import { NONE } from './port-table.ts';
import type { PortsId, PortTable } from './port-table.ts';

/** Some groups on the other side of a connection, and traffic with every one of them. */
export interface Cell {
  readonly others: IntSet;
  readonly ports: PortsId;
}

/**
 * Who on the other side, on which ports: cells that share no group, each with some group and some port. What one
 * endpoint's rules match, and what they allow, are regions.
 */
export type Region = readonly Cell[];

/** Nobody, nothing. */
export const NOWHERE: Region = [];

/** The region of `cells` that may overlap. Cells of equal ports become one. */
export function regionOf(cells: readonly Cell[], ports: PortTable): Region {
  const byPorts = new Map<PortsId, IntSet[]>();
  for (const cell of cells) if (cell.ports !== NONE && cell.others.length > 0) add(byPorts, cell.ports, cell.others);
  if (byPorts.size < 2) return gathered(byPorts);
  let region: Cell[] = [];
  for (const cell of gathered(byPorts)) region = withCell(region, cell, ports);
  return tidy(region);
}

/** Who and what is in both. */
export function intersectRegions(a: Region, b: Region, ports: PortTable): Region {
  const cells: Cell[] = [];
  for (const x of a)
    for (const y of b) {
      const common = ports.intersect(x.ports, y.ports);
      if (common === NONE) continue;
      const others = intersect(x.others, y.others);
      if (others.length > 0) cells.push({ others, ports: common });
    }
  return tidy(cells);
}

/** Who and what is in `a` and not in `b`. */
export function subtractRegions(a: Region, b: Region, ports: PortTable): Region {
  const cells: Cell[] = [];
  for (const x of a) {
    let rest = x.others;
    for (const y of b) {
      const others = intersect(rest, y.others);
      if (others.length === 0) continue;
      rest = subtract(rest, others);
      const left = ports.subtract(x.ports, y.ports);
      if (left !== NONE) cells.push({ others, ports: left });
    }
    if (rest.length > 0) cells.push({ others: rest, ports: x.ports });
  }
  return tidy(cells);
}

/** What the region has for one group. */
export function portsFor(region: Region, group: number): PortsId {
  for (const { others, ports } of region) if (has(others, group)) return ports;
  return NONE;
}

function withCell(region: readonly Cell[], cell: Cell, ports: PortTable): Cell[] {
  const result: Cell[] = [];
  let rest = cell.others;
  for (const known of region) {
    const common = rest.length === 0 ? EMPTY : intersect(known.others, rest);
    if (common.length === 0) {
      result.push(known);
      continue;
    }
    const alone = subtract(known.others, common);
    if (alone.length > 0) result.push({ others: alone, ports: known.ports });
    result.push({ others: common, ports: ports.union(known.ports, cell.ports) });
    rest = subtract(rest, common);
  }
  if (rest.length > 0) result.push({ others: rest, ports: cell.ports });
  return result;
}

/** Cells of equal ports as one; for cells that share no group. */
function tidy(cells: readonly Cell[]): Region {
  if (cells.length < 2) return cells;
  const byPorts = new Map<PortsId, IntSet[]>();
  for (const { others, ports } of cells) add(byPorts, ports, others);
  return byPorts.size === cells.length ? cells : gathered(byPorts);
}

function add(byPorts: Map<PortsId, IntSet[]>, ports: PortsId, others: IntSet): void {
  const sets = byPorts.get(ports);
  if (sets === undefined) byPorts.set(ports, [others]);
  else if (!sets.includes(others)) sets.push(others);
}

function gathered(byPorts: ReadonlyMap<PortsId, readonly IntSet[]>): Cell[] {
  return Array.from(byPorts, ([ports, sets]) => ({
    others: sets.length === 2 ? union(sets[0]!, sets[1]!) : unionAll(sets),
    ports,
  }));
}
