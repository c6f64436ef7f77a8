import type { HostMatch, Route } from './model.ts';
import { decoded } from './read-ingress.ts';
import { HOST_KINDS } from './render-virtual-hosts.ts';

/**
 * The route that the proxy leads a request to: exact hosts before wildcards before any; of each an exact path, then the
 * longest prefix or expression. The path has no query. Undefined where none is for it.
 */
export function matchRoute(routes: readonly Route[], hostText: string, pathText: string): Route | undefined {
  const host = hostText.toLowerCase().replace(/\.$/, '');
  const path = decoded(pathText.replace(/\/+/g, '/'));
  if (path === undefined) return undefined;
  for (const kind of HOST_KINDS) {
    const found = matchPath(
      routes.filter((route) => route.host.kind === kind && takesHost(route.host, host)),
      path,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

function takesHost(match: HostMatch, host: string): boolean {
  if (match.kind === 'any') return true;
  return match.kind === 'exact' ? match.name === host : match.parent === host.replace(/^[^.]*\.?/, '');
}

function matchPath(routes: readonly Route[], path: string): Route | undefined {
  const exact = routes.find((route) => route.path.kind === 'exact' && route.path.value === path);
  if (exact !== undefined) return exact;
  const longest = (kind: 'prefix' | 'regex', takes: (value: string) => boolean): Route | undefined =>
    routes
      .filter((route) => route.path.kind === kind && takes(route.path.value))
      .toSorted((a, b) => b.path.value.length - a.path.value.length)[0];
  const prefix = longest('prefix', (value) => `${path}/`.startsWith(`${value}/`));
  const regex = longest('regex', (value) => new RegExp(`^(?:${value})`, 'i').test(path));
  if (regex === undefined || prefix === undefined) return regex ?? prefix;
  return regex.path.value.length >= prefix.path.value.length ? regex : prefix;
}
