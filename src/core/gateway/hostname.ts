import type { HostMatch } from '../ingress/model.ts';

/** Reads a hostname of a listener or route; undefined when it is none. Absent and empty: any. */
export function readHostname(text: string | undefined): HostMatch | undefined {
  const name = (text ?? '').toLowerCase();
  if (name === '') return { kind: 'any' };
  if (!/^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name)) return undefined;
  return name.startsWith('*.') ? { kind: 'wildcard', parent: name.slice(2) } : { kind: 'exact', name };
}

/** Whether every host of `inner` is one of `outer`; a wildcard is for one label or more. */
export function covers(outer: HostMatch, inner: HostMatch): boolean {
  if (outer.kind === 'any') return true;
  if (inner.kind === 'any') return false;
  if (outer.kind === 'exact') return inner.kind === 'exact' && inner.name === outer.name;
  const end = `.${outer.parent}`;
  return inner.kind === 'exact' ? inner.name.endsWith(end) : `.${inner.parent}`.endsWith(end);
}

/** The hosts that are in both; undefined when there are none. */
export function intersect(a: HostMatch, b: HostMatch): HostMatch | undefined {
  if (covers(a, b)) return b;
  return covers(b, a) ? a : undefined;
}

/** More for hosts that come first: exact ones, then by length. */
export function hostRank(host: HostMatch): number {
  if (host.kind === 'any') return 0;
  return host.kind === 'exact' ? 1000 + host.name.length : host.parent.length + 2;
}
