import { parse as parseYaml } from 'yaml';
import {
  ApiError,
  apply,
  apiVersionOf,
  bind,
  bucketOf,
  create,
  decodeBody,
  draftOf,
  evict,
  existing,
  finalize,
  internalWrite,
  isJsonObject,
  list,
  parseRevision,
  patch,
  remove,
  seenThrough,
  selectionTest,
  setScale,
  SUCCESS,
  update,
  type ApiObject,
  type Entry,
  type Json,
  type ResourceDefinition,
  type Target,
  type WriteRequest,
} from '../../core/objectstore/index.ts';
import { KubeError, kubeErrorOf } from '../../host/kube-client/errors.ts';
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
} from '../../host/kube-client/types.ts';
import { issueToken } from './service-account-token.ts';
import type { ServerContext } from './server-context.ts';

/** The API as a {@link KubeClient} without HTTP: same answers, same errors; everything handed out is the caller's own copy. */
export function inProcessClient(server: ServerContext): KubeClient {
  return new InProcessClient(server);
}

class InProcessClient implements KubeClient {
  readonly #server: ServerContext;

  constructor(server: ServerContext) {
    this.#server = server;
  }

  list<T extends KubeObject>(resource: Resource, options: ListOptions = {}): Promise<List<T>> {
    return this.#answer(`list ${resource.plural}`, options.signal, () => {
      const page = list(this.#server.api, this.#definition(resource), options);
      return {
        metadata: {
          resourceVersion: String(page.revision),
          ...(page.continue === undefined ? {} : { continue: page.continue }),
          ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
        },
        items: page.entries.map((entry) => copyOf<T>(entry, resource)),
      };
    });
  }

  get<T extends KubeObject>(resource: Resource, name: ObjectName, options: { signal?: AbortSignal } = {}): Promise<T> {
    return this.#answer(`get ${resource.plural} ${name.name}`, options.signal, () =>
      copyOf<T>(existing(this.#server.api, this.#target(resource, name)), resource),
    );
  }

  create<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    return this.#answer(`create ${resource.plural}`, options.signal, () => {
      const definition = this.#definition(resource);
      const request = writeRequest(options);
      const draft = this.#decode(definition, object, request);
      const namespace = definition.namespaced ? (draft.metadata.namespace ?? '') : '';
      return copyOf<T>(create(this.#server.api, definition, namespace, draft, request), resource);
    });
  }

  createSubresource<T extends KubeObject>(
    resource: Resource,
    name: ObjectName,
    subresource: string,
    body: KubeObject,
    options: WriteOptions = {},
  ): Promise<T> {
    return this.#answer(`create ${resource.plural}/${subresource} ${name.name}`, options.signal, () => {
      const target = this.#target(resource, name);
      const json = body as unknown as Json;
      switch (subresource) {
        case 'binding':
          bind(this.#server.api, target, json);
          return SUCCESS as unknown as T;
        case 'eviction':
          evict(this.#server.api, target, json);
          return SUCCESS as unknown as T;
        case 'token':
          return issueToken(this.#server, target, json) as unknown as T;
        default:
          throw new ApiError('NotFound', 'the server could not find the requested resource');
      }
    });
  }

  update<T extends KubeObject>(
    resource: Resource,
    object: T,
    options: WriteOptions & { readonly subresource?: string } = {},
  ): Promise<T> {
    return this.#update(resource, object, options.subresource ?? '', options);
  }

  updateStatus<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    return this.#update(resource, object, 'status', options);
  }

  #update<T extends KubeObject>(resource: Resource, object: T, subresource: string, options: WriteOptions): Promise<T> {
    return this.#answer(`update ${resource.plural}`, options.signal, () => {
      const { api } = this.#server;
      const definition = this.#definition(resource);
      const request = writeRequest(options);
      const given = object as unknown as ApiObject;
      const { name = '', namespace = '' } = given.metadata;
      const target = { definition, name, namespace: definition.namespaced ? namespace : '' };
      if (subresource === 'scale') {
        return setScale(api, target, 'update', given as unknown as Json, request) as unknown as T;
      }
      const draft = this.#decode(definition, object, request);
      if (subresource === 'finalize') return copyOf<T>(finalize(api, target, draft), resource);
      return copyOf<T>(update(api, target, draft, subresource === 'status' ? 'status' : 'main', request), resource);
    });
  }

  patch<T extends KubeObject>(
    resource: Resource,
    name: ObjectName,
    kind: PatchKind,
    body: unknown,
    options: PatchOptions = {},
  ): Promise<T> {
    return this.#answer(`patch ${resource.plural} ${name.name}`, options.signal, () => {
      const { api } = this.#server;
      const target = this.#target(resource, name);
      const request = writeRequest(options);
      const json = (kind === 'apply' && typeof body === 'string' ? parseYaml(body) : structuredClone(body)) as Json;
      if (options.subresource === 'scale') {
        const type = kind === 'apply' ? 'merge' : kind;
        return setScale(api, target, type, json, request) as unknown as T;
      }
      // Only `spec.finalizers` counts there, so a patch of it is as good as the whole.
      if (options.subresource === 'finalize') {
        return copyOf<T>(finalize(api, target, json as unknown as ApiObject), resource);
      }
      const part = options.subresource === 'status' ? 'status' : 'main';
      if (kind === 'apply') {
        const manager = { ...request, force: options.force === true };
        return copyOf<T>(apply(api, target, json, part, manager).entry, resource);
      }
      return copyOf<T>(patch(api, target, kind, json, part, request), resource);
    });
  }

  delete(resource: Resource, name: ObjectName, options: DeleteOptions = {}): Promise<void> {
    return this.#answer(`delete ${resource.plural} ${name.name}`, options.signal, () => {
      remove(this.#server.api, this.#target(resource, name), options);
    });
  }

  async *watch<T extends KubeObject>(
    resource: Resource,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>> {
    const { store } = this.#server.api;
    const queue = new EventQueue<WatchEvent<T>>();
    const stop = (): void => queue.end();
    let unsubscribe = (): void => undefined;
    signal.addEventListener('abort', stop, { once: true });
    const timer = options.timeoutSeconds === undefined ? undefined : setTimeout(stop, options.timeoutSeconds * 1000);
    try {
      const definition = this.#definition(resource);
      const bucket = bucketOf(definition);
      const test = selectionTest(definition, options);
      const add = (event: Parameters<typeof seenThrough>[0]): void => {
        const seen = seenThrough(event, test);
        if (seen !== undefined) queue.push({ type: seen.type, object: copyOf<T>(seen.entry, resource) });
      };
      if (options.resourceVersion === '' || options.resourceVersion === '0') {
        for (const entry of store.list(bucket, options.namespace)) {
          if (test(entry.object)) queue.push({ type: 'ADDED', object: copyOf<T>(entry, resource) });
        }
      } else store.since(bucket, parseRevision(options.resourceVersion)).forEach(add);
      unsubscribe = store.subscribe(bucket, add);
      if (signal.aborted) return;
      yield* queue.drain();
    } catch (error) {
      throw classified(error, `watch ${resource.plural}`);
    } finally {
      unsubscribe();
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  #definition(resource: Resource): ResourceDefinition {
    const found = this.#server.api.registry.find(resource.group, resource.version, resource.plural);
    if (found !== undefined) return found;
    throw new ApiError('NotFound', `the server does not have ${apiVersionOf(resource)} ${resource.plural}`);
  }

  #target(resource: Resource, { name, namespace = '' }: ObjectName): Target {
    const definition = this.#definition(resource);
    return { definition, name, namespace: definition.namespaced ? namespace : '' };
  }

  #decode(definition: ResourceDefinition, object: KubeObject, request: WriteRequest): ApiObject {
    if (!isJsonObject(object)) throw new ApiError('BadRequest', 'an object is required');
    return decodeBody(this.#server.api, definition, draftOf(object) as Json, request);
  }

  /** Answers in a later microtask, as a network would, with errors classified. */
  async #answer<R>(what: string, signal: AbortSignal | undefined, act: () => R): Promise<R> {
    await Promise.resolve();
    if (signal?.aborted === true) throw new KubeError('aborted', `${what}: aborted`);
    try {
      return act();
    } catch (error) {
      throw classified(error, what);
    }
  }
}

function classified(error: unknown, what: string): unknown {
  return error instanceof ApiError ? kubeErrorOf(error.status.code ?? 500, error.status, what) : error;
}

function writeRequest({ dryRun, fieldManager }: WriteOptions): WriteRequest {
  return internalWrite({
    ...(dryRun === undefined ? {} : { dryRun }),
    ...(fieldManager === undefined ? {} : { fieldManager }),
  });
}

function copyOf<T>(entry: Entry, resource: Resource): T {
  const object = JSON.parse(entry.json) as ApiObject;
  const apiVersion = apiVersionOf(resource);
  if (object.apiVersion !== apiVersion) object.apiVersion = apiVersion;
  return object as unknown as T;
}

/** Hands values from a callback to an async loop, in order. */
class EventQueue<E> {
  readonly #events: E[] = [];
  #ended = false;
  #wake: () => void = () => undefined;

  push(event: E): void {
    this.#events.push(event);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *drain(): AsyncGenerator<E> {
    for (;;) {
      for (const event of this.#events.splice(0)) {
        if (this.#ended) return;
        yield event;
      }
      if (this.#ended) return;
      if (this.#events.length > 0) continue;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
