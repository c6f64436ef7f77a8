import { isAborted, isGone, isNotFound } from './errors.ts';
import { listAll } from './list-all.ts';
import { pause } from './pause.ts';
import type { KubeClient, KubeObject, ObjectMeta, Resource, Selection, WatchEvent } from './types.ts';

/** One change of the watched collection. `key` is `namespace/name`, or `name` for cluster-scoped resources. */
export type Delta<P> =
  | { readonly kind: 'set'; readonly key: string; readonly object: P; readonly previous: P | undefined }
  | { readonly kind: 'delete'; readonly key: string; readonly previous: P };

/** What is watched, what of it is kept, and who hears of changes. */
export interface InformerOptions<T extends KubeObject, P> extends Selection {
  /** What is kept of an object; called as soon as it is parsed, the rest is garbage at once. */
  readonly project: (object: T) => P;
  /**
   * Every change, in order; a relist is reported as the difference to what was known. What it throws is reported to
   * `onError`, and after a while the change is told again, with everything that has changed since.
   */
  readonly onDelta?: (delta: Delta<P>) => void;
  /** Each time the collection is completely known: after the first list and after every relist. */
  readonly onSynced?: () => void;
  /** A failure that the informer recovers from by itself, for the log. */
  readonly onError?: (error: unknown) => void;
  readonly pageSize?: number;
  /**
   * The API may not have the collection at all (a CustomResourceDefinition that is not there): it is then empty, and
   * asked for again after this many milliseconds. Absent: that is a failure like any other.
   */
  readonly absentRetry?: number;
  /** Wait before the first retry in milliseconds; doubles up to 16 times this. Default 250. */
  readonly backoff?: number;
}

/** A local copy of one collection, kept current until the signal aborts. */
export interface Informer<P> {
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
  /** Settles when the informer has ended, after the signal aborted. */
  readonly done: Promise<void>;
  readonly items: ReadonlyMap<string, P>;
}

/** Key of an object in an informer: `namespace/name`, or `name` when it has no namespace. */
export function keyOf(object: KubeObject): string {
  const metadata = object.metadata as ObjectMeta | undefined;
  const name = metadata?.name ?? '';
  return metadata?.namespace === undefined ? name : `${metadata.namespace}/${name}`;
}

/**
 * Lists and watches `resource`, projecting each object as it is parsed. Lists again when the server has forgotten the
 * watch position, backs off while the server is away, and keeps serving the last known items meanwhile.
 */
export function informer<T extends KubeObject, P>(
  client: KubeClient,
  resource: Resource,
  options: InformerOptions<T, P>,
  signal: AbortSignal,
): Informer<P> {
  const running = new RunningInformer<T, P>(client, resource, options, signal);
  running.start();
  return running;
}

interface Kept<P> {
  readonly object: P;
  readonly resourceVersion: string;
}

class RunningInformer<T extends KubeObject, P> implements Informer<P> {
  readonly items = new Map<string, P>();
  readonly synced: Promise<void>;
  hasSynced = false;
  done: Promise<void> = Promise.resolve();
  readonly #versions = new Map<string, string>();
  readonly #client: KubeClient;
  readonly #resource: Resource;
  readonly #options: InformerOptions<T, P>;
  readonly #signal: AbortSignal;
  #resolveSynced: () => void = () => undefined;
  #failures = 0;

  constructor(client: KubeClient, resource: Resource, options: InformerOptions<T, P>, signal: AbortSignal) {
    this.#client = client;
    this.#resource = resource;
    this.#options = options;
    this.#signal = signal;
    this.synced = new Promise((resolve) => (this.#resolveSynced = resolve));
  }

  start(): void {
    this.done = this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        const position = await this.#relist();
        await this.#follow(position);
      } catch (error) {
        if (this.#signal.aborted || isAborted(error)) return;
        if (isNotFound(error) && this.#options.absentRetry !== undefined) await this.#absent(this.#options.absentRetry);
        else if (!isGone(error)) await this.#backOff(error);
      }
    }
  }

  /** Replaces what is known by a fresh list and returns the position to watch from. */
  async #relist(): Promise<string> {
    const { pageSize = 500 } = this.#options;
    const { items, resourceVersion: position } = await listAll<T, readonly [string, Kept<P>]>(
      this.#client,
      this.#resource,
      { limit: pageSize, signal: this.#signal, ...selectionOf(this.#options) },
      (item) => [keyOf(item), { object: this.#options.project(item), resourceVersion: versionOf(item) }],
    );
    this.#known(new Map(items));
    return position;
  }

  #known(items: ReadonlyMap<string, Kept<P>>): void {
    this.#replace(items);
    this.#failures = 0;
    this.hasSynced = true;
    this.#resolveSynced();
    this.#options.onSynced?.();
  }

  async #absent(retry: number): Promise<void> {
    this.#known(new Map());
    await pause(retry, this.#signal);
  }

  #replace(fresh: ReadonlyMap<string, Kept<P>>): void {
    for (const key of this.items.keys()) if (!fresh.has(key)) this.#delete(key);
    for (const [key, { object, resourceVersion }] of fresh) {
      if (this.#versions.get(key) !== resourceVersion) this.#set(key, object, resourceVersion);
    }
  }

  /** Watches from `position`, again and again, until something but the server's own time limit ends it. */
  async #follow(position: string): Promise<void> {
    let resourceVersion = position;
    const selection = selectionOf(this.#options);
    while (!this.#signal.aborted) {
      try {
        const events = this.#client.watch<T>(this.#resource, { resourceVersion, ...selection }, this.#signal);
        let quiet = true;
        for await (const event of events) {
          quiet = false;
          this.#take(event);
          this.#failures = 0;
          resourceVersion = versionOf(event.object);
        }
        // A stream that ends at once and empty must not become a busy loop against the server.
        if (quiet) await pause(this.#options.backoff ?? 250, this.#signal);
      } catch (error) {
        if (this.#signal.aborted || isAborted(error) || isGone(error) || isNotFound(error)) throw error;
        if (error instanceof NotTaken) throw error;
        await this.#backOff(error);
      }
    }
  }

  #take({ type, object }: WatchEvent<T>): void {
    if (type === 'BOOKMARK') return;
    try {
      if (type === 'DELETED') this.#delete(keyOf(object));
      else this.#set(keyOf(object), this.#options.project(object), versionOf(object));
    } catch (error) {
      throw new NotTaken(keyOf(object), { cause: error });
    }
  }

  #set(key: string, object: P, resourceVersion: string): void {
    const previous = this.items.get(key);
    this.items.set(key, object);
    this.#tell({ kind: 'set', key, object, previous });
    this.#versions.set(key, resourceVersion);
  }

  #delete(key: string): void {
    const previous = this.items.get(key);
    if (previous === undefined) return;
    this.items.delete(key);
    this.#tell({ kind: 'delete', key, previous });
    this.#versions.delete(key);
  }

  /** Takes the change back if it is not heard: the next list differs from what is known then, and tells it again. */
  #tell(delta: Delta<P>): void {
    try {
      this.#options.onDelta?.(delta);
    } catch (error) {
      if (delta.previous === undefined) this.items.delete(delta.key);
      else this.items.set(delta.key, delta.previous);
      throw error;
    }
  }

  async #backOff(error: unknown): Promise<void> {
    this.#options.onError?.(error instanceof NotTaken ? error.cause : error);
    const base = this.#options.backoff ?? 250;
    await pause(base * 2 ** Math.min(this.#failures++, 4), this.#signal);
  }
}

/** A change of the object with this key was not taken: only a fresh list can make up for it. */
class NotTaken extends Error {}

function versionOf(object: KubeObject): string {
  return (object.metadata as ObjectMeta | undefined)?.resourceVersion ?? '';
}

function selectionOf({ namespace, labelSelector, fieldSelector }: Selection): Selection {
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  };
}
