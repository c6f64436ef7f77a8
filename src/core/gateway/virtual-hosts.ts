import { hostText } from '../ingress/model.ts';
import type { HostMatch, PathMatch } from '../ingress/model.ts';
import type { Decision, DecisionList, VirtualHost } from '../ingress/virtual-host.ts';
import type { Place } from './attach.ts';
import { covers, hostRank } from './hostname.ts';
import type { ListenerReading } from './read-listeners.ts';
import type { MatchedTarget, RouteReading } from './read-route.ts';

/** A route at the listeners where it is. */
export interface PlacedRoute {
  readonly route: RouteReading;
  readonly places: readonly Place[];
}

/** A match of a route for requests to a host of a listener. */
interface Entry extends MatchedTarget {
  readonly host: HostMatch;
  /** What the route itself says: how special that is decides before anything else. */
  readonly written: HostMatch;
  readonly listenerHost: string;
}

/**
 * Brings listeners and routes, the oldest first, into what the proxy looks up. A request belongs to the listeners with the
 * most specific hostname for it, and to no others.
 */
export function virtualHosts(listeners: readonly ListenerReading[], routes: readonly PlacedRoute[]): VirtualHost[] {
  const ports = new Set(listeners.map(({ listener }) => listener.port));
  return [...ports].flatMap((port) => {
    const here = listeners.filter(({ listener }) => listener.port === port);
    const entries = entriesOf(routes, port);
    const hosts = new Map([...here, ...entries].map(({ host }) => [hostText(host), host]));
    return [...hosts.values()].map((host) => {
      const owner = here.map((each) => each.host).reduce((best, each) => better(best, each, host));
      const own = entries.filter((each) => each.listenerHost === hostText(owner) && covers(each.host, host));
      return { port, host, scope: hostText(owner), lists: decisionLists(own.toSorted(byRank)) };
    });
  });
}

/** Of two hostnames the one that is for `host`, and of two that are, the more specific one. */
function better(a: HostMatch, b: HostMatch, host: HostMatch): HostMatch {
  if (!covers(b, host)) return a;
  return !covers(a, host) || hostRank(b) > hostRank(a) ? b : a;
}

function entriesOf(routes: readonly PlacedRoute[], port: number): Entry[] {
  return routes.flatMap(({ route, places }) =>
    places
      .filter(({ listener }) => listener.listener.port === port && listener.serves)
      .flatMap(({ listener, hosts }) =>
        hosts.flatMap((names) =>
          route.targets.map((target) => ({ ...target, ...names, listenerHost: hostText(listener.host) })),
        ),
      ),
  );
}

/** Host, then what a match asks; where all that is equal, the older route and the earlier rule stays in front. */
function byRank(a: Entry, b: Entry): number {
  const [left, right] = [a, b].map(({ written, match }) => [hostRank(written), ...match.rank]);
  const at = left!.findIndex((value, index) => value !== right![index]);
  return at === -1 ? 0 : right![at]! - left![at]!;
}

/** For each path that an entry names, all entries that requests to it can match. */
function decisionLists(entries: readonly Entry[]): DecisionList[] {
  const paths = new Map<string, PathMatch>();
  for (const { match } of entries) {
    const path: PathMatch = match.path.kind === 'regex' ? { kind: 'prefix', value: '' } : match.path;
    paths.set(`${path.kind} ${path.value}`, path);
  }
  return [...paths.values()].map((path) => {
    const fitting = entries.filter(({ match }) => fits(match.path, path));
    return { path, decisions: untilFinal(fitting.flatMap(decisionsOf)) };
  });
}

function fits(wanted: PathMatch, path: PathMatch): boolean {
  if (wanted.kind === 'regex') return true;
  if (wanted.kind === 'exact') return path.kind === 'exact' && path.value === wanted.value;
  return wanted.value === '' || path.value === wanted.value || path.value.startsWith(`${wanted.value}/`);
}

function decisionsOf({ match, shares }: Entry): Decision[] {
  const path = match.path.kind === 'regex' ? ([{ kind: 'path', value: match.path.value }] as const) : [];
  return shares.map(({ share, backend }) => ({
    ...(share === undefined ? {} : { share }),
    backend,
    tests: [...path, ...match.tests],
  }));
}

/** What comes after one that takes every request takes none. */
function untilFinal(decisions: readonly Decision[]): readonly Decision[] {
  const last = decisions.findIndex(({ tests, share }) => tests.length === 0 && share === undefined);
  return last === -1 ? decisions : decisions.slice(0, last + 1);
}
