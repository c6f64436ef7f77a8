import type { Condition } from './condition.ts';
import type { Action, Observed, Step, Target } from './model.ts';
import { markPatch } from './node-marks.ts';
import { stalePods } from './pods-of-node.ts';

/** A step as a person reads it, with commands of kubectl that do what `--apply` does. */
export interface PrintedStep {
  readonly id: string;
  readonly node?: string;
  readonly what: string;
  readonly interrupts: string;
  readonly commands: readonly string[];
  /** What must hold before the next one. */
  readonly check: readonly string[];
  readonly undo: readonly string[];
}

/** The step in words and commands; `from` is the word of the command line. */
export function printedStep(step: Step, from: string, observed: Observed): PrintedStep {
  const text = (actions: readonly Action[]): readonly string[] =>
    actions.flatMap((action) => commandsOf(action, from, observed));
  const last = step.actions.at(-1);
  return {
    id: step.id,
    ...(step.node === undefined ? {} : { node: step.node }),
    what: step.what,
    interrupts: step.interrupts,
    commands: text(step.actions),
    check: last === undefined ? [] : checksOf(last.until),
    undo: text(step.undo),
  };
}

function commandsOf(action: Action, from: string, observed: Observed): readonly string[] {
  switch (action.kind) {
    case 'mark': {
      const node = observed.nodes.find(({ metadata }) => metadata?.name === action.mark.node) ?? {};
      return [`kubectl patch node ${action.mark.node} --type merge -p ${quoted(markPatch(action.mark, node))}`];
    }
    case 'patch':
      return [`kubectl ${named(action.target, 'patch')} --type merge -p ${quoted(action.patch)}`];
    case 'evict':
      if (action.since !== undefined)
        return [
          `# on ${action.node}, delete pods with a network of their own that are younger than ${action.since.name}`,
        ];
      return [`kubectl drain ${action.node} --ignore-daemonsets --delete-emptydir-data`];
    case 'restart': {
      const pods = stalePods(action.node, action.agents, observed).map(
        ({ metadata }) => `kubectl -n ${metadata?.namespace} delete pod ${metadata?.name}`,
      );
      return pods.length > 0 ? pods : [`# no pod of a DaemonSet on ${action.node} has to start again`];
    }
    case 'install':
      return [`sluice migrate ${from} --manifest | kubectl create -f -`];
    case 'delete':
      return action.targets.map((target) => `kubectl ${named(target, 'delete')}`);
    case 'wait':
      return checksOf(action.until).map((check) => `# wait: ${check}`);
  }
}

/** Commands that show whether it holds. */
function checksOf(condition: Condition): readonly string[] {
  switch (condition.kind) {
    case 'all':
    case 'any':
      return condition.of.flatMap(checksOf);
    case 'there':
    case 'absent':
      return condition.targets.map((target) => `kubectl ${named(target, 'get')}`);
    case 'patched':
      return [`kubectl ${named(condition.target, 'get')} -o yaml`];
    case 'rolled-out':
      return [`kubectl ${named(condition.target, 'rollout status')}`];
    case 'gone':
    case 'ready':
      return [
        `kubectl -n ${condition.agents.namespace} get pods --field-selector spec.nodeName=${condition.node}   # ${condition.agents.name}: ${condition.kind}`,
      ];
    case 'healthy':
      return [`kubectl ${named(condition.agents, 'rollout status')}`];
    case 'marked':
      return [`kubectl get node ${condition.mark.node} --show-labels`];
    case 'phase':
    case 'network':
      return [`kubectl get node ${condition.node} --show-labels`];
    case 'drained':
    case 'movable':
    case 'restarted':
      return [`kubectl get pods -A --field-selector spec.nodeName=${condition.node}`];
  }
}

function named({ kind, namespace, name }: Target, verb: string): string {
  return `-n ${namespace} ${verb} ${kind.toLowerCase()}/${name}`;
}

/** JSON as one argument of a POSIX shell. */
function quoted(value: object): string {
  return `'${JSON.stringify(value).replaceAll("'", String.raw`'\''`)}'`;
}
