import type { Family } from '../../base/ip/index.ts';
import type { Group, GroupId } from './model.ts';
import type { Region } from './region.ts';

/**
 * The groups of addresses outside in classes that nobody's policies treat differently: splits by blocks that come to
 * nothing (of policies that select no pod, or of one rule together) are undone. `regions`: what all sides allow over a family.
 */
export function outsideClasses(
  groups: readonly Group[],
  firstOutside: GroupId,
  regions: (family: Family) => Iterable<Region>,
): GroupId[][] {
  const families = new Map<Family, GroupId[]>();
  for (const group of groups.slice(firstOutside))
    if (group.kind === 'addresses') families.set(group.family, [...(families.get(group.family) ?? []), group.id]);
  return [...families].flatMap(([family, ids]) => split(ids, firstOutside, regions(family)));
}

/** Refines one class by every region: in each cell what was together stays together. */
function split(ids: readonly GroupId[], first: GroupId, regions: Iterable<Region>): GroupId[][] {
  let classOf = new Map(ids.map((id) => [id, 0]));
  let count = 1;
  for (const region of regions) {
    if (count === ids.length) break;
    const cellOf = cellsOf(region, first);
    const numbers = new Map<string, number>();
    const next = new Map<GroupId, number>();
    for (const [id, known] of classOf) {
      const key = `${known} ${cellOf.get(id) ?? ''}`;
      const number = numbers.get(key) ?? numbers.size;
      numbers.set(key, number);
      next.set(id, number);
    }
    classOf = next;
    count = numbers.size;
  }
  const classes: GroupId[][] = [];
  for (const [id, number] of classOf) (classes[number] ??= []).push(id);
  return classes;
}

/** The traffic of each group from `first` on; cells of a region have different traffic each. */
function cellsOf(region: Region, first: GroupId): Map<GroupId, number> {
  const result = new Map<GroupId, number>();
  for (const { others, ports } of region)
    for (let i = others.length - 2; i >= 0 && others[i + 1]! >= first; i -= 2)
      for (let id = Math.max(first, others[i]!); id <= others[i + 1]!; id++) result.set(id, ports);
  return result;
}
