import { keptByBudgets, lacking, nextMove, planFrom } from '../../core/migrate/index.ts';
import type { ClusterObject, From, Observed, Plan, Step } from '../../core/migrate/index.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import { observe } from './observe.ts';
import type { Stores } from './open-stores.ts';
import { perform } from './perform.ts';

/** Which part of a migration is to be done. */
export interface ApplyOptions {
  readonly from: From;
  readonly direction: 'forward' | 'back';
  /** This node alone; the last step of the cluster is then left for later, and its first steps stay when going back. */
  readonly node: string | undefined;
  /** How long one thing may take that is to come by itself, milliseconds. */
  readonly patience: number;
}

/** The world as a migration touches it. */
export interface ApplyDependencies {
  readonly client: KubeClient;
  /** What was read besides the API, once. */
  readonly stores?: Stores;
  /** What is to be installed. */
  readonly objects: (plan: Plan) => Promise<readonly ClusterObject[]>;
  readonly print: (line: string) => void;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Waits between two looks at the cluster. */
  readonly pause: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** How it went. */
export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'blocked'; readonly plan: Plan }
  /** Something is not as it has to be; everything before is done and stays. */
  | { readonly kind: 'stopped'; readonly step: Step; readonly reason: string };

/**
 * Brings a cluster from one network to the other, step by step, or back. Where it is follows from the cluster alone, so a run
 * that was killed anywhere is gone on with by the next.
 */
export async function applyMigration(options: ApplyOptions, dependencies: ApplyDependencies): Promise<Outcome> {
  const { client, stores, objects, print, now, pause, signal } = dependencies;
  let last = { key: '', since: now(), kept: '' };
  for (let round = 0; !signal.aborted; round++) {
    const observed = { ...(await observe(client)), ...stores };
    const plan = planFrom(options.from, observed);
    if (plan === undefined) return { kind: 'absent' };
    if (round === 0 && options.direction === 'forward' && plan.blockers.length > 0) return { kind: 'blocked', plan };
    const move = nextMove(chosen(plan, options), options.direction, observed);
    if (move.kind === 'end') return { kind: 'done' };
    const { step } = move;
    if (move.kind === 'stop') return { kind: 'stopped', step, reason: move.reason };
    const { action } = move;
    const key = `${step.id} ${(options.direction === 'forward' ? step.actions : step.undo).indexOf(action)}`;
    const isNew = key !== last.key;
    if (isNew) {
      if (!last.key.startsWith(`${step.id} `)) print(announcement(step, options));
      last = { key, since: now(), kept: '' };
    } else if (now() - last.since > options.patience) {
      return { kind: 'stopped', step, reason: reasonOf(action.until, observed) };
    }
    const refused = await perform(action, observed, client, () => objects(plan));
    const kept = keptByBudgets(refused, observed).join('; ');
    if (kept !== '' && kept !== last.kept) print(`  Waiting: ${kept}.`);
    last = { ...last, kept };
    // What a patch does is there at once.
    if (!isNew || (action.kind !== 'mark' && action.kind !== 'patch')) await pause();
  }
  return { kind: 'interrupted' };
}

function chosen({ steps }: Plan, { node, direction }: ApplyOptions): readonly Step[] {
  if (node === undefined) return steps;
  const clusterWide = direction === 'forward' ? ['fence', 'install'] : [];
  return steps.filter((step) => step.node === node || clusterWide.includes(step.id));
}

function announcement({ id, what, interrupts }: Step, { direction }: ApplyOptions): string {
  return direction === 'forward' ? `${id}: ${what}\n  Interrupts: ${interrupts}` : `back from ${id}: ${what}`;
}

function reasonOf(until: Parameters<typeof lacking>[0], observed: Observed): string {
  return lacking(until, observed) ?? 'it took too long';
}
