import type { HeaderChange, Location, Rewrite, Settings } from '../ingress/settings.ts';
import { readHostname } from './hostname.ts';
import { NAME, printable } from './read-match.ts';
import type { HeaderFilter, HttpRouteFilter, PathModifier } from './types.ts';

/** What the filters of a rule, or of one of its backends, do. */
export interface FilterReading {
  readonly settings: Partial<Settings>;
  /** Replaces the first elements of the path that the match has named; without a slash at the end. */
  readonly prefixReplacement?: string;
}

/** Why something is not served as it is written. */
export interface Problem {
  readonly reason: 'UnsupportedValue' | 'IncompatibleFilters';
  readonly problem: string;
}

const REDIRECTS = [301, 302, 303, 307, 308];

/** Reads filters in their order. `onlyHeaders`: those of a single backend. */
export function readFilters(filters: readonly HttpRouteFilter[], onlyHeaders: boolean): FilterReading | Problem {
  let reading: FilterReading = { settings: {} };
  for (const filter of filters) {
    const { type = '' } = filter;
    const read = READERS[type];
    if (read === undefined || (onlyHeaders && !type.endsWith('HeaderModifier')))
      return unsupported(`filter ${printable(type)} is not supported${onlyHeaders ? ' in a backendRef' : ''}`);
    const next = read(filter);
    if ('problem' in next) return next;
    reading = {
      ...reading,
      ...next,
      settings: {
        ...reading.settings,
        ...next.settings,
        ...joined('requestHeaders', reading, next),
        ...joined('responseHeaders', reading, next),
      },
    };
  }
  const types = filters.map(({ type }) => type);
  if (types.includes('RequestRedirect') && types.includes('URLRewrite'))
    return { reason: 'IncompatibleFilters', problem: 'RequestRedirect and URLRewrite are in one rule' };
  return reading;
}

type Reader = (filter: HttpRouteFilter) => FilterReading | Problem;

const READERS: Readonly<Record<string, Reader>> = {
  RequestHeaderModifier: ({ requestHeaderModifier }) => readHeaders('requestHeaders', requestHeaderModifier ?? {}),
  ResponseHeaderModifier: ({ responseHeaderModifier }) => readHeaders('responseHeaders', responseHeaderModifier ?? {}),
  RequestRedirect: readRedirect,
  URLRewrite: ({ urlRewrite = {} }) => {
    const host = readHost(urlRewrite.hostname);
    if (typeof host === 'object') return host;
    const path = readPathModifier(urlRewrite.path);
    if ('problem' in path) return path;
    return { ...path, settings: { ...path.settings, ...(host === undefined ? {} : { upstreamHost: host }) } };
  },
};

function readRedirect({ requestRedirect = {} }: HttpRouteFilter): FilterReading | Problem {
  const { scheme, hostname, port, statusCode = 302, path } = requestRedirect;
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https')
    return unsupported(`redirects to scheme ${printable(scheme)} are not supported`);
  if (!REDIRECTS.includes(statusCode)) return unsupported(`redirects with status ${statusCode} are not supported`);
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536))
    return unsupported(`${port} is no port`);
  const host = readHost(hostname);
  if (typeof host === 'object') return host;
  const changed = readPathModifier(path);
  if ('problem' in changed) return changed;
  const location: Location = {
    code: statusCode,
    ...(scheme === undefined ? {} : { scheme }),
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
  };
  return { ...changed, settings: { ...changed.settings, location } };
}

function readHost(text: string | undefined): string | undefined | Problem {
  if (text === undefined) return undefined;
  const host = readHostname(text);
  return host?.kind === 'exact' ? host.name : unsupported(`'${printable(text)}' is no hostname`);
}

function readPathModifier(modifier: PathModifier | undefined): FilterReading | Problem {
  if (modifier === undefined) return { settings: {} };
  const { type, replaceFullPath = '', replacePrefixMatch = '' } = modifier;
  const text = type === 'ReplaceFullPath' ? replaceFullPath : replacePrefixMatch;
  if (!/^[!-~]*$/.test(text) || /[?#\\]/.test(text)) return unsupported(`'${printable(text)}' is no path`);
  const path = `/${text.replace(/^\/+/, '')}`;
  if (type === 'ReplaceFullPath') {
    const rewrite: Rewrite = { kind: 'path', path };
    return { settings: { rewrite } };
  }
  if (type !== 'ReplacePrefixMatch') return unsupported(`path modifier ${printable(type ?? '')} is not supported`);
  return { settings: {}, prefixReplacement: path.replace(/\/+$/, '') };
}

function readHeaders(
  field: 'requestHeaders' | 'responseHeaders',
  { set = [], add = [], remove = [] }: HeaderFilter,
): FilterReading | Problem {
  const changes: HeaderChange[] = [];
  for (const [kind, all] of [['set', set] as const, ['add', add] as const])
    for (const { name, value } of all) {
      if (!NAME.test(name)) return unsupported(`the name ${printable(name)} of a header is not supported`);
      // oxlint-disable-next-line no-control-regex -- exactly these cannot be in a header
      if (/[\u0000-\u001f\u007f]/.test(value))
        return unsupported(`the value of header ${name} has a control character`);
      changes.push({ kind, name, value });
    }
  for (const name of remove) {
    if (!NAME.test(name)) return unsupported(`the name ${printable(name)} of a header is not supported`);
    changes.push({ kind: 'remove', name });
  }
  return { settings: { [field]: changes } };
}

function joined(field: 'requestHeaders' | 'responseHeaders', a: FilterReading, b: FilterReading): Partial<Settings> {
  const all = [...(a.settings[field] ?? []), ...(b.settings[field] ?? [])];
  return all.length === 0 ? {} : { [field]: all };
}

function unsupported(problem: string): Problem {
  return { reason: 'UnsupportedValue', problem };
}
