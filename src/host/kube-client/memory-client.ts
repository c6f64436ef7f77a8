import { parseLabelQuery } from '../../core/kube/label-query.ts';
import { matchesLabels } from '../../core/kube/labels.ts';
import { jsonPatch } from '../../core/objectstore/patch/json-patch.ts';
import { mergePatch } from '../../core/objectstore/patch/merge-patch.ts';
import { kubeErrorOf } from './errors.ts';
import type { KubeError } from './errors.ts';
import { apiVersionOf } from './resources.ts';
import type {
  DeleteOptions,
  KubeClient,
  KubeObject,
  List,
  ListOptions,
  ObjectMeta,
  ObjectName,
  PatchKind,
  PatchOptions,
  Resource,
  Selection,
  WatchEvent,
  WatchOptions,
} from './types.ts';

interface StoredObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta & { readonly name: string; readonly resourceVersion: string };
  readonly [field: string]: unknown;
}

interface Change {
  readonly version: number;
  readonly collection: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: StoredObject;
  readonly previous: StoredObject | undefined;
}

/**
 * The fake of {@link KubeClient}: a small API server without a server, which passes the same contract suite. It knows
 * versions, watches, status subresources and bindings; it knows no schemas, and a strategic patch merges lists whole.
 */
export class MemoryKubeClient implements KubeClient {
  readonly #objects = new Map<string, StoredObject>();
  readonly #changes: Change[] = [];
  readonly #wake = new Set<() => void>();
  readonly #absent = new Set<string>();
  #version = 1;

  /** Whether there is the resource at all, as by a CustomResourceDefinition; there is unless said otherwise. */
  serve(resource: Resource, served: boolean): void {
    if (served) this.#absent.delete(collectionOf(resource));
    else this.#absent.add(collectionOf(resource));
  }

  list<T extends KubeObject>(resource: Resource, options: ListOptions = {}): Promise<List<T>> {
    if (this.#absent.has(collectionOf(resource)))
      return Promise.reject(failure(404, 'NotFound', 'the server could not find the requested resource'));
    const prefix = `${collectionOf(resource)} `;
    const test = selectionTest(resource, options);
    const all = [...this.#objects]
      .filter(([key, object]) => key.startsWith(prefix) && test(object))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object as unknown as T);
    const start = Number(options.continue ?? 0);
    const end = options.limit === undefined ? all.length : start + options.limit;
    const more = end < all.length ? { continue: String(end) } : {};
    return Promise.resolve({
      metadata: { resourceVersion: `${this.#version}`, ...more },
      items: all.slice(start, end),
    });
  }

  get<T extends KubeObject>(resource: Resource, name: ObjectName): Promise<T> {
    return answer(() => this.#find(resource, name) as unknown as T);
  }

  create<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    return answer(() => {
      const { generateName, ...metadata } = (object.metadata ?? {}) as ObjectMeta;
      const name = metadata.name ?? `${generateName ?? ''}${(this.#version + 60_466_176).toString(36).slice(-5)}`;
      if (!/^[a-z0-9]([-a-z0-9.:]*[a-z0-9])?$/.test(name)) throw failure(422, 'Invalid', `invalid name '${name}'`);
      if (this.#objects.has(keyOf(resource, { ...metadata, name })))
        throw failure(409, 'AlreadyExists', `${name} exists`);
      const uid = `00000000-0000-4000-8000-${String(this.#version).padStart(12, '0')}`;
      return this.#store(resource, { ...object, metadata: { ...metadata, name, uid } }, 'ADDED') as unknown as T;
    });
  }

  createSubresource<T extends KubeObject>(
    resource: Resource,
    name: ObjectName,
    subresource: string,
    body: KubeObject,
  ): Promise<T> {
    return answer(() => {
      if (subresource !== 'binding') throw failure(404, 'NotFound', `no subresource ${subresource}`);
      const pod = this.#find(resource, name);
      const { target } = body as { target?: { name?: string } };
      const spec = { ...(pod['spec'] as object | undefined), nodeName: target?.name };
      this.#store(resource, { ...pod, spec }, 'MODIFIED');
      return body as T;
    });
  }

  update<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    return answer(() => this.#replace(resource, object, (current) => ({ ...object, status: current['status'] })));
  }

  updateStatus<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    const { status } = object as { status?: unknown };
    return answer(() => this.#replace(resource, object, (current) => ({ ...current, status })));
  }

  patch<T extends KubeObject>(
    resource: Resource,
    name: ObjectName,
    kind: PatchKind,
    body: unknown,
    options: PatchOptions = {},
  ): Promise<T> {
    return answer(() => {
      const current = this.#find(resource, name);
      const apply = kind === 'json' ? jsonPatch : mergePatch;
      const patched = apply(current as never, body as never) as unknown as StoredObject;
      const kept = options.subresource === 'status' ? { ...current, status: patched['status'] } : patched;
      return this.#store(resource, kept, 'MODIFIED') as unknown as T;
    });
  }

  delete(resource: Resource, name: ObjectName, options: DeleteOptions = {}): Promise<void> {
    return answer(() => {
      const object = this.#find(resource, name);
      const { uid, resourceVersion } = { ...object.metadata, ...options.preconditions };
      if (uid !== object.metadata.uid || resourceVersion !== object.metadata.resourceVersion)
        throw failure(409, 'Conflict', `${name.name} does not meet the preconditions of the deletion`);
      this.#objects.delete(keyOf(resource, name));
      this.#record(resource, object, 'DELETED', object);
    });
  }

  async *watch<T extends KubeObject>(
    resource: Resource,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>> {
    let position = Number(options.resourceVersion);
    if (!Number.isInteger(position)) throw failure(400, 'BadRequest', `resourceVersion ${options.resourceVersion}`);
    const test = selectionTest(resource, options);
    while (!signal.aborted) {
      const news = this.#changes.filter(
        (change) => change.version > position && change.collection === collectionOf(resource),
      );
      for (const change of news) {
        position = change.version;
        const event = seen(change, test);
        if (event !== undefined && !signal.aborted) yield event as unknown as WatchEvent<T>;
      }
      if (news.length === 0) await this.#nextChange(signal);
    }
  }

  #nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#wake.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#wake.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  #find(resource: Resource, name: Partial<ObjectName>): StoredObject {
    const found = this.#objects.get(keyOf(resource, name));
    if (found === undefined) throw failure(404, 'NotFound', `${resource.plural} "${name.name ?? ''}" not found`);
    return found;
  }

  #replace<T extends KubeObject>(resource: Resource, object: T, make: (current: StoredObject) => object): T {
    const metadata = (object.metadata ?? {}) as ObjectMeta;
    const current = this.#find(resource, metadata);
    const { resourceVersion, uid } = current.metadata;
    if (metadata.resourceVersion !== undefined && metadata.resourceVersion !== resourceVersion)
      throw failure(409, 'Conflict', `${current.metadata.name} has been modified`);
    const next = make(current) as StoredObject;
    return this.#store(resource, { ...next, metadata: { ...next.metadata, uid } }, 'MODIFIED') as unknown as T;
  }

  #store(resource: Resource, object: object, type: Change['type']): StoredObject {
    const { metadata, ...rest } = JSON.parse(JSON.stringify(object)) as StoredObject;
    const key = keyOf(resource, metadata);
    const previous = this.#objects.get(key);
    const stored = { ...rest, apiVersion: apiVersionOf(resource), kind: resource.kind, metadata };
    this.#objects.set(key, this.#record(resource, stored, type, previous));
    return this.#objects.get(key)!;
  }

  #record(
    resource: Resource,
    object: StoredObject,
    type: Change['type'],
    previous: StoredObject | undefined,
  ): StoredObject {
    const version = ++this.#version;
    const current = { ...object, metadata: { ...object.metadata, resourceVersion: `${version}` } };
    this.#changes.push({ version, collection: collectionOf(resource), type, object: current, previous });
    for (const wake of this.#wake) wake();
    return current;
  }
}

function answer<T>(work: () => T): Promise<T> {
  return Promise.resolve().then(work);
}

function keyOf(resource: Resource, { namespace = '', name = '' }: Partial<ObjectName>): string {
  return `${collectionOf(resource)} ${namespace}/${name}`;
}

function collectionOf({ group, plural }: Resource): string {
  return `${plural}.${group}`;
}

function failure(status: number, reason: string, message: string): KubeError {
  return kubeErrorOf(status, { reason, message }, 'in memory');
}

function selectionTest(resource: Resource, { namespace, labelSelector }: Selection): (object: StoredObject) => boolean {
  const query = parseLabelQuery(labelSelector ?? '');
  if ('problem' in query) throw failure(400, 'BadRequest', `${resource.plural}: ${query.problem}`);
  return ({ metadata }) =>
    (namespace === undefined || metadata.namespace === namespace) &&
    matchesLabels(query.selector, metadata.labels ?? {});
}

/** A change as a watcher of a selection sees it: what leaves the selection is deleted from it. */
function seen(
  { type, object, previous }: Change,
  test: (object: StoredObject) => boolean,
): WatchEvent<StoredObject> | undefined {
  const before = previous !== undefined && test(previous);
  const now = type !== 'DELETED' && test(object);
  if (!before && !now) return undefined;
  return { type: before ? (now ? 'MODIFIED' : 'DELETED') : 'ADDED', object };
}
