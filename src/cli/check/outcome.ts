import { cidrsOf, formatCidr, formatIp, intervalSet, type Family, type IntervalSet } from '../../base/ip/index.ts';
import { describe } from '../../core/policy/explain.ts';
import type { DirectionVerdict, Verdict } from '../../core/policy/flow.ts';
import { externalNames } from '../reach/external-name.ts';

/** Some of the ends or ports that a question is about: by name, and as ranges. */
export interface Extent {
  readonly names: readonly string[];
  readonly ranges: Readonly<Record<Family, IntervalSet>>;
  /** Of the ranges only what is nobody's in the cluster. */
  readonly outside?: true;
}

/** Connections that come out alike: any of the sources to any of the destinations on any of the ports. */
export interface Outcome {
  /** Of one of them. */
  readonly verdict: Verdict;
  readonly families: readonly Family[];
  readonly sources: Extent;
  readonly destinations: Extent;
  /** Empty for protocols without ports. */
  readonly ports: IntervalSet;
}

const NONE: Extent['ranges'] = { 4: [], 6: [] };

/** The extent of something with a name. */
export function namedExtent(name: string): Extent {
  return { names: [name], ranges: NONE };
}

/** The extent of a range of addresses. */
export function rangeExtent(family: Family, ranges: IntervalSet): Extent {
  return { names: [], ranges: { ...NONE, [family]: ranges } };
}

/** The extent of a range of the outside. */
export function outsideExtent(family: Family, ranges: IntervalSet): Extent {
  return { ...rangeExtent(family, ranges), outside: true };
}

/** `dev/client, 10.0.0.0/8`; the first `limit` parts and how many more. Of the outside also `0.0.0.0/0 except 10.0.0.0/8`. */
export function formatExtent({ names, ranges, outside }: Extent, limit = 8): string {
  if (outside === true) {
    const sets = ([4, 6] as const).flatMap((family) => {
      const own = ranges[family];
      return own.length === 0 ? [] : [{ family, ranges: own }];
    });
    return sets.map(externalNames(sets)).join(', ');
  }
  const blocks = ([4, 6] as const).flatMap((family) =>
    cidrsOf(ranges[family], family).map((cidr) =>
      cidr.prefix === (family === 4 ? 32 : 128) ? formatIp(cidr.ip) : formatCidr(cidr),
    ),
  );
  const parts = [...names, ...blocks];
  const more = parts.length - limit;
  return more <= 0 ? parts.join(', ') : `${parts.slice(0, limit).join(', ')} and ${more} more`;
}

/** `80, 8080-8090`; empty for protocols without ports. */
export function formatPortRanges(ports: IntervalSet): string {
  return ports.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`)).join(', ');
}

/** Brings outcomes that were decided alike together, as far as they make a product of sources, destinations and ports. */
export function mergeOutcomes(outcomes: readonly Outcome[]): Outcome[] {
  return STEPS.reduce((all, step) => merge(all, step), [...outcomes]);
}

type Part = 'families' | 'sources' | 'destinations' | 'ports';

const PARTS: readonly Part[] = ['families', 'sources', 'destinations', 'ports'];

/** What is joined in turn, where all else is equal. */
const STEPS: readonly Part[] = ['ports', 'destinations', 'sources', 'families'];

function merge(outcomes: readonly Outcome[], part: Part): Outcome[] {
  const keys = new PartKeys();
  const others = PARTS.filter((each) => each !== part);
  const groups = Map.groupBy(outcomes, (outcome) =>
    [reasonKey(outcome.verdict), ...others.map((each) => keys.of(outcome, each))].join('\n'),
  );
  return [...groups.values()].map((group) => (group.length === 1 ? group[0]! : join(group, part)));
}

function join(group: readonly Outcome[], part: Part): Outcome {
  const [first] = group;
  switch (part) {
    case 'families':
      return { ...first!, families: group.flatMap((each) => each.families).sort((a, b) => a - b) };
    case 'ports':
      return { ...first!, ports: intervalSet(group.flatMap((each) => each.ports)) };
    case 'sources':
    case 'destinations':
      return { ...first!, [part]: joinExtents(group.map((each) => each[part])) };
  }
}

function joinExtents(extents: readonly Extent[]): Extent {
  const ranges = (family: Family) => intervalSet(extents.flatMap((each) => each.ranges[family]));
  const names = [...new Set(extents.flatMap((each) => each.names))];
  const outside = extents.every((each) => each.outside === true) ? ({ outside: true } as const) : {};
  return { names, ranges: { 4: ranges(4), 6: ranges(6) }, ...outside };
}

/** Outcomes share their ends, so that each end's text is made once. */
class PartKeys {
  readonly #extents = new Map<Extent, string>();

  of(outcome: Outcome, part: Part): string {
    if (part === 'families') return outcome.families.join(' ');
    if (part === 'ports') return formatPortRanges(outcome.ports);
    const extent = outcome[part];
    const known = this.#extents.get(extent);
    if (known !== undefined) return known;
    const intervals = ([4, 6] as const).map((family) =>
      extent.ranges[family].map(({ first, last }) => `${first}-${last}`).join(),
    );
    const text = [...extent.names, ...intervals].join(' ');
    this.#extents.set(extent, text);
    return text;
  }
}

/** Equal for verdicts that were decided by the same rule, or the same lack of one, on both sides. */
function reasonKey({ allowed, exempt, arrivesAs, egress, ingress }: Verdict): string {
  const seen = arrivesAs === undefined ? '' : describe(arrivesAs);
  return [allowed, exempt, seen, sideKey(egress), sideKey(ingress)].join(' ');
}

function sideKey(side: DirectionVerdict): string {
  const host = side.host?.name ?? '';
  if (side.kind === 'rule')
    return `${side.kind} ${side.policy.key} ${side.rule.source.path} ${side.rule.index} ${host}`;
  if (side.kind === 'default') return `${side.tier.name} ${side.policies.map(({ key }) => key).join()} ${host}`;
  if (side.kind === 'profile') return `${side.profile} ${side.rule.index} ${host}`;
  return `${side.kind} ${host}`;
}
