import { cidrsOf, formatCidr, formatIp, union, type Family, type IntervalSet } from '../../base/ip/index.ts';
import type { DirectionVerdict, Verdict } from '../../core/policy/flow.ts';

/** Some of the ends or ports that a question is about: by name, and as ranges. */
export interface Extent {
  readonly names: readonly string[];
  readonly ranges: Readonly<Record<Family, IntervalSet>>;
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

/** `dev/client, 10.0.0.0/8`; the first `limit` parts and how many more. */
export function formatExtent({ names, ranges }: Extent, limit = 8): string {
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
  const steps: readonly Merge[] = [
    { same: [families, sources, destinations], join: (a, b) => ({ ...a, ports: union(a.ports, b.ports) }) },
    {
      same: [sources, families, ports],
      join: (a, b) => ({ ...a, destinations: both(a.destinations, b.destinations) }),
    },
    { same: [destinations, families, ports], join: (a, b) => ({ ...a, sources: both(a.sources, b.sources) }) },
    {
      same: [sources, destinations, ports],
      join: (a, b) => ({ ...a, families: [...a.families, ...b.families].sort((x, y) => x - y) }),
    },
  ];
  return steps.reduce((all, step) => merge(all, step), [...outcomes]);
}

interface Merge {
  /** What must be equal besides the reason. */
  readonly same: readonly ((outcome: Outcome) => string)[];
  readonly join: (a: Outcome, b: Outcome) => Outcome;
}

function merge(outcomes: readonly Outcome[], { same, join }: Merge): Outcome[] {
  const merged = new Map<string, Outcome>();
  for (const outcome of outcomes) {
    const key = [reasonKey(outcome.verdict), ...same.map((of) => of(outcome))].join('\n');
    const known = merged.get(key);
    merged.set(key, known === undefined ? outcome : join(known, outcome));
  }
  return [...merged.values()];
}

function sources(outcome: Outcome): string {
  return formatExtent(outcome.sources, Infinity);
}

function destinations(outcome: Outcome): string {
  return formatExtent(outcome.destinations, Infinity);
}

function ports(outcome: Outcome): string {
  return formatPortRanges(outcome.ports);
}

function families(outcome: Outcome): string {
  return outcome.families.join(' ');
}

function both(a: Extent, b: Extent): Extent {
  const join = (family: Family) => union(a.ranges[family], b.ranges[family]);
  return { names: [...new Set([...a.names, ...b.names])], ranges: { 4: join(4), 6: join(6) } };
}

/** Equal for verdicts that were decided by the same rule, or the same lack of one, on both sides. */
function reasonKey({ allowed, exempt, egress, ingress }: Verdict): string {
  return [allowed, exempt, sideKey(egress), sideKey(ingress)].join(' ');
}

function sideKey(side: DirectionVerdict): string {
  const host = side.host?.name ?? '';
  if (side.kind === 'rule')
    return `${side.kind} ${side.policy.key} ${side.rule.source.path} ${side.rule.index} ${host}`;
  if (side.kind === 'default') return `${side.tier.name} ${side.policies.map(({ key }) => key).join()} ${host}`;
  if (side.kind === 'profile') return `${side.profile} ${side.rule.index} ${host}`;
  return `${side.kind} ${host}`;
}
