import type { Route } from './model.ts';
import { FILES } from './render-options.ts';

/**
 * A path that says itself what it is compared as: nothing encoded, no slashes one after the other, nothing that could
 * lead upwards. The quantifiers give nothing back, so that a path costs its length.
 */
const PLAIN_PATH = "'^(?:/[^/.%#][^/%#]*+)*+/?$'";

/**
 * Most requests ask for a host exactly as a route names it, and for a plain path: they find their backend here, before
 * anything is taken apart, and need no other rule of the frontend. `base` is host and path as they were sent. What is not
 * found, or not plain, is looked for by the rules that follow.
 *
 * With `isFinal` false (more is to be done with what is found) there is no such short way.
 */
export function renderPlainLookup(routes: readonly Route[], folder: string, isFinal: boolean): string[] {
  const hosts = new Set(hostNames(routes));
  if (hosts.size === 0 || !isFinal) return [];
  const own = routes.filter(({ host }) => host.kind === 'exact' && hosts.has(host.name));
  const has = (kind: Route['path']['kind']): boolean => own.some(({ path }) => path.kind === kind);
  const allow = (lookup: string): string =>
    `http-request allow if known_host plain_path { base,${lookup},set-var(txn.to) -m found }`;
  return [
    `acl known_host req.fhdr(host) -m str -f ${folder}/${FILES.plainHosts}`,
    `acl plain_path path -m reg ${PLAIN_PATH}`,
    ...(has('exact') ? [allow(`map_str(${folder}/${FILES.exact})`)] : []),
    ...(has('prefix') ? [allow(`concat(/),map_beg(${folder}/${FILES.prefix})`)] : []),
  ];
}

/** The hosts whose requests may take the short way, a line for each. */
export function renderPlainHosts(routes: readonly Route[]): string {
  return hostNames(routes)
    .toSorted()
    .map((name) => `${name}\n`)
    .join('');
}

/** Hosts whose requests are for a backend as soon as host and path are known, and neither is a pattern. */
function hostNames(routes: readonly Route[]): readonly string[] {
  const names = new Set<string>();
  for (const { host } of routes) if (host.kind === 'exact') names.add(host.name);
  for (const { host, path, choices } of routes)
    if (host.kind === 'exact' && (path.kind === 'regex' || choices.length > 0)) names.delete(host.name);
  return [...names];
}
