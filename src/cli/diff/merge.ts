import type { Change, Side } from './model.ts';

/**
 * Joins changes that differ in one side alone: of the same ports, and by the same policies. IPv4 and IPv6 addresses, which are
 * never one set, thereby stand in one line with the pods that share their lot.
 */
export function mergeChanges(changes: readonly Change[]): readonly Change[] {
  return mergeBy(mergeBy(changes, 'to', 'from'), 'from', 'to');
}

function mergeBy(changes: readonly Change[], same: 'from' | 'to', joined: 'from' | 'to'): readonly Change[] {
  const merged = new Map<string, Change>();
  for (const change of changes) {
    const key = JSON.stringify([namesOf(change[same]), change.ports, change.ownNode, change.reason?.policies]);
    const known = merged.get(key);
    merged.set(key, known === undefined ? change : { ...known, [joined]: join(known[joined], change[joined]) });
  }
  return [...merged.values()];
}

/** A workload of which two changes concern different pods is named for each. */
function join(a: readonly Side[], b: readonly Side[]): readonly Side[] {
  const names = new Set(namesOf(a));
  return [...a, ...b.filter((side) => !names.has(nameOf(side)))];
}

function namesOf(sides: readonly Side[]): readonly string[] {
  return sides.map(nameOf);
}

function nameOf({ name, some }: Side): string {
  return some === undefined ? name : `${name} ${some.count}/${some.of}`;
}
