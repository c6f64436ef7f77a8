import { has, intersect, size, subtract, unionAll } from './int-set.ts';
import type { IntSet } from './int-set.ts';
import type { GroupId } from './model.ts';
import type { PortsId } from './port-table.ts';
import type { Cell } from './region.ts';

/** So many different sets of destinations are tried before another is made, for each set of traffic. */
const MOST_BASES = 8;

/** Many destinations, the same for all sources but for a few each. */
interface Base {
  readonly destinations: IntSet;
  readonly sources: IntSet[];
  /** All of `sources` together; made on first use. */
  together?: IntSet;
  /** By destination: the sources that do not have it. */
  readonly except: Map<GroupId, IntSet[]>;
}

/**
 * Egress cells of many destinations. Those of different sources tend to be the same set but for some groups (everything but
 * the own namespace, say), so that most of them are told by one set and its exceptions.
 */
export class WideCells {
  readonly #narrow: number;
  readonly #bases = new Map<PortsId, Base[]>();

  /** `narrow`: the number of groups that count as few. */
  constructor(narrow: number) {
    this.#narrow = narrow;
  }

  /**
   * Takes the cell of these sources. Returns what of its destinations must be told apart from the rest, which are few;
   * undefined when the cell is like no other and was not taken.
   */
  add(cell: Cell, sources: IntSet): IntSet | undefined {
    const bases = this.#bases.get(cell.ports) ?? [];
    this.#bases.set(cell.ports, bases);
    for (const base of bases) {
      const missing = subtract(base.destinations, cell.others);
      if (size(missing) > this.#narrow) continue;
      const more = subtract(cell.others, base.destinations);
      if (size(more) > this.#narrow) continue;
      base.sources.push(sources);
      except(base, missing, sources);
      return more;
    }
    if (bases.length >= MOST_BASES) return undefined;
    bases.push({ destinations: cell.others, sources: [sources], except: new Map() });
    return [];
  }

  /** Those of `sources` that have the destination, and on which ports; what was returned by `add` left out. */
  into(destination: GroupId, sources: IntSet): Cell[] {
    const cells: Cell[] = [];
    for (const [ports, bases] of this.#bases)
      for (const base of bases) {
        if (!has(base.destinations, destination)) continue;
        base.together ??= unionAll(base.sources);
        const found = intersect(sources, base.together);
        const without = base.except.get(destination);
        const others = without === undefined ? found : subtract(found, unionAll(without));
        if (others.length > 0) cells.push({ others, ports });
      }
    return cells;
  }
}

function except(base: Base, destinations: IntSet, sources: IntSet): void {
  for (let i = 0; i < destinations.length; i += 2)
    for (let id = destinations[i]!; id <= destinations[i + 1]!; id++) {
      const known = base.except.get(id);
      if (known === undefined) base.except.set(id, [sources]);
      else known.push(sources);
    }
}
