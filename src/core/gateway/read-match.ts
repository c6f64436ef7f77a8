import type { PathMatch } from '../ingress/model.ts';
import { checkPathRegex } from '../ingress/path-regex.ts';
import { decoded } from '../ingress/read-ingress.ts';
import type { RequestTest } from '../ingress/virtual-host.ts';
import type { HttpRouteMatch, ValueMatch } from './types.ts';

/** One match of a rule. */
export interface MatchReading {
  readonly path: PathMatch;
  /** Besides the path. */
  readonly tests: readonly RequestTest[];
  /** What decides between matches for the same request, the most important first; more comes first. */
  readonly rank: readonly number[];
}

/** Names of headers and parameters that the proxy's configuration can carry. */
export const NAME = /^[A-Za-z0-9_.-]+$/;

/** Methods as https://www.rfc-editor.org/rfc/rfc9110#section-9 lists them, and PATCH. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];

const PATH_RANK = { exact: 2, regex: 1, prefix: 0 } as const;

/** Reads a match, or says what is wrong with it. */
export function readMatch(match: HttpRouteMatch): MatchReading | { readonly problem: string } {
  const path = readPath(match.path ?? {});
  if ('problem' in path) return path;
  const headers = readValues('header', match.headers ?? []);
  if ('problem' in headers) return headers;
  const query = readValues('query', match.queryParams ?? []);
  if ('problem' in query) return query;
  const { method } = match;
  if (method !== undefined && !METHODS.includes(method)) return { problem: `'${printable(method)}' is no method` };
  const methods: readonly RequestTest[] = method === undefined ? [] : [{ kind: 'method', value: method }];
  return {
    path,
    tests: [...methods, ...headers.tests, ...query.tests],
    rank: [PATH_RANK[path.kind], path.value.length, methods.length, headers.tests.length, query.tests.length],
  };
}

function readPath({
  type = 'PathPrefix',
  value = '/',
}: NonNullable<HttpRouteMatch['path']>): PathMatch | { readonly problem: string } {
  if (type === 'RegularExpression') {
    const checked = checkPathRegex(value);
    if ('problem' in checked) return { problem: `the path's expression ${printable(value)} ${checked.problem}` };
    return { kind: 'regex', value };
  }
  if (type !== 'Exact' && type !== 'PathPrefix') return { problem: `path type ${printable(type)} is not supported` };
  const path = decoded(value);
  if (path === undefined) return { problem: `the path '${printable(value)}' is not one that a request can have` };
  return type === 'Exact' ? { kind: 'exact', value: path } : { kind: 'prefix', value: path.replace(/\/+$/, '') };
}

/** Of several with the same name the first counts; header names do not know case. */
function readValues(
  kind: 'header' | 'query',
  all: readonly ValueMatch[],
): { readonly tests: readonly RequestTest[] } | { readonly problem: string } {
  const tests = new Map<string, RequestTest>();
  const what = kind === 'header' ? 'header' : 'query parameter';
  for (const { type = 'Exact', name, value } of all) {
    if (!NAME.test(name)) return { problem: `the name ${printable(name)} of a ${what} is not supported` };
    // oxlint-disable-next-line no-control-regex -- exactly these cannot be in a request
    if (/[\u0000-\u001f\u007f]/.test(value)) return { problem: `the value of ${what} ${name} has a control character` };
    const regex = type === 'RegularExpression';
    if (!regex && type !== 'Exact') return { problem: `match type ${printable(type)} is not supported` };
    const checked = regex ? checkPathRegex(value) : { groups: 0 };
    if ('problem' in checked) return { problem: `the expression of ${what} ${name} ${checked.problem}` };
    const key = kind === 'header' ? name.toLowerCase() : name;
    if (!tests.has(key)) tests.set(key, { kind, name: key, value, regex });
  }
  return { tests: [...tests.values()] };
}

/** What somebody wrote, fit for a message. */
export function printable(text: string): string {
  return JSON.stringify(text.slice(0, 80)).slice(1, -1);
}
