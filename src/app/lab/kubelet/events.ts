import { randomBytes } from 'node:crypto';
import type { Logger } from '../../../base/log.ts';
import { EVENTS } from '../../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject } from '../../../host/kube-client/types.ts';

/** What an event is about. */
export interface EventSubject {
  readonly kind: string;
  readonly apiVersion: string;
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
}

/** Records what happened to the subject; returns at once and never throws. */
export type RecordEvent = (subject: EventSubject, type: 'Normal' | 'Warning', reason: string, message: string) => void;

interface Seen {
  readonly name: string;
  count: number;
  created: Promise<unknown>;
}

/** Records Kubernetes events in the background; one that repeats is counted up. Failures go to the log only. */
export function eventRecorder(client: KubeClient, host: string, log: Logger): RecordEvent {
  const seen = new Map<string, Seen>();
  const failed = (error: unknown): void => log.debug('event not recorded', { error: String(error) });
  return (subject, type, reason, message) => {
    const namespace = subject.namespace ?? 'default';
    const key = [namespace, subject.name, subject.uid, type, reason, message].join('\n');
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    const before = seen.get(key);
    if (before !== undefined) {
      const count = ++before.count;
      before.created = before.created
        .then(() => client.patch(EVENTS, { namespace, name: before.name }, 'merge', { count, lastTimestamp: now }))
        .catch(failed);
      return;
    }
    const name = `${subject.name}.${randomBytes(8).toString('hex')}`;
    const event = {
      metadata: { name, namespace },
      involvedObject: { ...subject, namespace },
      type,
      reason,
      message,
      source: { component: 'kubelet', host },
      reportingComponent: 'kubelet',
      reportingInstance: host,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    };
    // Old keys are forgotten so that a long-lived node does not remember every pod that ever ran.
    if (seen.size > 2000) seen.delete(seen.keys().next().value ?? '');
    seen.set(key, { name, count: 1, created: client.create(EVENTS, event as KubeObject).catch(failed) });
  };
}
