import type { Pod } from 'kubernetes-types/core/v1.d.ts';
import type { Job, JobCondition, JobStatus } from 'kubernetes-types/batch/v1.d.ts';
import {
  NOTHING,
  timestamp,
  type Action,
  type ClusterView,
  type Controller,
  type EventAction,
  type Outcome,
} from './controller.ts';
import { sameJson } from './equal.ts';
import { controllerOf, isTerminating, keyOf, keysOfController, type Stored } from './objects.ts';
import { isActive, isReady, podFromTemplate } from './pods.ts';

const COMPONENT = 'job-controller';

/** Runs the pods of a Job until enough of them have succeeded or too many have failed. Indexed completion is not supported. */
export const jobController: Controller = {
  name: 'job',
  triggers: {
    jobs: (job) => [keyOf(job)],
    pods: (pod) => keysOfController(pod, 'Job'),
  },
  reconcile: reconcileJob,
};

/** The writes that take one Job a step further. */
export function reconcileJob(view: ClusterView, key: string, now: number): Outcome {
  const job = view.jobs.get(key);
  if (job === undefined || isTerminating(job) || isOver(job)) return NOTHING;
  const pods = view.pods.ownedBy(job.metadata.uid).filter((pod) => controllerOf(pod)?.uid === job.metadata.uid);
  const active = pods.filter(isActive);
  const succeeded = pods.filter((pod) => pod.status?.phase === 'Succeeded').length;
  const failed = pods.filter((pod) => pod.status?.phase === 'Failed').length;
  const ending = verdict(job, active.length, succeeded, failed, now);
  const actions: Action[] = ending === undefined ? scale(job, active, succeeded) : active.map(remove);
  if (ending !== undefined) actions.push(over(job, ending));
  const status = statusOf(job, active, succeeded, failed, ending, now);
  if (!sameJson(status, job.status)) actions.push({ do: 'update-status', kind: 'jobs', object: { ...job, status } });
  return { actions, ...(ending === undefined ? deadlineIn(job, now) : {}) };
}

/** Why a Job is over. */
interface Ending {
  readonly type: 'Complete' | 'Failed';
  readonly reason: string;
  readonly message: string;
}

function verdict(job: Job, active: number, succeeded: number, failed: number, now: number): Ending | undefined {
  const completions = job.spec?.completions;
  // Without a number of completions the first success means that the work is done, and the rest may finish.
  const done =
    completions === undefined && job.spec?.parallelism !== undefined && job.spec.parallelism !== 1
      ? succeeded > 0 && active === 0
      : succeeded >= (completions ?? 1);
  if (done)
    return { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' };
  if (failed > (job.spec?.backoffLimit ?? 6)) {
    const message = 'Job has reached the specified backoff limit';
    return { type: 'Failed', reason: 'BackoffLimitExceeded', message };
  }
  if (deadlineIn(job, now).againInMs === 0) {
    const message = 'Job was active longer than specified deadline';
    return { type: 'Failed', reason: 'DeadlineExceeded', message };
  }
  return undefined;
}

function deadlineIn(job: Job, now: number): { readonly againInMs?: number } {
  const started = Date.parse(job.status?.startTime ?? '');
  const seconds = job.spec?.activeDeadlineSeconds;
  return seconds === undefined || Number.isNaN(started)
    ? {}
    : { againInMs: Math.max(0, started + seconds * 1000 - now) };
}

function scale(job: Stored<Job>, active: readonly Stored<Pod>[], succeeded: number): Action[] {
  if (job.spec?.suspend === true) return active.map(remove);
  const { parallelism = 1, completions } = job.spec ?? {};
  const wanted =
    completions === undefined
      ? succeeded > 0
        ? active.length
        : parallelism
      : Math.min(parallelism, completions - succeeded);
  const more = Array.from({ length: Math.max(0, wanted - active.length) }, (): Action => create(job));
  return [...more, ...active.slice(Math.max(0, wanted)).map(remove)];
}

function create(job: Stored<Job>): Action {
  const { name, uid } = job.metadata;
  const labels = {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
  return {
    do: 'create',
    kind: 'pods',
    object: podFromTemplate(job.spec?.template ?? {}, job, 'jobs', labels),
    announce: event(job, 'Normal', 'SuccessfulCreate', 'Created pod'),
  };
}

function remove(object: Stored<Pod>): Action {
  return { do: 'delete', kind: 'pods', object };
}

function statusOf(
  job: Stored<Job>,
  active: readonly Stored<Pod>[],
  succeeded: number,
  failed: number,
  ending: Ending | undefined,
  now: number,
): JobStatus {
  const { active: _before, ...held } = job.status ?? {};
  const running = ending === undefined ? active : [];
  return {
    ...held,
    startTime: held.startTime ?? timestamp(now),
    ready: running.filter(isReady).length,
    terminating: 0,
    ...(running.length === 0 ? {} : { active: running.length }),
    ...(succeeded === 0 ? {} : { succeeded }),
    ...(failed === 0 ? {} : { failed }),
    ...(ending === undefined ? {} : { conditions: [conditionOf(ending, now)] }),
    ...(ending?.type === 'Complete' ? { completionTime: timestamp(now) } : {}),
  };
}

function conditionOf(ending: Ending, now: number): JobCondition {
  return { ...ending, status: 'True', lastProbeTime: timestamp(now), lastTransitionTime: timestamp(now) };
}

function isOver(job: Job): boolean {
  return (job.status?.conditions ?? []).some(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
}

function over(job: Stored<Job>, { type, reason, message }: Ending): EventAction {
  return type === 'Complete'
    ? event(job, 'Normal', 'Completed', 'Job completed')
    : event(job, 'Warning', reason, message);
}

function event(about: Stored<Job>, type: 'Normal' | 'Warning', reason: string, message: string): EventAction {
  return { do: 'event', kind: 'jobs', about, type, reason, message, component: COMPONENT };
}
