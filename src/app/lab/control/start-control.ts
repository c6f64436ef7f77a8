import { randomBytes } from 'node:crypto';
import type { Logger } from '../../../base/log.ts';
import type { KubeClient, Resource } from '../../../host/kube-client/types.ts';
import type { ControlOptions } from './control-options.ts';
import { controllers } from './controllers.ts';
import { startGarbageCollector } from './garbage-collector.ts';
import { startNamespaceDeletion } from './namespace-deletion.ts';
import { startController } from './run-controller.ts';
import { startView } from './view.ts';

/** What the controllers of one cluster need. */
export interface ControlDependencies {
  readonly client: KubeClient;
  /** Every resource that can be listed and deleted, custom ones too: what an emptied namespace may still hold. */
  readonly resources: () => readonly Resource[];
  readonly log: Logger;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** The scheduler and the controllers at work. */
export interface Control {
  /** Settles when all of them have ended, after the signal aborted. */
  readonly done: Promise<void>;
}

/**
 * Starts the scheduler and every controller of a lab cluster in this process, and returns as soon as they know the
 * cluster. They end with `dependencies.signal`.
 */
export async function startControl(options: ControlOptions, dependencies: ControlDependencies): Promise<Control> {
  const { client, log, now, signal } = dependencies;
  const view = startView({ client, log, signal });
  await view.synced;
  const context = { client, view, log, now, signal, eventSuffix: () => randomBytes(8).toString('hex') };
  const running = [
    ...controllers(options).map((controller) => startController(controller, context)),
    startNamespaceDeletion({ ...dependencies, view }),
    startGarbageCollector(dependencies),
  ];
  return { done: Promise.all([view.done, ...running.map((each) => each.done)]).then(() => undefined) };
}
