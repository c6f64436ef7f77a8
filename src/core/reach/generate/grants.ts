import { union as unionRanges } from '../../../base/ip/index.ts';
import type { Family, IntervalSet } from '../../../base/ip/index.ts';
import type { Direction, NodeEndpoint } from '../../policy/index.ts';
import { union } from '../int-set.ts';
import { NO_PORTS } from '../port-set.ts';
import type { PortSet } from '../port-set.ts';
import type { Wish, WishedEnd } from './model.ts';
import { unitName } from './units.ts';
import type { Unit } from './units.ts';

/** The other side of what one unit is granted. */
export type Grantee =
  | { readonly kind: 'unit'; readonly unit: Unit }
  | { readonly kind: 'node'; readonly node: NodeEndpoint }
  | { readonly kind: 'outside'; readonly family: Family; readonly ranges: IntervalSet };

/** One grant of a unit in a direction. */
export interface Grant {
  readonly grantee: Grantee;
  readonly ports: PortSet;
}

/** The wishes sorted by unit and direction: the same grantee once, with all its ports. */
export class Grants {
  readonly widened: { readonly text: string; readonly to: string }[] = [];
  readonly #unitOf = new Map<string, Unit>();
  readonly #grants = new Map<string, Map<string, Grant>>();

  constructor(units: readonly Unit[], wishes: readonly Wish[]) {
    for (const unit of units) for (const pod of unit.pods) this.#unitOf.set(pod.key, unit);
    for (const wish of wishes) this.#add(wish);
  }

  /** What the unit may send (`egress`) or receive, by grantee. */
  of(unit: Unit, direction: Direction): Grant[] {
    return [...(this.#grants.get(key(unit, direction))?.values() ?? [])];
  }

  #add(wish: Wish): void {
    const [from, to] = [this.#ends(wish.from, wish.text), this.#ends(wish.to, wish.text)];
    for (const source of from)
      for (const destination of to) {
        if (source.kind === 'unit') this.#grant(source.unit, 'egress', destination, wish.ports);
        if (destination.kind === 'unit') this.#grant(destination.unit, 'ingress', source, wish.ports);
      }
  }

  #ends(end: WishedEnd, text: string): Grantee[] {
    const units = new Set(end.pods.flatMap((pod) => this.#unitOf.get(pod.key) ?? []));
    const meant = new Set(end.pods.map((pod) => pod.key));
    for (const unit of units)
      if (unit.pods.some((pod) => !meant.has(pod.key))) this.widened.push({ text, to: unitName(unit) });
    return [
      ...Array.from(units, (unit): Grantee => ({ kind: 'unit', unit })),
      ...end.nodes.map((node): Grantee => ({ kind: 'node', node })),
      ...([4, 6] as const).flatMap((family): Grantee[] =>
        end.ranges[family].length === 0 ? [] : [{ kind: 'outside', family, ranges: end.ranges[family] }],
      ),
    ];
  }

  #grant(unit: Unit, direction: Direction, grantee: Grantee, ports: PortSet): void {
    const grants = this.#grants.get(key(unit, direction)) ?? new Map<string, Grant>();
    this.#grants.set(key(unit, direction), grants);
    const id = granteeKey(grantee);
    const known = grants.get(id);
    grants.set(id, { grantee, ports: union(known?.ports ?? NO_PORTS, ports) });
  }
}

/** Ranges that are granted the same ports, taken together. */
export function together(grants: readonly Grant[], family: Family): IntervalSet {
  return grants.reduce<IntervalSet>(
    (sum, { grantee }) =>
      grantee.kind === 'outside' && grantee.family === family ? unionRanges(sum, grantee.ranges) : sum,
    [],
  );
}

function key(unit: Unit, direction: Direction): string {
  return `${unit.id} ${direction}`;
}

function granteeKey(grantee: Grantee): string {
  switch (grantee.kind) {
    case 'unit':
      return `unit ${grantee.unit.id}`;
    case 'node':
      return `node ${grantee.node.name}`;
    case 'outside':
      return grantee.ranges.map(({ first, last }) => `${grantee.family} ${first}-${last}`).join();
  }
}
