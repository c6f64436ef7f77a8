import type { Logger } from '../../../base/log.ts';
import { messageOf } from '../../../base/errors.ts';
import { informer } from '../../../host/kube-client/informer.ts';
import type { KubeClient } from '../../../host/kube-client/types.ts';
import { ObjectCache } from './cache.ts';
import type { ClusterView } from './controller.ts';
import { KINDS, keyOf, type KindName, type KubeObject, type Stored } from './objects.ts';

/** Told of every version of an object once. `object` is the last one known when `gone`. */
export type ViewListener = (
  kind: KindName,
  object: Stored<KubeObject>,
  previous: Stored<KubeObject> | undefined,
  gone: boolean,
) => void;

/** The caches of a cluster, fed by watches and by what this process itself wrote. */
export interface LiveView {
  readonly caches: ClusterView;
  readonly synced: Promise<void>;
  readonly done: Promise<void>;
  subscribe(listener: ViewListener): void;
  /** Takes in the answer to a write, ahead of the watch. */
  learn(kind: KindName, object: Stored<KubeObject>): void;
  /** Takes in that the deletion of an object was accepted. */
  learnDeletion(kind: KindName, object: Stored<KubeObject>, at: string): void;
  /** Takes in that an object does not exist. */
  forget(kind: KindName, object: Stored<KubeObject>): void;
}

/** Lists and watches every kind in {@link KINDS} until the signal aborts. */
export function startView(dependencies: {
  readonly client: KubeClient;
  readonly log: Logger;
  readonly signal: AbortSignal;
}): LiveView {
  const { client, log, signal } = dependencies;
  const names = Object.keys(KINDS) as KindName[];
  const caches = new Map(names.map((kind) => [kind, new ObjectCache<KubeObject>()]));
  const listeners: ViewListener[] = [];
  const cacheOf = (kind: KindName): ObjectCache<KubeObject> => caches.get(kind)!;

  const learn = (kind: KindName, object: Stored<KubeObject>): void => {
    const previous = cacheOf(kind).apply(object);
    if (previous === 'stale') return;
    for (const listener of listeners) listener(kind, object, previous, false);
  };
  const forget = (kind: KindName, object: Stored<KubeObject>): void => {
    const previous = cacheOf(kind).remove(keyOf(object), object.metadata.uid);
    if (previous === undefined) return;
    for (const listener of listeners) listener(kind, previous, previous, true);
  };
  const informers = names.map((kind) =>
    informer<Stored<KubeObject>, Stored<KubeObject>>(
      client,
      KINDS[kind],
      {
        project: (object) => object,
        onDelta: (delta) => {
          if (delta.kind === 'delete') return forget(kind, delta.previous);
          const { previous, object } = delta;
          if (previous !== undefined && previous.metadata.uid !== object.metadata.uid) forget(kind, previous);
          learn(kind, object);
        },
        onError: (error) => log.warn('cannot watch, trying again', { resource: kind, error: messageOf(error) }),
      },
      signal,
    ),
  );
  return {
    caches: Object.fromEntries(caches) as unknown as ClusterView,
    synced: Promise.all(informers.map((each) => each.synced)).then(() => undefined),
    done: Promise.all(informers.map((each) => each.done)).then(() => undefined),
    subscribe: (listener) => void listeners.push(listener),
    learn,
    learnDeletion: (kind, object, at) => cacheOf(kind).markTerminating(keyOf(object), object.metadata.uid, at),
    forget,
  };
}
