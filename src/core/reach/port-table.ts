import { intersect, subtract, union } from './int-set.ts';
import { ALL_PORTS, NO_PORTS } from './port-set.ts';
import type { PortSet } from './port-set.ts';

/** A set of traffic by its number in a {@link PortTable}: equal sets have equal numbers. */
export type PortsId = number;

/** Number of the empty set, in every table. */
export const NONE: PortsId = 0;
/** Number of the set of all traffic, in every table. */
export const ALL: PortsId = 1;

/** Numbers sets of traffic and remembers what was computed with them: a cluster has few, and uses them often. */
export class PortTable {
  readonly #sets: PortSet[] = [];
  readonly #ids = new Map<string, PortsId>();
  readonly #unions = new Map<number, PortsId>();
  readonly #intersections = new Map<number, PortsId>();
  readonly #differences = new Map<number, PortsId>();

  constructor() {
    this.id(NO_PORTS);
    this.id(ALL_PORTS);
  }

  /** The number of `set`. */
  id(set: PortSet): PortsId {
    const key = set.join();
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#sets.length;
    this.#sets.push(set);
    this.#ids.set(key, id);
    return id;
  }

  /** The set of that number; always the same list, so that equal sets are identical. */
  set(id: PortsId): PortSet {
    return this.#sets[id]!;
  }

  union(a: PortsId, b: PortsId): PortsId {
    if (a === b || b === NONE || a === ALL) return a;
    if (a === NONE || b === ALL) return b;
    return a < b ? this.#remember(this.#unions, union, a, b) : this.#remember(this.#unions, union, b, a);
  }

  intersect(a: PortsId, b: PortsId): PortsId {
    if (a === b || a === NONE || b === ALL) return a;
    if (b === NONE || a === ALL) return b;
    return a < b
      ? this.#remember(this.#intersections, intersect, a, b)
      : this.#remember(this.#intersections, intersect, b, a);
  }

  subtract(a: PortsId, b: PortsId): PortsId {
    if (a === NONE || b === NONE) return a;
    if (a === b || b === ALL) return NONE;
    return this.#remember(this.#differences, subtract, a, b);
  }

  #remember(memory: Map<number, PortsId>, operation: typeof union, a: PortsId, b: PortsId): PortsId {
    const key = a * 0x4000000 + b;
    let id = memory.get(key);
    if (id === undefined) {
      id = this.id(operation(this.#sets[a]!, this.#sets[b]!));
      memory.set(key, id);
    }
    return id;
  }
}
