import type { ReplyLine } from './reply.ts';

/** A route as BIRD tells of it in `show route`. */
export interface BirdRoute {
  readonly destination: string;
  /** `unicast`, `blackhole`, `unreachable` … */
  readonly type: string;
  /** Where packets go next, and by which interface; none for what goes nowhere. */
  readonly hops: readonly { readonly via?: string; readonly link: string }[];
  /** Name of the protocol or session that it comes from. */
  readonly from: string;
  /** Whether it is the one that counts for its destination. */
  readonly best: boolean;
}

const TABLE = /^Table \S+:$/;
const ROUTE = /^(\S*)\s+(\S+) \[(\S+) [^\]]*\](?: (\*))?/;
const HOP = /^\s+(?:via (\S+) on|dev) (\S+)/;

/** Reads the answer to `show route`, of one table or several. */
export function readRoutes(lines: readonly ReplyLine[]): readonly BirdRoute[] {
  const routes: (BirdRoute & { readonly hops: { via?: string; link: string }[] })[] = [];
  for (const { text } of lines) {
    if (TABLE.test(text)) continue;
    const [, via, link] = HOP.exec(text) ?? [];
    if (link !== undefined) routes.at(-1)?.hops.push({ ...(via === undefined ? {} : { via }), link });
    const [, destination, type, from, best] = ROUTE.exec(text) ?? [];
    if (type === undefined || from === undefined) continue;
    // Of several routes to one destination only the first names it.
    const named = destination === undefined || destination === '' ? (routes.at(-1)?.destination ?? '') : destination;
    routes.push({ destination: named, type, from, best: best !== undefined, hops: [] });
  }
  return routes;
}
