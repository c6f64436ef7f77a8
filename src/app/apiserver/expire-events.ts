import { bucketOf, remove, type ApiContext } from '../../core/objectstore/index.ts';

/** How long an Event is kept after it was last seen, as kube-apiserver's `--event-ttl`. */
const EVENT_LIFETIME = 3600 * 1000;
const SWEEP_INTERVAL = 60_000;

/** Removes old Events every minute; returns the way to stop that. */
export function expireEvents(context: ApiContext, nowMs: () => number): () => void {
  const timer = setInterval(() => sweep(context, nowMs()), SWEEP_INTERVAL);
  timer.unref();
  return () => clearInterval(timer);
}

function sweep(context: ApiContext, now: number): void {
  const definition = context.registry.find('', 'v1', 'events')!;
  for (const { object, namespace, name } of context.store.list(bucketOf(definition))) {
    const { lastTimestamp, eventTime } = object as { lastTimestamp?: string; eventTime?: string };
    const seen = Date.parse(lastTimestamp ?? eventTime ?? object.metadata.creationTimestamp ?? '');
    if (now - seen > EVENT_LIFETIME) remove(context, { definition, namespace, name }, {});
  }
}
