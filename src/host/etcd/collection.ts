import { randomUUID } from 'node:crypto';
import { layoutOf } from '../../core/datastore/index.ts';
import type { EtcdLayout, StoredObject } from '../../core/datastore/index.ts';
import { KubeError } from '../kube-client/errors.ts';
import { apiVersionOf } from '../kube-client/resources.ts';
import type { DeleteOptions, List, ListOptions, ObjectName, Resource } from '../kube-client/types.ts';
import { pageFrom, pageToken } from './page-token.ts';
import { selectionTest } from './selection.ts';
import type { Etcd, KeyValue } from './types.ts';

/** How often a change of an object is tried again after somebody else was faster. */
const MAX_TRIES = 16;

/** What every call may be given. */
export interface Cancellable {
  readonly signal?: AbortSignal | undefined;
}

/** An object and the revision of its last write. */
interface Found {
  readonly key: string;
  readonly object: StoredObject;
  readonly revision: number;
}

/**
 * One of Calico's kinds in etcd with the meaning that the Kubernetes API gives to its calls: versions, conflicts, pages
 * of one snapshot. A `resourceVersion` is etcd's revision.
 */
export class EtcdCollection {
  readonly #etcd: Etcd;
  readonly #resource: Resource;
  readonly #report: (message: string) => void;
  /** Makes the writes. */
  readonly #writer: Pick<Etcd, 'txn'>;
  readonly layout: EtcdLayout;

  constructor(etcd: Etcd, writer: Pick<Etcd, 'txn'>, resource: Resource, report: (message: string) => void) {
    this.#writer = writer;
    this.#report = report;
    this.#etcd = etcd;
    this.#resource = resource;
    this.layout = layoutOf(resource);
  }

  async list(options: ListOptions): Promise<List<StoredObject>> {
    const { namespace, limit = 0, signal } = options;
    const page = options.continue === undefined ? undefined : pageFrom(options.continue);
    const prefix = this.layout.prefix(namespace);
    const range = { prefix, limit, ...page };
    const { items, revision, more } = await this.#etcd.range(range, { signal });
    const at = page?.revision ?? revision;
    const test = selectionTest(this.#resource, options);
    const last = items.at(-1);
    return {
      metadata: {
        resourceVersion: String(at),
        ...(more && last !== undefined ? { continue: pageToken({ revision: at, from: `${last.key}\0` }) } : {}),
      },
      items: items.flatMap((item) => this.objectOf(item) ?? []).filter(test),
    };
  }

  async get(name: ObjectName, { signal }: Cancellable = {}): Promise<StoredObject> {
    return (await this.#find(name, signal)).object;
  }

  async create(object: StoredObject, { signal }: Cancellable = {}): Promise<StoredObject> {
    const { resourceVersion: _, ...metadata } = object.metadata;
    const identity = { uid: randomUUID(), creationTimestamp: `${new Date().toISOString().slice(0, 19)}Z` };
    const made = { ...object, metadata: this.layout.whole ? { ...metadata, ...identity } : metadata };
    const key = this.#keyOf(made);
    const { succeeded, revision } = await this.#writer.txn(
      {
        when: [{ key, target: 'create', value: 0 }],
        success: [{ kind: 'put', key, value: this.layout.encode(made) }],
      },
      { signal },
    );
    if (!succeeded) throw this.#failure('already-exists', made.metadata, 'already exists');
    return this.#seen(made, revision);
  }

  /** Replaces what is there; with a `resourceVersion` in the object, only that. */
  async update(object: StoredObject, options: Cancellable = {}): Promise<StoredObject> {
    const { resourceVersion } = object.metadata;
    if (!this.layout.whole && resourceVersion !== undefined) return this.#put(object, resourceVersion, options);
    return this.change(
      object.metadata,
      (current) => {
        if (resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion)
          throw this.#failure('conflict', object.metadata, 'has been modified');
        return withIdentity({ ...object, status: current['status'] }, current);
      },
      options,
    );
  }

  /** Reads, changes and writes until nobody else has written in between. */
  async change(
    name: ObjectName,
    make: (current: StoredObject) => StoredObject,
    { signal }: Cancellable = {},
  ): Promise<StoredObject> {
    for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
      const { key, object, revision } = await this.#find(name, signal);
      const next = make(object);
      const written = await this.#writer.txn(
        {
          when: [{ key, target: 'mod', value: revision }],
          success: [{ kind: 'put', key, value: this.layout.encode(next) }],
        },
        { signal },
      );
      if (written.succeeded) return this.#seen(next, written.revision);
    }
    throw this.#failure('conflict', name, `was changed by others ${MAX_TRIES} times in a row`);
  }

  async delete(name: ObjectName, { preconditions = {}, signal }: DeleteOptions = {}): Promise<void> {
    const [key, ...others] = this.#keysOf(name);
    const wanted = Number(preconditions.resourceVersion ?? Number.NaN);
    // One round trip where the key and the revision are known already.
    if (key !== undefined && others.length === 0 && preconditions.uid === undefined && !Number.isNaN(wanted)) {
      if (await this.#remove(key, wanted, signal)) return;
      await this.#find(name, signal);
      throw this.#failure('conflict', name, 'has been modified');
    }
    for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
      const found = await this.#find(name, signal);
      const { uid } = found.object.metadata;
      if ((preconditions.uid ?? uid) !== uid || (!Number.isNaN(wanted) && wanted !== found.revision))
        throw this.#failure('conflict', name, 'does not meet the preconditions of the deletion');
      if (await this.#remove(found.key, found.revision, signal)) return;
    }
    throw this.#failure('conflict', name, `was changed by others ${MAX_TRIES} times in a row`);
  }

  /** As a client sees it; undefined, which is reported, when it is not an object of this kind. */
  objectOf({ key, value, modRevision }: KeyValue): StoredObject | undefined {
    const decoded = this.layout.decode(key, value);
    if (decoded === undefined) this.#report(`etcd has something else than one of ${this.#resource.plural} at ${key}`);
    return decoded === undefined ? undefined : this.#seen(decoded, modRevision);
  }

  async #put(object: StoredObject, resourceVersion: string, { signal }: Cancellable): Promise<StoredObject> {
    const key = this.#keyOf(object);
    const { succeeded, revision, ranges } = await this.#writer.txn(
      {
        when: [{ key, target: 'mod', value: Number(resourceVersion) }],
        success: [{ kind: 'put', key, value: this.layout.encode(object) }],
        failure: [{ kind: 'range', range: { key, keysOnly: true } }],
      },
      { signal },
    );
    if (succeeded) return this.#seen(object, revision);
    if (ranges[0]?.length === 0) throw this.#failure('not-found', object.metadata, 'not found');
    throw this.#failure('conflict', object.metadata, 'has been modified');
  }

  async #remove(key: string, revision: number, signal: AbortSignal | undefined): Promise<boolean> {
    const { succeeded } = await this.#writer.txn(
      { when: [{ key, target: 'mod', value: revision }], success: [{ kind: 'delete', range: { key } }] },
      { signal },
    );
    return succeeded;
  }

  async #find(name: ObjectName, signal: AbortSignal | undefined): Promise<Found> {
    for (const key of this.#keysOf(name)) {
      const { items } = await this.#etcd.range({ key }, { signal });
      const object = items[0] === undefined ? undefined : this.objectOf(items[0]);
      if (object !== undefined) return { key, object, revision: items[0]!.modRevision };
    }
    throw this.#failure('not-found', name, 'not found');
  }

  #keyOf(object: StoredObject): string {
    const { name, namespace = '' } = object.metadata;
    if (typeof name !== 'string' || !isPathPart(name) || namespace.includes('/'))
      throw this.#failure('invalid', object.metadata, 'has a name that no key can have');
    try {
      return this.layout.keyOf(object);
    } catch (error) {
      throw new KubeError('invalid', `${this.#resource.kind} ${String(error)}`, {}, error);
    }
  }

  #keysOf({ name, namespace }: ObjectName): readonly string[] {
    return isPathPart(name) ? this.layout.keysOf(name, namespace) : [];
  }

  #seen(object: StoredObject, revision: number): StoredObject {
    return {
      ...object,
      apiVersion: apiVersionOf(this.#resource),
      kind: this.#resource.kind,
      metadata: { ...object.metadata, resourceVersion: String(revision) },
    };
  }

  #failure(
    code: 'not-found' | 'already-exists' | 'conflict' | 'invalid',
    { name, namespace }: { readonly name?: string; readonly namespace?: string },
    what: string,
  ): KubeError {
    const where = namespace === undefined ? (name ?? '') : `${namespace}/${name}`;
    return new KubeError(code, `${this.#resource.plural} '${where}' in etcd ${what}`);
  }
}

function isPathPart(name: string): boolean {
  return name !== '' && !name.includes('/');
}

/** Who an object is does not change with what is written into it. */
function withIdentity(object: StoredObject, { metadata }: StoredObject): StoredObject {
  const { uid, creationTimestamp } = metadata;
  return {
    ...object,
    metadata: {
      ...object.metadata,
      ...(uid === undefined ? {} : { uid }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
  };
}
