import { holds, lacking } from './condition.ts';
import type { Action, Observed, Step } from './model.ts';
import { markOf } from './node-marks.ts';

/** What is to be done next for a cluster that is as observed. */
export type Move =
  | { readonly kind: 'act'; readonly step: Step; readonly action: Action }
  /** A step may not begin. */
  | { readonly kind: 'stop'; readonly step: Step; readonly reason: string }
  | { readonly kind: 'end' };

/**
 * The next thing to do. It follows from the cluster alone, so whoever asks again after an interruption goes on where things
 * are; what was done twice is done once.
 */
export function nextMove(steps: readonly Step[], direction: 'forward' | 'back', observed: Observed): Move {
  for (const step of inOrder(direction === 'forward' ? steps : steps.toReversed(), observed)) {
    const [actions, done, requires] =
      direction === 'forward' ? [step.actions, step.done, step.requires] : [step.undo, step.undone, step.undoRequires];
    if (holds(done, observed)) continue;
    const action = actions.find(({ until }) => !holds(until, observed));
    if (action === undefined)
      return { kind: 'stop', step, reason: lacking(done, observed) ?? 'it is not as it should be' };
    const isBegun = action !== actions[0];
    const reason = isBegun || requires === undefined ? undefined : lacking(requires, observed);
    if (reason !== undefined) return { kind: 'stop', step, reason };
    return { kind: 'act', step, action };
  }
  return { kind: 'end' };
}

/** A node that is on its way goes before all others, so that there is never more than one. */
function inOrder(steps: readonly Step[], { nodes }: Observed): readonly Step[] {
  const underway = new Set(
    nodes.filter((node) => markOf(node).phase !== undefined).map(({ metadata }) => metadata?.name),
  );
  return [...steps.filter(({ node }) => underway.has(node)), ...steps.filter(({ node }) => !underway.has(node))];
}
