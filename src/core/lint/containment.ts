import { subtract } from '../../base/ip/index.ts';
import { EVERYTHING, selectorKey } from '../kube/labels.ts';
import type { Requirement, Selector } from '../kube/labels.ts';
import type { Condition, NamespaceSet, Peer, PodSet, Policy, PortMatch, Rule } from '../policy/index.ts';

/** Whether everything that `inner` selects is selected by `outer`, whatever the labels in the cluster; when in doubt, no. */
export function selectorCovers(outer: Selector, inner: Selector): boolean {
  if (inner.kind === 'nothing') return true;
  if (selectorKey(outer) === selectorKey(inner)) return true;
  if (outer.kind === 'expression') return outer.expression.kind === 'everything';
  if (outer.kind === 'nothing') return false;
  if (outer.requirements.length === 0) return true;
  if (inner.kind === 'expression') return false;
  return outer.requirements.every((wanted) => inner.requirements.some((given) => implies(given, wanted)));
}

/** Whether labels that meet `given` always meet `wanted`. */
function implies(given: Requirement, wanted: Requirement): boolean {
  if (given.key !== wanted.key) return false;
  const { values } = given;
  switch (wanted.operator) {
    case 'In':
      return given.operator === 'In' && values.every((each) => wanted.values.includes(each));
    case 'NotIn':
      if (given.operator === 'DoesNotExist') return true;
      if (given.operator === 'In') return !values.some((each) => wanted.values.includes(each));
      return given.operator === 'NotIn' && wanted.values.every((each) => values.includes(each));
    case 'Exists':
      return given.operator === 'In' || given.operator === 'Exists';
    case 'DoesNotExist':
      return given.operator === 'DoesNotExist';
  }
}

/** Whether no labels can meet both. */
export function selectorsExclude(a: Selector, b: Selector): boolean {
  if (a.kind === 'nothing' || b.kind === 'nothing') return true;
  if (a.kind !== 'all-of' || b.kind !== 'all-of') return false;
  return a.requirements.some((x) => b.requirements.some((y) => excludes(x, y) || excludes(y, x)));
}

/** Whether no labels can meet both requirements; asked in both orders. */
export function excludes(a: Requirement, b: Requirement): boolean {
  if (a.key !== b.key) return false;
  if (b.operator === 'DoesNotExist') return a.operator === 'In' || a.operator === 'Exists';
  if (a.operator !== 'In') return false;
  if (b.operator === 'In') return !a.values.some((each) => b.values.includes(each));
  return b.operator === 'NotIn' && a.values.every((each) => b.values.includes(each));
}

/** Whether every pod of `inner` is one of `outer`. */
export function podsCover(outer: PodSet, inner: PodSet): boolean {
  return namespacesCover(outer.namespaces, inner.namespaces) && selectorCovers(outer.pods, inner.pods);
}

function namespacesCover(outer: NamespaceSet, inner: NamespaceSet): boolean {
  if (outer.kind === 'name') return inner.kind === 'name' && outer.name === inner.name;
  return selectorCovers(outer.selector, inner.kind === 'name' ? EVERYTHING : inner.selector);
}

/** Whether everything that `inner` is asked about, `outer` is asked about too. */
export function subjectCovers(outer: Policy, inner: Policy): boolean {
  if (outer.sparesOwnNode && !inner.sparesOwnNode) return false;
  if (!podsCover(outer.subject, inner.subject)) return false;
  if (inner.hosts === undefined) return true;
  const { hosts } = outer;
  return (
    hosts !== undefined &&
    hosts.applyOnForward === inner.hosts.applyOnForward &&
    hosts.preDnat === inner.hosts.preDnat &&
    hosts.doNotTrack === inner.hosts.doNotTrack &&
    selectorCovers(hosts.selector, inner.hosts.selector)
  );
}

/** Whether `outer` matches everything that `inner` matches. When in doubt, no. */
export function ruleCovers(outer: Rule, inner: Rule): boolean {
  return (
    peersCover(outer.peers, inner.peers) &&
    portsCover(outer.ports, inner.ports) &&
    conditionsCover(outer.conditions ?? [], inner.conditions ?? [])
  );
}

/** Whether each of `inner` is covered by one of `outer`. */
export function peersCover(outer: 'any' | readonly Peer[], inner: 'any' | readonly Peer[]): boolean {
  if (outer === 'any') return true;
  return inner !== 'any' && inner.every((peer) => outer.some((each) => peerCovers(each, peer)));
}

/** Whether `outer` is every endpoint or address that `inner` is. */
export function peerCovers(outer: Peer, inner: Peer): boolean {
  if (outer.kind !== inner.kind) return false;
  if (outer.key === inner.key) return true;
  if (outer.kind === 'pods') return podsCover(outer, inner as typeof outer);
  if (outer.kind === 'block') {
    const other = inner as typeof outer;
    return outer.family === other.family && subtract(other.ranges, outer.ranges).length === 0;
  }
  if (outer.kind === 'nodes') return selectorCovers(outer.nodes, (inner as typeof outer).nodes);
  if (outer.kind === 'endpoints') return selectorCovers(outer.selector, (inner as typeof outer).selector);
  return false;
}

/** Whether the ports of `outer`, taken together, hold those of `inner`. */
export function portsCover(outer: 'any' | readonly PortMatch[], inner: 'any' | readonly PortMatch[]): boolean {
  if (outer === 'any') return true;
  return inner !== 'any' && inner.every((port) => portCovers(outer, port));
}

/** Whether the ports of `outer`, taken together, hold `inner`. */
export function portCovers(outer: readonly PortMatch[], inner: PortMatch): boolean {
  const same = outer.filter(({ protocol }) => protocol === inner.protocol);
  if (same.some(({ kind }) => kind === 'all')) return true;
  if (inner.kind === 'named') return same.some((each) => each.kind === 'named' && each.name === inner.name);
  const [first, last] = inner.kind === 'all' ? [1, 65_535] : [inner.first, inner.last];
  let next = first;
  for (const each of same.filter((port) => port.kind === 'range').sort((a, b) => a.first - b.first)) {
    if (each.first > next) break;
    next = Math.max(next, each.last + 1);
  }
  return next > last;
}

/** More conditions match less, so each one of `outer` must stand among those of `inner`. */
function conditionsCover(outer: readonly Condition[], inner: readonly Condition[]): boolean {
  const given = inner.map(conditionKey);
  return outer.every((condition) => given.includes(conditionKey(condition)));
}

function conditionKey(condition: Condition): string {
  return JSON.stringify(condition, (name, value: unknown) =>
    name === 'source' ? undefined : typeof value === 'bigint' ? String(value) : value,
  );
}

/** Whether some port may be in both; names may stand for any port. */
export function portsMeet(a: 'any' | readonly PortMatch[], b: 'any' | readonly PortMatch[]): boolean {
  if (a === 'any' || b === 'any') return true;
  return a.some((x) => b.some((y) => x.protocol === y.protocol && portMeets(x, y)));
}

function portMeets(a: PortMatch, b: PortMatch): boolean {
  if (a.kind !== 'range' || b.kind !== 'range') return true;
  return a.first <= b.last && b.first <= a.last;
}
