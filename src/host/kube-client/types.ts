/** Names one REST resource of the Kubernetes API. `group` is '' for the core group. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** What every stored object carries; the fields that this project reads. */
export interface ObjectMeta {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
  readonly generateName?: string;
}

/** A dependent's link to the object that owns it. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/**
 * The least that an object must look like to be sent or received. The interfaces of `kubernetes-types` fit it as they
 * are, so `client.get<Pod>(PODS, …)` needs no cast.
 */
export interface KubeObject {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly metadata?: object | undefined;
}

/** One page of a collection. `metadata.continue` is present when there is more. */
export interface List<T> {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly T[];
}

/** Narrows a list or a watch. Selectors are in the API's text form (`app=web,tier!=db`). */
export interface Selection {
  /** Only this namespace; absent: all of them. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** What is listed: all that the selection takes, a page at a time or as of a version. */
export interface ListOptions extends Selection {
  /** Page size; {@link KubeClient.list} returns one page, `listAll` every one. */
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly signal?: AbortSignal;
}

/** What is watched, and from when on. */
export interface WatchOptions extends Selection {
  /** Events after this version. A version that the server has forgotten gives error `gone`. */
  readonly resourceVersion: string;
  /** Whether the server may send BOOKMARK events; default true. */
  readonly bookmarks?: boolean;
  /** The server ends the stream after about this long; the iteration then ends without an error. */
  readonly timeoutSeconds?: number;
}

/** One change. A BOOKMARK carries nothing but `metadata.resourceVersion`. */
export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

/** Which object: `namespace` is required exactly for namespaced resources. */
export interface ObjectName {
  readonly name: string;
  readonly namespace?: string;
}

/** RFC 6902, RFC 7386, the API's strategic merge, and server-side apply. */
export type PatchKind = 'json' | 'merge' | 'strategic' | 'apply';

/** Of every write. With `dryRun` everything is checked and nothing is kept. */
export interface WriteOptions {
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly signal?: AbortSignal;
}

/** Of a patch besides. */
export interface PatchOptions extends WriteOptions {
  /** `apply` only: take fields from other managers. */
  readonly force?: boolean;
  /** `status`, `scale`, `binding`, …; absent: the object itself. */
  readonly subresource?: string;
}

/** Of a deletion; without `preconditions` whatever bears the name goes. */
export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly signal?: AbortSignal;
}

/**
 * The Kubernetes API as this project uses it. Every failure is a SluiceError with a {@link KubeErrorCode}; see
 * `errors.ts` for predicates. Two implementations pass one contract suite: HTTP (`http-client.ts`) and, in process,
 * the embedded API server's adapter.
 */
export interface KubeClient {
  /** One page. The order of items is by namespace and name. */
  list<T extends KubeObject>(resource: Resource, options?: ListOptions): Promise<List<T>>;
  get<T extends KubeObject>(resource: Resource, name: ObjectName, options?: { signal?: AbortSignal }): Promise<T>;
  /** Stores a new object and returns it as stored; `generateName` is honoured. */
  create<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions): Promise<T>;
  /** POSTs to a subresource (`binding`, `eviction`, `token`) and returns the answer. */
  createSubresource<T extends KubeObject>(
    resource: Resource,
    name: ObjectName,
    subresource: string,
    body: KubeObject,
    options?: WriteOptions,
  ): Promise<T>;
  /** Replaces; error `conflict` when `metadata.resourceVersion` is set and no longer current. */
  update<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions): Promise<T>;
  updateStatus<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(
    resource: Resource,
    name: ObjectName,
    kind: PatchKind,
    body: unknown,
    options?: PatchOptions,
  ): Promise<T>;
  delete(resource: Resource, name: ObjectName, options?: DeleteOptions): Promise<void>;
  /**
   * Changes after `options.resourceVersion`, until the server ends the stream (the iteration ends), `signal` aborts (it
   * ends too) or something breaks (it throws: `gone` means list again).
   */
  watch<T extends KubeObject>(
    resource: Resource,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>>;
}
