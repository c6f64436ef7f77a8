import { hostText } from './model.ts';
import type { Route } from './model.ts';

/** Content of the files by which requests are led to backends. */
export interface RouteMaps {
  /** Host and path. */
  readonly exact: string;
  /** Host and the path's first elements, ending in `/`. */
  readonly prefix: string;
  /** The same with the length of the path as value. */
  readonly rank: string;
  /** Expressions over host and path, the longest first; the value is that length, a colon and the target. */
  readonly regex: string;
}

/** Writes the maps; `targetOf` names what a route's requests are for. */
export function renderMaps(routes: readonly Route[], targetOf: (route: Route) => string): RouteMaps {
  const of = (kind: Route['path']['kind']): Route[] => routes.filter(({ path }) => path.kind === kind);
  const key = ({ host, path }: Route): string => `${hostText(host)}${path.value}`;
  const prefixes = of('prefix');
  const regexes = of('regex').toSorted((a, b) => b.path.value.length - a.path.value.length);
  return {
    exact: lines(
      of('exact')
        .map((route) => `${key(route)} ${targetOf(route)}`)
        .sort(),
    ),
    prefix: lines(prefixes.map((route) => `${key(route)}/ ${targetOf(route)}`).sort()),
    rank: lines(prefixes.map((route) => `${key(route)}/ ${rankOf(route)}`).sort()),
    regex: lines(regexes.map((route) => `${expressionOf(route)} ${rankOf(route)}:${targetOf(route)}`)),
  };
}

function rankOf({ path }: Route): number {
  return path.value.length;
}

function expressionOf({ host, path }: Route): string {
  return `(?i)^${hostText(host).replaceAll(/[.*]/g, '\\$&')}(?:${path.value})`;
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}
