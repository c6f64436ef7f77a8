import { keptByBudgets } from './budgets.ts';
import type { Condition } from './condition.ts';
import type { Action, NodeMark, Observed, Phase, Step, Target } from './model.ts';
import { isOfDaemonSet, movablePods, networkedPods } from './pods-of-node.ts';

/** Who has a node before and after. */
export interface Sides {
  /** How messages call the network before. */
  readonly title: string;
  readonly old: Target;
  /** All must be ready on a node that has changed. The first is Sluice. */
  readonly next: readonly [Target, ...Target[]];
  /** The whole cluster has changed: nodes that have joined since have no label and need none. */
  readonly finished: Condition;
}

const all = (...of: readonly Condition[]): Condition => ({ kind: 'all', of });
const any = (...of: readonly Condition[]): Condition => ({ kind: 'any', of });

/** The words of which a node's steps are made. */
function vocabulary(node: string, { old, next, finished }: Sides) {
  const network = (...values: readonly ('none' | 'sluice' | null)[]): Condition => ({
    kind: 'network',
    node,
    in: values,
  });
  const phase = (...values: readonly (Phase | null)[]): Condition => ({ kind: 'phase', node, in: values });
  const mark = (label: NodeMark['network'], next: Phase | null, more: Pick<NodeMark, 'beside'> = {}): Action => {
    const made: NodeMark = { node, network: label, phase: next, ...more };
    return { kind: 'mark', mark: made, until: { kind: 'marked', mark: made } };
  };
  const wait = (until: Condition): Action => ({ kind: 'wait', until });
  const isReady = all(...next.map((agents): Condition => ({ kind: 'ready', node, agents })));
  const isGone = all(...next.map((agents): Condition => ({ kind: 'gone', node, agents })));
  const oldReady: Condition = { kind: 'ready', node, agents: old };
  const oldGone: Condition = { kind: 'gone', node, agents: old };
  /** Done, or the whole migration is. */
  const done = (...of: readonly Condition[]): Condition => any(finished, ...of);
  return { network, phase, mark, wait, isReady, isGone, oldReady, oldGone, done };
}

/**
 * The steps of a node whose pods are moved away before it changes its network. In between it has neither, but nothing that
 * would need one; a mark is one request, so there is no state that the next run does not know.
 */
export function drainedNode(node: string, sides: Sides, observed: Observed): readonly Step[] {
  const { network, phase, mark, wait, isReady, isGone, oldReady, oldGone, done } = vocabulary(node, sides);
  const { title, old, next } = sides;
  const drained: Condition = { kind: 'drained', node };
  const evict: Action = { kind: 'evict', node, until: drained };
  const restart = (agents: Target): Action => ({
    kind: 'restart',
    node,
    agents,
    until: { kind: 'restarted', node, agents },
  });
  const budgets = keptByBudgets(movablePods(node, observed), observed);
  const kept = networkedPods(node, observed).filter(isOfDaemonSet).length;
  const again = `Pods of DaemonSets with a network of their own: ${kept}.`;
  return [
    {
      id: `${node}/drain`,
      node,
      what: `Move pods away from ${node}.`,
      interrupts: `${movablePods(node, observed).length} pods end and start elsewhere; each is away as long as its own start takes. What they keep in emptyDir volumes is lost. PodDisruptionBudgets are heeded${budgets.length === 0 ? '' : `; now ${budgets.join('; ')}`}.`,
      requires: all({ kind: 'healthy', agents: next[0] }, { kind: 'movable', node }),
      actions: [mark(undefined, 'draining'), evict],
      done: done(network('none', 'sluice'), all(phase('draining'), drained)),
      undo: [mark(undefined, null)],
      undone: all(network(null), phase(null)),
    },
    {
      id: `${node}/leave`,
      node,
      what: `Take ${node} from ${title}.`,
      interrupts: `${again} They lose their network from here until they are started again. Pods of other nodes and what uses the node's own network: nothing.`,
      actions: [mark('none', 'leaving'), wait(oldGone)],
      done: done(network('sluice'), all(network('none'), oldGone)),
      undo: [mark(null, 'returning'), wait(oldReady), restart(old)],
      undone: all(network(null), any(phase(null, 'draining'), all(oldReady, { kind: 'restarted', node, agents: old }))),
    },
    {
      id: `${node}/join`,
      node,
      what: `Give ${node} to Sluice.`,
      interrupts: 'Nothing besides: the node has no pods that could be.',
      actions: [mark('sluice', 'joining'), wait(isReady)],
      done: done(all(network('sluice'), any(phase(null), isReady))),
      undo: [mark('none', 'leaving'), wait(isGone)],
      undone: any(network(null), all(network('none'), isGone)),
    },
    {
      id: `${node}/restart`,
      node,
      what: `Start pods of DaemonSets on ${node} again, and let others come.`,
      interrupts: `${again} Each is away as long as its own start takes.`,
      actions: [restart(next[0]), mark('sluice', null)],
      done: done(all(network('sluice'), phase(null))),
      undo: [mark('sluice', 'joining'), evict],
      undoRequires: { kind: 'movable', node },
      undone: any(network(null, 'none'), all(phase('joining'), drained)),
    },
  ];
}

/**
 * The steps of a node whose pods stay as they are: the kernel goes on with what the agents before have programmed, until the
 * next ones have taken it over. Going back, Sluice takes its own out of the kernel when it goes, so the agents before come first.
 */
export function livingNode(node: string, sides: Sides, texts: { leave: string; join: string }): readonly Step[] {
  const { network, phase, mark, wait, isReady, isGone, oldReady, oldGone, done } = vocabulary(node, sides);
  const { old, next } = sides;
  // Going back, what Sluice has wired starts anew: the agents before know nothing of it.
  const unlessGiven = (until: Condition): Condition => any(network(null, 'none'), until);
  const alone = { beside: false };
  const stillOurs = (action: Action): Action => ({ ...action, until: unlessGiven(action.until) });
  const cordon = stillOurs(mark('sluice', 'joining'));
  const invite = stillOurs(mark('sluice', 'joining', { beside: true }));
  const [since] = next;
  const evictOurs = stillOurs({ kind: 'evict', node, since, until: { kind: 'drained', node, since } });
  const restart: Action = { kind: 'restart', node, agents: old, until: { kind: 'restarted', node, agents: old } };
  return [
    {
      id: `${node}/leave`,
      node,
      what: `End the agents of ${sides.title} on ${node}; it takes no new pods meanwhile.`,
      interrupts: texts.leave,
      requires: { kind: 'healthy', agents: sides.next[0] },
      actions: [mark('none', 'leaving', alone), wait(oldGone)],
      done: done(network('sluice'), all(network('none'), oldGone)),
      undo: [mark(null, 'returning', alone), wait(oldReady), restart, mark(null, null)],
      undone: all(network(null), phase(null)),
    },
    {
      id: `${node}/join`,
      node,
      what: `Start Sluice on ${node}, and let new pods come.`,
      interrupts: texts.join,
      actions: [mark('sluice', 'joining', alone), wait(isReady), mark('sluice', null)],
      done: done(all(network('sluice'), phase(null))),
      undo: [cordon, evictOurs, invite, stillOurs(wait(oldReady)), mark('none', 'leaving'), wait(isGone)],
      undoRequires: { kind: 'movable', node, since },
      undone: any(network(null), all(network('none'), isGone)),
    },
  ];
}
