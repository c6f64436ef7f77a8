import { isTerminating, keyOf, type KubeObject, type Stored } from './objects.ts';

/** What controllers may ask of the objects of one kind that are held in memory. */
export interface ReadonlyCache<T extends KubeObject> {
  get(key: string): Stored<T> | undefined;
  byUid(uid: string): Stored<T> | undefined;
  values(): Iterable<Stored<T>>;
  inNamespace(namespace: string): readonly Stored<T>[];
  /** Objects that have an owner reference to `uid`. */
  ownedBy(uid: string): readonly Stored<T>[];
  readonly size: number;
}

/**
 * Objects of one kind, indexed by key, uid, namespace and owner. Fed by a watch *and* by the results of our own writes, so that a
 * controller that runs again at once sees what it just did: an older version never replaces a newer one, and what is
 * known to be deleted never comes back under the same uid.
 */
export class ObjectCache<T extends KubeObject> implements ReadonlyCache<T> {
  readonly #byKey = new Map<string, Stored<T>>();
  readonly #byUid = new Map<string, Stored<T>>();
  readonly #byNamespace = new Map<string, Map<string, Stored<T>>>();
  readonly #byOwner = new Map<string, Map<string, Stored<T>>>();
  readonly #gone = new Set<string>();

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): Stored<T> | undefined {
    return this.#byKey.get(key);
  }

  byUid(uid: string): Stored<T> | undefined {
    return this.#byUid.get(uid);
  }

  values(): Iterable<Stored<T>> {
    return this.#byKey.values();
  }

  inNamespace(namespace: string): readonly Stored<T>[] {
    return [...(this.#byNamespace.get(namespace)?.values() ?? [])];
  }

  ownedBy(uid: string): readonly Stored<T>[] {
    return [...(this.#byOwner.get(uid)?.values() ?? [])];
  }

  /** Takes in a version of an object. Returns the version it replaced, or `'stale'` when it is not news. */
  apply(object: Stored<T>): Stored<T> | undefined | 'stale' {
    const key = keyOf(object);
    if (this.#gone.has(object.metadata.uid)) return 'stale';
    const previous = this.#byKey.get(key);
    if (previous !== undefined) {
      const age = Number(object.metadata.resourceVersion) - Number(previous.metadata.resourceVersion);
      if (age <= 0) return 'stale';
      this.#unlink(key, previous);
    }
    this.#link(key, object);
    return previous;
  }

  /** Forgets the object with this key and uid, for good. Returns what was held, if it was that one. */
  remove(key: string, uid: string): Stored<T> | undefined {
    this.#gone.add(uid);
    if (this.#gone.size > MAX_GONE) this.#gone.delete(this.#gone.values().next().value ?? '');
    const previous = this.#byKey.get(key);
    if (previous === undefined || previous.metadata.uid !== uid) return undefined;
    this.#unlink(key, previous);
    return previous;
  }

  /** Notes that deletion of an object has begun, before the watch says so; the next version that it sends replaces this one. */
  markTerminating(key: string, uid: string, deletionTimestamp: string): void {
    const held = this.#byKey.get(key);
    if (held === undefined || held.metadata.uid !== uid || isTerminating(held)) return;
    this.#unlink(key, held);
    this.#link(key, { ...held, metadata: { ...held.metadata, deletionTimestamp } });
  }

  #link(key: string, object: Stored<T>): void {
    this.#byKey.set(key, object);
    this.#byUid.set(object.metadata.uid, object);
    put(this.#byNamespace, object.metadata.namespace ?? '', key, object);
    for (const owner of object.metadata.ownerReferences ?? []) put(this.#byOwner, owner.uid, key, object);
  }

  #unlink(key: string, object: Stored<T>): void {
    this.#byKey.delete(key);
    this.#byUid.delete(object.metadata.uid);
    drop(this.#byNamespace, object.metadata.namespace ?? '', key);
    for (const owner of object.metadata.ownerReferences ?? []) drop(this.#byOwner, owner.uid, key);
  }
}

/** How many deleted uids are remembered: far more than can be in flight between a write and its watch event. */
const MAX_GONE = 4096;

/** Objects whose deletion has not begun. */
export function alive<T extends KubeObject>(objects: Iterable<Stored<T>>): Stored<T>[] {
  return [...objects].filter((object) => !isTerminating(object));
}

function put<V>(index: Map<string, Map<string, V>>, name: string, key: string, value: V): void {
  let bucket = index.get(name);
  if (bucket === undefined) index.set(name, (bucket = new Map()));
  bucket.set(key, value);
}

function drop<V>(index: Map<string, Map<string, V>>, name: string, key: string): void {
  const bucket = index.get(name);
  if (bucket === undefined) return;
  bucket.delete(key);
  if (bucket.size === 0) index.delete(name);
}
