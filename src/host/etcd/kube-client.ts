import type { StoredObject } from '../../core/datastore/index.ts';
import { jsonPatch } from '../../core/objectstore/patch/json-patch.ts';
import { mergePatch } from '../../core/objectstore/patch/merge-patch.ts';
import { KubeError, isGone } from '../kube-client/errors.ts';
import { CALICO_GROUP, CLUSTER_INFORMATIONS, apiVersionOf } from '../kube-client/resources.ts';
import type {
  DeleteOptions,
  KubeClient,
  KubeObject,
  List,
  ListOptions,
  ObjectName,
  PatchKind,
  PatchOptions,
  Resource,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '../kube-client/types.ts';
import { EtcdCollection } from './collection.ts';
import { asKubeError } from './kube-errors.ts';
import { selectionTest } from './selection.ts';
import type { Etcd, WatchEvent as EtcdEvent } from './types.ts';
import { WriteGuard } from './write-guard.ts';

/** What the client is made of. */
export interface EtcdKubeClientDependencies {
  readonly etcd: Etcd;
  /** Has everything that is not Calico's; absent where nothing else is asked for. */
  readonly kubernetes?: KubeClient;
  /** Refuse writes (`datastore-locked`) while the datastore is locked; all but those who migrate it want that. */
  readonly heedsLock: boolean;
  /** Told of values that cannot be read, and when etcd has compacted what a watch was still to read. */
  readonly report: (message: string) => void;
}

/**
 * A `KubeClient` whose objects of Calico's kinds lie in etcd, in Calico's own keys and form; all others are Kubernetes'.
 * Everything above reads and writes either datastore by it and does not know which. Calico's kinds are in one group, the
 * one of its definitions: the other, which is the same again, counts as not being there.
 */
export function etcdKubeClient(dependencies: EtcdKubeClientDependencies): KubeClient {
  return new EtcdKubeClient(dependencies);
}

class EtcdKubeClient implements KubeClient {
  readonly #etcd: Etcd;
  readonly #others: KubeClient | undefined;
  readonly #report: (message: string) => void;
  readonly #guard: WriteGuard | undefined;

  constructor({ etcd, kubernetes, heedsLock, report }: EtcdKubeClientDependencies) {
    this.#guard = heedsLock ? new WriteGuard(etcd) : undefined;
    this.#etcd = etcd;
    this.#others = kubernetes;
    this.#report = report;
  }

  get #kubernetes(): KubeClient {
    if (this.#others === undefined) throw new KubeError('not-found', "etcd has Calico's kinds alone");
    return this.#others;
  }

  list<T extends KubeObject>(resource: Resource, options: ListOptions = {}): Promise<List<T>> {
    if (!inEtcd(resource)) return this.#kubernetes.list(resource, options);
    return this.#in(resource, (collection) => collection.list(options)) as unknown as Promise<List<T>>;
  }

  get<T extends KubeObject>(resource: Resource, name: ObjectName, options: { signal?: AbortSignal } = {}): Promise<T> {
    if (!inEtcd(resource)) return this.#kubernetes.get(resource, name, options);
    return this.#in(resource, (collection) => collection.get(name, options)) as Promise<unknown> as Promise<T>;
  }

  create<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    if (!inEtcd(resource)) return this.#kubernetes.create(resource, object, options);
    return this.#in(resource, (collection) =>
      collection.create(stored(object), options),
    ) as Promise<unknown> as Promise<T>;
  }

  createSubresource<T extends KubeObject>(
    resource: Resource,
    name: ObjectName,
    subresource: string,
    body: KubeObject,
    options: WriteOptions = {},
  ): Promise<T> {
    if (!inEtcd(resource)) return this.#kubernetes.createSubresource(resource, name, subresource, body, options);
    return Promise.reject(new KubeError('not-found', `${resource.plural} in etcd have no ${subresource}`));
  }

  update<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    if (!inEtcd(resource)) return this.#kubernetes.update(resource, object, options);
    return this.#in(resource, (collection) =>
      collection.update(stored(object), options),
    ) as Promise<unknown> as Promise<T>;
  }

  updateStatus<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    if (!inEtcd(resource)) return this.#kubernetes.updateStatus(resource, object, options);
    const { metadata, ['status']: status } = stored(object);
    return this.#in(resource, (collection) =>
      collection.change(metadata, (current) => ({ ...current, status }), options),
    ) as Promise<unknown> as Promise<T>;
  }

  patch<T extends KubeObject>(
    resource: Resource,
    name: ObjectName,
    kind: PatchKind,
    body: unknown,
    options: PatchOptions = {},
  ): Promise<T> {
    if (!inEtcd(resource)) return this.#kubernetes.patch(resource, name, kind, body, options);
    const apply = kind === 'json' ? jsonPatch : mergePatch;
    const make = (current: StoredObject): StoredObject => {
      const patched = apply(current as never, body as never) as unknown as StoredObject;
      return options.subresource === 'status' ? { ...current, status: patched['status'] } : patched;
    };
    return this.#in(resource, (collection) => collection.change(name, make, options)) as Promise<unknown> as Promise<T>;
  }

  delete(resource: Resource, name: ObjectName, options: DeleteOptions = {}): Promise<void> {
    if (!inEtcd(resource)) return this.#kubernetes.delete(resource, name, options);
    return this.#in(resource, (collection) => collection.delete(name, options));
  }

  watch<T extends KubeObject>(
    resource: Resource,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>> {
    if (!inEtcd(resource)) return this.#kubernetes.watch(resource, options, signal);
    return this.#watch(resource, options, signal) as AsyncIterable<unknown> as AsyncIterable<WatchEvent<T>>;
  }

  async *#watch(
    resource: Resource,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<StoredObject>> {
    const position = Number(options.resourceVersion);
    if (!Number.isSafeInteger(position) || position < 0)
      throw new KubeError('bad-request', `'${options.resourceVersion}' is not a revision of etcd`);
    const test = selectionTest(resource, options);
    const collection = this.#collection(resource);
    try {
      const range = { prefix: collection.layout.prefix(options.namespace) };
      for await (const { revision, events } of this.#etcd.watch(range, position + 1, signal)) {
        for (const event of events) {
          const told = tell(event, collection, test);
          if (told !== undefined) yield told;
          if (signal.aborted) return;
        }
        if (events.length === 0) yield bookmark(resource, revision);
      }
    } catch (error) {
      const told = asKubeError(error);
      if (isGone(told))
        this.#report(`etcd has compacted revision ${position + 1}: all ${resource.plural} are read anew`);
      throw told;
    }
  }

  async #in<R>(resource: Resource, work: (collection: EtcdCollection) => Promise<R>): Promise<R> {
    try {
      return await work(this.#collection(resource));
    } catch (error) {
      throw asKubeError(error);
    }
  }

  #collection(resource: Resource): EtcdCollection {
    if (resource.group !== CALICO_GROUP)
      throw new KubeError('not-found', `etcd has ${resource.plural} in group ${CALICO_GROUP} only`);
    // Whoever may write the lock may write it while it is set.
    const writer = (resource.plural === CLUSTER_INFORMATIONS.plural ? undefined : this.#guard) ?? this.#etcd;
    return new EtcdCollection(this.#etcd, writer, resource, this.#report);
  }
}

/** Group of Calico's kinds where a cluster's API serves them by Calico's own server. */
const SERVED_GROUP = 'projectcalico.org';

function inEtcd({ group }: Resource): boolean {
  return group === CALICO_GROUP || group === SERVED_GROUP;
}

function stored(object: KubeObject): StoredObject {
  return object as unknown as StoredObject;
}

function bookmark(resource: Resource, revision: number): WatchEvent<StoredObject> {
  const metadata = { name: '', resourceVersion: String(revision) };
  return { type: 'BOOKMARK', object: { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata } };
}

/** A change as a watcher of a selection sees it: what leaves the selection is deleted from it. */
function tell(
  { kind, item, previous }: EtcdEvent,
  collection: EtcdCollection,
  test: (object: StoredObject) => boolean,
): WatchEvent<StoredObject> | undefined {
  const before =
    previous === undefined ? undefined : collection.objectOf({ ...previous, modRevision: item.modRevision });
  if (kind === 'delete') {
    // A compaction may have taken what there was; the key still says who it was.
    const gone = before ?? collection.objectOf({ ...item, value: '{}' });
    return gone === undefined || (before !== undefined && !test(before))
      ? undefined
      : { type: 'DELETED', object: gone };
  }
  const now = collection.objectOf(item);
  const wasIn = before === undefined ? item.version > 1 : test(before);
  if (now !== undefined && test(now)) return { type: wasIn ? 'MODIFIED' : 'ADDED', object: now };
  const left = now ?? before;
  return wasIn && left !== undefined ? { type: 'DELETED', object: left } : undefined;
}
