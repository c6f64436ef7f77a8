import type { IncomingMessage } from 'node:http';
import { Connection } from './connection.ts';
import type { ClusterConfig } from './connection.ts';
import { KubeError, kubeErrorOf } from './errors.ts';
import type { StatusBody } from './errors.ts';
import { lines } from './lines.ts';
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
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './types.ts';
import { listQuery, pathOf, queryOf } from './urls.ts';

/** Time without any byte before a plain call fails, milliseconds. */
const CALL_TIMEOUT = 30_000;
/** How long a watch stream is asked to last, seconds; client-go uses 5 to 10 minutes. */
const WATCH_SECONDS = 480;

const PATCH_TYPE: Readonly<Record<PatchKind, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** A client that holds connections: close it when done. */
export type HttpKubeClient = KubeClient & {
  close(): void;
  /** A GET outside the resource model: `/version`, `/readyz`. */
  raw(path: string, signal?: AbortSignal): Promise<string>;
};

/** The Kubernetes API over HTTP(S) with keep-alive. */
export function httpKubeClient(config: ClusterConfig): HttpKubeClient {
  return new HttpClient(new Connection(config));
}

class HttpClient implements HttpKubeClient {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  close(): void {
    this.#connection.close();
  }

  async raw(path: string, signal?: AbortSignal): Promise<string> {
    return this.#call('GET', path, signal === undefined ? {} : { signal });
  }

  list<T extends KubeObject>(resource: Resource, options: ListOptions = {}): Promise<List<T>> {
    return this.#json('GET', `${pathOf(resource, scopeOf(options.namespace))}${listQuery(options)}`, options);
  }

  get<T extends KubeObject>(resource: Resource, name: ObjectName, options: { signal?: AbortSignal } = {}): Promise<T> {
    return this.#json('GET', pathOf(resource, name), options);
  }

  create<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    const { namespace } = metadataOf(object);
    return this.#json('POST', `${pathOf(resource, scopeOf(namespace))}${writeQuery(options)}`, {
      ...options,
      body: JSON.stringify(typed(resource, object)),
    });
  }

  createSubresource<T extends KubeObject>(
    resource: Resource,
    name: ObjectName,
    subresource: string,
    body: KubeObject,
    options: WriteOptions = {},
  ): Promise<T> {
    return this.#json('POST', `${pathOf(resource, name, subresource)}${writeQuery(options)}`, {
      ...options,
      body: JSON.stringify(body),
    });
  }

  update<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    return this.#put(resource, object, undefined, options);
  }

  updateStatus<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    return this.#put(resource, object, 'status', options);
  }

  patch<T extends KubeObject>(
    resource: Resource,
    name: ObjectName,
    kind: PatchKind,
    body: unknown,
    options: PatchOptions = {},
  ): Promise<T> {
    const query = writeQuery(options, options.force);
    return this.#json('PATCH', `${pathOf(resource, name, options.subresource)}${query}`, {
      ...options,
      body: JSON.stringify(body),
      contentType: PATCH_TYPE[kind],
    });
  }

  async delete(resource: Resource, name: ObjectName, options: DeleteOptions = {}): Promise<void> {
    const { signal, ...body } = options;
    await this.#call('DELETE', pathOf(resource, name), {
      ...(signal === undefined ? {} : { signal }),
      body: JSON.stringify({ kind: 'DeleteOptions', apiVersion: 'v1', ...body }),
    });
  }

  async *watch<T extends KubeObject>(
    resource: Resource,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>> {
    const seconds = options.timeoutSeconds ?? WATCH_SECONDS;
    const path = `${pathOf(resource, scopeOf(options.namespace))}${queryOf({
      watch: true,
      resourceVersion: options.resourceVersion,
      allowWatchBookmarks: options.bookmarks ?? true,
      timeoutSeconds: seconds,
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
    })}`;
    // The server ends a stream in time by itself; one that outlives that is a dead connection.
    const idleTimeout = (seconds + 30) * 1000;
    try {
      const response = await this.#connection.send({ method: 'GET', path, signal, idleTimeout });
      await rejectFailure(response, `watch ${path}`);
      response.setEncoding('utf8');
      for await (const line of lines(response)) {
        if (line !== '') yield eventOf<T>(line, `watch ${path}`);
      }
    } catch (error) {
      if (signal.aborted) return;
      throw error instanceof KubeError
        ? error
        : new KubeError('unavailable', `watch ${path}: the stream broke: ${String(error)}`, {}, error);
    }
  }

  #put<T extends KubeObject>(
    resource: Resource,
    object: T,
    subresource: string | undefined,
    options: WriteOptions,
  ): Promise<T> {
    const { name, namespace, resourceVersion } = metadataOf(object);
    if (name === undefined) throw new KubeError('bad-request', `an update of ${resource.plural} needs metadata.name`);
    const path = pathOf(resource, { name, ...scopeOf(namespace) }, subresource);
    return this.#json('PUT', `${path}${writeQuery(options)}`, {
      ...options,
      body: JSON.stringify(typed(resource, object)),
      // Were the first one carried out after all, the second would be refused as a conflict.
      repeatable: resourceVersion !== undefined,
    });
  }

  async #json<R>(method: string, path: string, options: CallOptions): Promise<R> {
    return parse<R>(await this.#call(method, path, options), `${method} ${path}`);
  }

  async #call(method: string, path: string, options: CallOptions): Promise<string> {
    const { body, contentType, signal, repeatable = false } = options;
    const response = await this.#connection.send({
      method,
      path,
      idleTimeout: CALL_TIMEOUT,
      repeatable,
      ...(body === undefined ? {} : { body }),
      ...(contentType === undefined ? {} : { contentType }),
      ...(signal === undefined ? {} : { signal }),
    });
    await rejectFailure(response, `${method} ${path}`);
    return readBody(response, `${method} ${path}`);
  }
}

interface CallOptions {
  readonly body?: string;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  readonly repeatable?: boolean;
}

async function rejectFailure(response: IncomingMessage, request: string): Promise<void> {
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return;
  const text = await readBody(response, request);
  throw kubeErrorOf(status, statusBodyOf(text), request);
}

async function readBody(response: IncomingMessage, request: string): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch (error) {
    throw new KubeError('unavailable', `${request}: the answer broke off`, {}, error);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function statusBodyOf(text: string): StatusBody {
  try {
    const body = JSON.parse(text) as StatusBody;
    return typeof body === 'object' && body !== null ? body : { message: text };
  } catch {
    return text === '' ? {} : { message: text.slice(0, 500) };
  }
}

function parse<R>(text: string, request: string): R {
  try {
    return JSON.parse(text) as R;
  } catch (error) {
    throw new KubeError('bad-response', `${request}: the answer is not JSON`, { text: text.slice(0, 200) }, error);
  }
}

function eventOf<T extends KubeObject>(line: string, request: string): WatchEvent<T> {
  const event = parse<{ type: string; object: unknown }>(line, request);
  if (event.type !== 'ERROR') return event as WatchEvent<T>;
  const status = event.object as StatusBody;
  throw kubeErrorOf(status.code ?? 500, status, request);
}

function scopeOf(namespace: string | undefined): { readonly namespace?: string } {
  return namespace === undefined ? {} : { namespace };
}

function metadataOf(object: KubeObject): ObjectMeta {
  return (object.metadata ?? {}) as ObjectMeta;
}

/** The API insists on `apiVersion` and `kind` in what it is sent; callers need not repeat them. */
function typed<T extends KubeObject>(resource: Resource, object: T): T {
  return { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };
}

function writeQuery(options: WriteOptions, force?: boolean): string {
  return queryOf({
    dryRun: options.dryRun === true ? 'All' : undefined,
    fieldManager: options.fieldManager,
    force,
  });
}
