import { equalIp } from '../../base/ip/index.ts';
import { KEYS } from '../../core/routing/index.ts';
import type { ActualNetwork, RoutingChange } from '../../core/routing/index.ts';

type Route = ActualNetwork['routes'][number];

/**
 * Routes of ours that we have replaced or taken away, while the kernel's word of our setting them may still be on its way:
 * that is not somebody else's doing. Once the kernel has told of what came after, nothing older can follow.
 */
export class StaleRoutes {
  readonly #states = new Map<string, Route[]>();

  /** `change` is done; `before` is what was there. */
  replaced(change: RoutingChange, before: Route | undefined): void {
    if (before === undefined || (change.kind !== 'replace-route' && change.kind !== 'delete-route')) return;
    const key = keyOf(before);
    this.#states.set(key, [...(this.#states.get(key) ?? []), before]);
  }

  /** Whether the route that the kernel told of is one of these. */
  has(route: Route): boolean {
    return this.#states.get(keyOf(route))?.some((each) => isSame(each, route)) === true;
  }

  /** The kernel has told of the present state of the route. */
  caughtUp(route: Route): void {
    this.#states.delete(keyOf(route));
  }

  clear(): void {
    this.#states.clear();
  }
}

function keyOf(route: Route): string {
  return route.table === undefined ? `main ${KEYS.routes(route)}` : KEYS.returnRoutes(route);
}

function isSame(a: Route, b: Route): boolean {
  return (
    a.type === b.type &&
    (a.link === undefined || a.link === b.link) &&
    (a.via === undefined ? b.via === undefined : b.via !== undefined && equalIp(a.via, b.via))
  );
}
