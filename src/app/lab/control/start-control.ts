import { randomBytes } from 'node:crypto';
import type { Logger } from '../../../base/log.ts';
import type { KubeClient, Resource } from '../../../host/kube-client/types.ts';
import { controllers } from './controllers.ts';
import { startController } from './run-controller.ts';
import { startView } from './view.ts';

/** What the controllers of one cluster are told. */
export interface ControlOptions {
  /** PEM of the API server's certificate authority, published as `kube-root-ca.crt` in every namespace. */
  readonly rootCa: string;
  /** A node whose lease was not renewed for this long is not ready; 8 unless given. */
  readonly nodeGraceSeconds?: number;
  /** Pods that tolerate a dead node without saying for how long stay this long; 5 unless given. */
  readonly evictAfterSeconds?: number;
}

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
  const running = controllers(options, dependencies).map((controller) => startController(controller, context));
  return { done: Promise.all([view.done, ...running.map((each) => each.done)]).then(() => undefined) };
}
