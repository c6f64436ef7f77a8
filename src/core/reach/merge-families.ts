import type { Family } from '../../base/ip/index.ts';
import { intersect, subtract, unionAll } from './int-set.ts';
import type { IntSet } from './int-set.ts';
import type { PortsId } from './port-table.ts';
import type { Region } from './region.ts';

/** Sources that reach one destination on the same traffic over each family. */
export interface ColumnCell {
  readonly from: IntSet;
  readonly ports: Readonly<Partial<Record<Family, PortsId>>>;
}

/** A region of one family. */
export interface FamilyRegion {
  readonly family: Family;
  readonly region: Region;
}

/** The cells of two families, split where they differ. */
export function mergeFamilies(a: FamilyRegion, b: FamilyRegion): ColumnCell[] {
  const cells: ColumnCell[] = [];
  for (const x of a.region) {
    let rest = x.others;
    for (const y of b.region) {
      const from = intersect(rest, y.others);
      if (from.length === 0) continue;
      rest = subtract(rest, from);
      cells.push({ from, ports: { [a.family]: x.ports, [b.family]: y.ports } });
    }
    if (rest.length > 0) cells.push({ from: rest, ports: { [a.family]: x.ports } });
  }
  const known = unionAll(a.region.map((cell) => cell.others));
  for (const y of b.region) {
    const from = subtract(y.others, known);
    if (from.length > 0) cells.push({ from, ports: { [b.family]: y.ports } });
  }
  return cells;
}
