import { messageOf } from '../../../base/errors.ts';
import type { Logger } from '../../../base/log.ts';
import { isConflict, isNotFound } from '../../../host/kube-client/errors.ts';
import { listAll } from '../../../host/kube-client/list-all.ts';
import { NAMESPACES } from '../../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject, ObjectMeta, Resource } from '../../../host/kube-client/types.ts';
import { isTerminating, splitKey, keyOf } from './objects.ts';
import type { LiveView } from './view.ts';
import { WorkQueue, type RoundResult } from './work-queue.ts';

/** What the emptying of namespaces uses. */
export interface NamespaceDeletionDependencies {
  readonly client: KubeClient;
  readonly view: LiveView;
  readonly resources: () => readonly Resource[];
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Pods end in their own time and announce it; anything else that lingers is looked for again after this long. */
const LOOK_AGAIN_MS = 500;

/** Deletes everything in a namespace that is being deleted, and lets the namespace go when nothing is left. */
export function startNamespaceDeletion(dependencies: NamespaceDeletionDependencies): { readonly done: Promise<void> } {
  const { view, signal } = dependencies;
  const log = dependencies.log.with({ controller: 'namespace' });
  const queue = new WorkQueue(
    { concurrency: 4, backoffMs: 20 },
    (name) => empty(name, dependencies),
    (name, error, retryInMs) =>
      log.warn('cannot empty a namespace, trying again', { namespace: name, error: messageOf(error), retryInMs }),
    signal,
  );
  view.subscribe((kind, object, _previous, gone) => {
    if (kind === 'namespaces' && isTerminating(object)) queue.add(keyOf(object));
    const { namespace } = splitKey(keyOf(object));
    const home = view.caches.namespaces.get(namespace);
    if (kind === 'pods' && gone && home !== undefined && isTerminating(home)) queue.add(namespace);
  });
  for (const namespace of view.caches.namespaces.values()) if (isTerminating(namespace)) queue.add(keyOf(namespace));
  const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  return { done: ended.then(() => queue.idle()) };
}

async function empty(name: string, dependencies: NamespaceDeletionDependencies): Promise<RoundResult> {
  const { client, view, resources } = dependencies;
  const namespace = view.caches.namespaces.get(name);
  if (namespace === undefined || !isTerminating(namespace)) return {};
  const counts = await Promise.all(
    resources()
      .filter(({ namespaced }) => namespaced)
      .map((resource) => clear(resource, name, client)),
  );
  if (counts.some((count) => count > 0)) return { againInMs: LOOK_AGAIN_MS };
  try {
    await client.patch(NAMESPACES, { name }, 'merge', { spec: { finalizers: [] } }, { subresource: 'finalize' });
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
  return {};
}

/** Asks for the deletion of every object of a resource and returns how many remain afterwards. */
async function clear(resource: Resource, namespace: string, client: KubeClient): Promise<number> {
  const present = await names(resource, namespace, client);
  for (const { name, deleting } of present) {
    if (deleting) continue;
    try {
      await client.delete(resource, { name, namespace }, { propagationPolicy: 'Background' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  return present.length === 0 ? 0 : (await names(resource, namespace, client)).length;
}

async function names(
  resource: Resource,
  namespace: string,
  client: KubeClient,
): Promise<readonly { readonly name: string; readonly deleting: boolean }[]> {
  const { items } = await listAll<KubeObject, { name: string; deleting: boolean }>(
    client,
    resource,
    { namespace },
    ({ metadata }) => {
      const { name = '', deletionTimestamp } = metadata as ObjectMeta;
      return { name, deleting: deletionTimestamp !== undefined };
    },
  );
  return items;
}
