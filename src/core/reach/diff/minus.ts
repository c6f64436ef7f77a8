import type { Family } from '../../../base/ip/index.ts';
import { disjoint, subtract } from '../int-set.ts';
import type { Connection } from '../model.ts';
import { connectionOf } from '../pairs.ts';
import type { PortSet } from '../port-set.ts';

/** What `a` allows and `b` does not. A family that one of them has alone is left to the tale of what came and went. */
export function minus(a: Connection, b: Connection): Connection {
  const byFamily: { [family in Family]?: PortSet } = {};
  for (const family of [4, 6] as const) {
    const [x, y] = [a.byFamily[family], b.byFamily[family]];
    if (x !== undefined && y !== undefined) byFamily[family] = disjoint(x, y) ? x : subtract(x, y);
  }
  return connectionOf(byFamily);
}
