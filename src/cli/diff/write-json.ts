import type { Change, DiffReport, Side } from './model.ts';

/** The report as data, a pair of endpoints an entry. */
export function jsonDiff({ opened, closed, added, removed }: DiffReport): string {
  return JSON.stringify({ opened: opened.flatMap(entries), closed: closed.flatMap(entries), added, removed }, null, 2);
}

function entries({ from, to, ports, ownNode, reason }: Change): readonly unknown[] {
  return to.flatMap((target) =>
    from.map((source) => ({
      from: source.name,
      to: target.name,
      ports,
      ...(ownNode === true ? { ownNode } : {}),
      ...(isPart(source) || isPart(target) ? { partial: true } : {}),
      ...(reason === undefined ? {} : { example: reason.flow, reason: reason.sides, policies: reason.policies }),
    })),
  );
}

function isPart({ some }: Side): boolean {
  return some !== undefined;
}
