import { expired } from './api-error.ts';
import type { ApiObject } from './api-object.ts';
import type { DurableStore, StoredWrite } from './durable-store.ts';

/** One object in the store. `revision` is its resourceVersion; `json` its text, made once for disk and all watchers. */
export interface Entry {
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  readonly object: ApiObject;
  readonly json: string;
}

/** One change of a bucket. `previous` is what the object was before; absent for an addition. */
export interface ChangeEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  readonly entry: Entry;
  readonly previous?: Entry;
}

/** What a watcher of a bucket gets called with, in order of revision, synchronously with the write. */
export type ChangeListener = (event: ChangeEvent) => void;

interface Bucket {
  readonly entries: Map<string, Entry>;
  sorted: Entry[] | undefined;
  readonly log: ChangeEvent[];
  /** Events up to and including this revision are forgotten. */
  compacted: number;
  readonly listeners: Set<ChangeListener>;
}

/**
 * Versioned objects in memory, in buckets (one per resource), with one revision counter over all of them, a bounded log
 * of changes per bucket and write-through to a {@link DurableStore}. Objects handed in and out are never copied: neither
 * side may change them afterwards.
 */
export class VersionedStore {
  readonly #buckets = new Map<string, Bucket>();
  readonly #durable: DurableStore;
  readonly #logSize: number;
  /** The revision at which this process took over: what happened before is in no log. */
  readonly #startRevision: number;
  #revision: number;

  /** `logSize`: events kept per bucket for watches that resume. */
  constructor(options: { readonly logSize: number }, durable: DurableStore) {
    this.#durable = durable;
    this.#logSize = options.logSize;
    const { revision, records } = durable.load();
    this.#revision = Math.max(revision, 1);
    this.#startRevision = this.#revision;
    for (const { resource, namespace, name, revision: at, json } of records) {
      const object = JSON.parse(json) as ApiObject;
      this.#bucket(resource).entries.set(keyOf(namespace, name), { namespace, name, revision: at, object, json });
    }
  }

  /** Revision of the latest write. */
  get revision(): number {
    return this.#revision;
  }

  get(bucket: string, namespace: string, name: string): Entry | undefined {
    return this.#buckets.get(bucket)?.entries.get(keyOf(namespace, name));
  }

  /** Entries by namespace and name; only of `namespace` unless it is ''. */
  list(bucket: string, namespace = ''): readonly Entry[] {
    const found = this.#buckets.get(bucket);
    if (found === undefined) return [];
    found.sorted ??= [...found.entries.values()].sort(byKey);
    return namespace === '' ? found.sorted : found.sorted.filter((entry) => entry.namespace === namespace);
  }

  count(bucket: string): number {
    return this.#buckets.get(bucket)?.entries.size ?? 0;
  }

  /** Stores `object` under its key, stamps the new resourceVersion on it and tells the listeners. */
  put(bucket: string, namespace: string, name: string, object: ApiObject): Entry {
    const revision = this.#revision + 1;
    const entry = entryOf(namespace, name, object, revision);
    const { json } = entry;
    this.#durable.write([{ kind: 'put', record: { resource: bucket, namespace, name, revision, json } }]);
    this.#revision = revision;
    const into = this.#bucket(bucket);
    const previous = into.entries.get(keyOf(namespace, name));
    into.entries.set(keyOf(namespace, name), entry);
    into.sorted = previous === undefined ? undefined : replaced(into.sorted, previous, entry);
    this.#publish(into, {
      type: previous === undefined ? 'ADDED' : 'MODIFIED',
      revision,
      entry,
      ...(previous === undefined ? {} : { previous }),
    });
    return entry;
  }

  /** Takes an object out; `last` is the form in which watchers see it go, default the stored one. */
  delete(bucket: string, namespace: string, name: string, last?: ApiObject): Entry | undefined {
    const from = this.#buckets.get(bucket);
    const previous = from?.entries.get(keyOf(namespace, name));
    if (from === undefined || previous === undefined) return undefined;
    const revision = this.#revision + 1;
    const write: StoredWrite = { kind: 'delete', resource: bucket, namespace, name, revision };
    this.#durable.write([write]);
    this.#revision = revision;
    from.entries.delete(keyOf(namespace, name));
    from.sorted = undefined;
    const object = last ?? previous.object;
    const entry = entryOf(namespace, name, { ...object, metadata: { ...object.metadata } }, revision);
    this.#publish(from, { type: 'DELETED', revision, entry, previous });
    return entry;
  }

  /** The changes of a bucket after `revision`; throws an ApiError with reason Expired when they are forgotten. */
  since(bucket: string, revision: number): readonly ChangeEvent[] {
    const { log, compacted } = this.#bucket(bucket);
    if (revision < compacted) throw expired(revision, compacted);
    let first = log.length;
    while (first > 0 && log[first - 1]!.revision > revision) first -= 1;
    return log.slice(first);
  }

  /** Calls `listener` with every change from now on; returns the way to stop it. */
  subscribe(bucket: string, listener: ChangeListener): () => void {
    const { listeners } = this.#bucket(bucket);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Forgets the change log, as a real server does every few minutes: older watches must list again. */
  compact(): void {
    for (const bucket of this.#buckets.values()) {
      bucket.log.length = 0;
      bucket.compacted = this.#revision;
    }
  }

  #publish(bucket: Bucket, event: ChangeEvent): void {
    bucket.log.push(event);
    if (bucket.log.length > 2 * this.#logSize) {
      const dropped = bucket.log.splice(0, this.#logSize);
      bucket.compacted = dropped.at(-1)!.revision;
    }
    for (const listener of bucket.listeners) listener(event);
  }

  #bucket(name: string): Bucket {
    const known = this.#buckets.get(name);
    if (known !== undefined) return known;
    // A bucket that appears later has had no change before: nothing is forgotten except across a restart.
    const fresh: Bucket = {
      entries: new Map(),
      sorted: undefined,
      log: [],
      compacted: this.#startRevision,
      listeners: new Set(),
    };
    this.#buckets.set(name, fresh);
    return fresh;
  }
}

function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

/** Stamps the version on `object` and renders it. */
export function entryOf(namespace: string, name: string, object: ApiObject, revision: number): Entry {
  (object.metadata as { resourceVersion?: string }).resourceVersion = String(revision);
  return { namespace, name, revision, object, json: JSON.stringify(object) };
}

function byKey(a: Entry, b: Entry): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** The sorted list with one entry exchanged; a copy, because earlier lists may still be read. */
function replaced(sorted: Entry[] | undefined, previous: Entry, entry: Entry): Entry[] | undefined {
  if (sorted === undefined) return undefined;
  const index = indexOf(sorted, previous);
  if (index < 0) return undefined;
  const copy = sorted.slice();
  copy[index] = entry;
  return copy;
}

function indexOf(sorted: readonly Entry[], entry: Entry): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const order = byKey(sorted[middle]!, entry);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
