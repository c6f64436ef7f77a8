import { messageOf } from '../../../base/errors.ts';
import type { Logger } from '../../../base/log.ts';
import { isConflict, isNotFound } from '../../../host/kube-client/errors.ts';
import { informer } from '../../../host/kube-client/informer.ts';
import { CUSTOM_RESOURCE_DEFINITIONS, apiVersionOf } from '../../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject, ObjectMeta, OwnerReference, Resource } from '../../../host/kube-client/types.ts';
import { OwnerGraph, nextStep, type GraphNode, type GraphStep } from './owner-graph.ts';
import { WorkQueue, type RoundResult } from './work-queue.ts';

/** What the collector uses. */
export interface CollectorDependencies {
  readonly client: KubeClient;
  readonly resources: () => readonly Resource[];
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Deletes what its owners left behind, in every resource there is, and carries out foreground and orphaning deletion. */
export function startGarbageCollector(dependencies: CollectorDependencies): { readonly done: Promise<void> } {
  const log = dependencies.log.with({ controller: 'garbage-collector' });
  const { signal } = dependencies;
  const graph = new OwnerGraph();
  const queue = new WorkQueue(
    { concurrency: 8, backoffMs: 20 },
    (uid) => collect(graph, uid, dependencies),
    (uid, error, retryInMs) => {
      const level = isConflict(error) || isNotFound(error) ? 'debug' : 'warn';
      log[level]('cannot collect, trying again', { name: graph.get(uid)?.name, error: messageOf(error), retryInMs });
    },
    signal,
  );
  const watches = watchResources({ ...dependencies, log }, graph, (uids) => uids.forEach((uid) => queue.add(uid)));
  return { done: watches.done.then(() => queue.idle()) };
}

async function collect(graph: OwnerGraph, uid: string, dependencies: CollectorDependencies): Promise<RoundResult> {
  const step = nextStep(graph, uid);
  const node = graph.get(uid);
  if (node === undefined || step.do === 'nothing') return {};
  if (step.do === 'delete') await removeOrphaned(node, step, dependencies);
  else await release(node, step, dependencies.client);
  return {};
}

async function removeOrphaned(
  node: GraphNode,
  { missing, policy }: Extract<GraphStep, { do: 'delete' }>,
  { client, resources }: CollectorDependencies,
): Promise<void> {
  // The watches of different resources are not in step, so an owner that was not heard of may merely be new.
  for (const owner of missing) if (await exists(owner, node.namespace, client, resources())) return;
  try {
    await client.delete(node.resource, nameOf(node), { preconditions: { uid: node.uid }, propagationPolicy: policy });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

async function exists(
  owner: OwnerReference,
  namespace: string | undefined,
  client: KubeClient,
  resources: readonly Resource[],
): Promise<boolean> {
  const resource = resources.find((each) => each.kind === owner.kind && apiVersionOf(each) === owner.apiVersion);
  // An owner of a kind that is not served (any more) cannot be judged.
  if (resource === undefined) return true;
  const scope = resource.namespaced && namespace !== undefined ? { namespace } : {};
  try {
    const found = await client.get<KubeObject>(resource, { name: owner.name, ...scope });
    return (found.metadata as ObjectMeta).uid === owner.uid;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** Cuts the dependents loose and then takes the finalizer off, so that the API server can let the object go. */
async function release(
  node: GraphNode,
  { dependents, finalizer }: Extract<GraphStep, { do: 'release' }>,
  client: KubeClient,
): Promise<void> {
  for (const dependent of dependents) {
    const ownerReferences = dependent.owners.filter(({ uid }) => uid !== node.uid);
    await client.patch(dependent.resource, nameOf(dependent), 'merge', {
      metadata: { uid: dependent.uid, ownerReferences },
    });
  }
  const finalizers = node.finalizers.filter((each) => each !== finalizer);
  await client.patch(node.resource, nameOf(node), 'merge', { metadata: { uid: node.uid, finalizers } });
}

/** Follows every resource; custom ones come and go with their definitions. Events own nothing and are owned by nobody. */
function watchResources(
  { client, resources, log, signal }: CollectorDependencies,
  graph: OwnerGraph,
  affected: (uids: readonly string[]) => void,
): { readonly done: Promise<void> } {
  const followed = new Map<string, { readonly stop: AbortController; readonly done: Promise<void> }>();
  const follow = (resource: Resource): void => {
    const stop = new AbortController();
    const { done } = informer<KubeObject, GraphNode>(
      client,
      resource,
      {
        project: (object) => graphNode(resource, object),
        onDelta: (delta) => {
          const gone =
            delta.kind === 'delete'
              ? delta.previous
              : delta.previous?.uid !== delta.object.uid
                ? delta.previous
                : undefined;
          const near = gone === undefined ? [] : graph.neighbours(gone.uid, gone.owners);
          if (gone !== undefined) graph.remove(gone.uid);
          if (delta.kind === 'set') graph.set(delta.object);
          affected(delta.kind === 'set' ? [...near, ...graph.neighbours(delta.object.uid)] : near);
        },
        onError: (error) =>
          log.debug('cannot watch, trying again', { resource: resource.plural, error: messageOf(error) }),
      },
      AbortSignal.any([signal, stop.signal]),
    );
    followed.set(identity(resource), { stop, done });
  };
  const refresh = (): void => {
    const wanted = new Map(
      resources()
        .filter(isCollectable)
        .map((resource) => [identity(resource), resource]),
    );
    for (const [key, { stop }] of followed) {
      if (wanted.has(key)) continue;
      stop.abort();
      followed.delete(key);
    }
    for (const [key, resource] of wanted) if (!followed.has(key)) follow(resource);
  };
  refresh();
  const definitions = informer<KubeObject, true>(
    client,
    CUSTOM_RESOURCE_DEFINITIONS,
    // Definitions are served a moment after they are stored.
    { project: () => true, onDelta: () => setImmediate(refresh) },
    signal,
  );
  const all = async (): Promise<void> => {
    await definitions.done;
    await Promise.all([...followed.values()].map(({ done }) => done));
  };
  return { done: all() };
}

function graphNode(resource: Resource, object: KubeObject): GraphNode {
  const metadata = object.metadata as ObjectMeta;
  return {
    resource,
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    owners: metadata.ownerReferences ?? [],
    finalizers: metadata.finalizers ?? [],
    deleting: metadata.deletionTimestamp !== undefined,
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
  };
}

function isCollectable({ plural }: Resource): boolean {
  return plural !== 'events';
}

/** One object may be served by several versions of a group; following one of them is enough. */
function identity({ group, plural }: Resource): string {
  return `${plural}.${group}`;
}

function nameOf({ name, namespace }: GraphNode): { name: string; namespace?: string } {
  return namespace === undefined ? { name } : { name, namespace };
}
