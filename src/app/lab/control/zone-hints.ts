import type { Node } from 'kubernetes-types/core/v1.d.ts';
import { parseQuantity } from './quantity.ts';

/** How much more than its share a zone's endpoints may have to carry (KEP-2433). */
const OVERLOAD = 1.2;
const CONTROL_PLANE = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

/** The node's zone; undefined where it says none. */
export function zoneOf(node: Node | undefined): string | undefined {
  return node?.metadata?.labels?.['topology.kubernetes.io/zone'];
}

/** What of a node zone hints depend on: another text, and they may be others. */
export function topologyOf(node: Node): string {
  return JSON.stringify([zoneOf(node), counts(node), node.status?.allocatable?.['cpu']]);
}

/**
 * The processors of each zone, by the ready nodes that pods are meant for; undefined where one of them does not say its zone
 * or its processors.
 */
export function processorsByZone(nodes: Iterable<Node>): ReadonlyMap<string, number> | undefined {
  const found = new Map<string, number>();
  for (const node of nodes) {
    if (!counts(node)) continue;
    const [zone, processors] = [zoneOf(node), parseQuantity(node.status?.allocatable?.['cpu'])];
    if (zone === undefined || processors === undefined) return undefined;
    found.set(zone, (found.get(zone) ?? 0) + processors);
  }
  return found;
}

/**
 * For each ready endpoint, given by its zone, the zone whose clients it is for under topology mode Auto: its own as far as
 * every zone gets endpoints after its processors. Undefined where no such division is possible, and there are to be no hints:
 * one zone alone, fewer endpoints than zones, an endpoint without a zone, or a zone that would be overloaded.
 */
export function dividedByZone(
  endpoints: readonly (string | undefined)[],
  processors: ReadonlyMap<string, number> | undefined,
): readonly string[] | undefined {
  if (processors === undefined || processors.size < 2 || processors.size > endpoints.length) return undefined;
  const own = endpoints.flatMap((zone) => zone ?? []);
  const targets = targetsOf(own, processors);
  if (own.length < endpoints.length || targets === undefined) return undefined;
  const open = new Map(targets);
  const stays = own.map((zone) => {
    const left = open.get(zone) ?? 0;
    if (left > 0) open.set(zone, left - 1);
    return left > 0;
  });
  const elsewhere = [...open].flatMap(([zone, left]) => Array.from({ length: left }, () => zone));
  return own.map((zone, i) => (stays[i] === true ? zone : elsewhere.pop()!));
}

/** How many endpoints each zone gets: what it needs not to be overloaded, and beyond that what is in it already. */
function targetsOf(
  endpoints: readonly string[],
  processors: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> | undefined {
  const all = [...processors.values()].reduce((a, b) => a + b, 0);
  const needs = [...processors]
    .map(([zone, own]) => [zone, Math.ceil((own / all) * endpoints.length * (1 / OVERLOAD))] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  let rest = endpoints.length - needs.reduce((sum, [, need]) => sum + need, 0);
  if (rest < 0) return undefined;
  const targets = new Map<string, number>();
  for (const [zone, need] of needs) {
    const there = endpoints.filter((each) => each === zone).length;
    const more = Math.min(rest, Math.max(0, there - need));
    rest -= more;
    targets.set(zone, need + more);
  }
  // Of zones that have no node that counts.
  for (const [zone] of needs.slice(0, 1)) targets.set(zone, targets.get(zone)! + rest);
  return targets;
}

function counts({ metadata, status }: Node): boolean {
  const ready = status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
  const labels = metadata?.labels ?? {};
  return ready && !CONTROL_PLANE.some((label) => label in labels);
}
