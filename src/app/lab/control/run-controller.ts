import { messageOf } from '../../../base/errors.ts';
import type { Logger } from '../../../base/log.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../../host/kube-client/errors.ts';
import type { KubeClient } from '../../../host/kube-client/types.ts';
import type { Controller, Trigger } from './controller.ts';
import type { KindName, KubeObject } from './objects.ts';
import { performAll } from './perform.ts';
import type { LiveView } from './view.ts';
import { WorkQueue } from './work-queue.ts';

/** What a running controller uses. */
export interface ControllerContext {
  readonly client: KubeClient;
  readonly view: LiveView;
  readonly log: Logger;
  readonly now: () => number;
  /** A fresh random name suffix for each event. */
  readonly eventSuffix: () => string;
  readonly signal: AbortSignal;
}

/** One key at a time is never contended, so this many rounds share the API without starving anybody. */
const CONCURRENCY = 16;
const BACKOFF_MS = 10;

/** Runs `controller` on every key that its triggers name, from what exists now on, until the signal aborts. */
export function startController(controller: Controller, context: ControllerContext): { readonly done: Promise<void> } {
  const { view, now, signal } = context;
  const log = context.log.with({ controller: controller.name });
  const queue = new WorkQueue(
    { concurrency: CONCURRENCY, backoffMs: BACKOFF_MS },
    async (key) => {
      const { actions, againInMs } = controller.reconcile(view.caches, key, now());
      await performAll(actions, { ...context, log });
      return againInMs === undefined ? {} : { againInMs };
    },
    (key, error, retryInMs) => {
      const level = isConflict(error) || isNotFound(error) || isAlreadyExists(error) ? 'debug' : 'warn';
      log[level]('round failed, trying again', { key, error: messageOf(error), retryInMs });
    },
    signal,
  );
  const triggerOf = (kind: KindName): Trigger<KubeObject> | undefined =>
    controller.triggers[kind] as Trigger<KubeObject> | undefined;
  view.subscribe((kind, object, previous) => {
    for (const key of triggerOf(kind)?.(object, previous, view.caches) ?? []) queue.add(key);
  });
  for (const kind of Object.keys(controller.triggers) as KindName[]) {
    for (const object of view.caches[kind].values()) {
      for (const key of triggerOf(kind)?.(object, undefined, view.caches) ?? []) queue.add(key);
    }
  }
  return { done: ended(signal).then(() => queue.idle()) };
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
