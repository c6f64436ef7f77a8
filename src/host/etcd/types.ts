/** One key as etcd has it. Keys and values are UTF-8 text here; revisions count the writes of the whole cluster. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  /** Writes of this key since its creation. */
  readonly version: number;
  /** Of the lease that it goes with, 0 when there is none; exact for those that we granted. */
  readonly lease: number;
}

/** One key, or all that begin with a prefix. */
export type KeyRange = RangeOptions &
  (
    | { readonly key: string }
    | {
        readonly prefix: string;
        /** Begins here instead of at the prefix itself. */
        readonly from?: string;
      }
  );

interface RangeOptions {
  readonly limit?: number;
  /** As it was then; absent: as it is. A revision that is no longer kept gives error `compacted`. */
  readonly revision?: number;
  readonly keysOnly?: boolean;
}

/** Keys in ascending order. */
export interface RangeResult {
  readonly items: readonly KeyValue[];
  /** The cluster's revision when it answered. */
  readonly revision: number;
  /** `limit` has left some out. */
  readonly more: boolean;
}

/** A condition on one key. A key that does not exist has 0 everywhere. */
export interface Compare {
  readonly key: string;
  readonly target: 'version' | 'create' | 'mod';
  /** Default `equal`. */
  readonly is?: 'equal' | 'greater' | 'less' | 'unequal';
  readonly value: number;
}

/** One operation of a transaction. */
export type Operation =
  | { readonly kind: 'range'; readonly range: KeyRange }
  | { readonly kind: 'put'; readonly key: string; readonly value: string; readonly lease?: number }
  | { readonly kind: 'delete'; readonly range: KeyRange };

/** All of `success` at one revision if every condition holds, else all of `failure`. */
export interface TxnRequest {
  readonly when: readonly Compare[];
  readonly success: readonly Operation[];
  readonly failure?: readonly Operation[];
}

/** What came of a transaction. */
export interface TxnResult {
  readonly succeeded: boolean;
  /** With a write in it: the revision of that write. */
  readonly revision: number;
  /** What the `range` operations that were carried out found, in order. */
  readonly ranges: readonly (readonly KeyValue[])[];
}

/** One change of a key; a deletion's item carries the key and, as `modRevision`, when. */
export interface WatchEvent {
  readonly kind: 'put' | 'delete';
  readonly item: KeyValue;
  /** The key before the change; undefined when there was none or when etcd no longer has it. */
  readonly previous: KeyValue | undefined;
}

/** What a watch tells at once: every event of one or more revisions, or nothing but how far it has come. */
export interface WatchBatch {
  /** Everything up to and with this revision has been told. */
  readonly revision: number;
  readonly events: readonly WatchEvent[];
}

/** Limits of one call. */
export interface EtcdCallOptions {
  /** Milliseconds for everything, other endpoints and retries included; default: the client's. */
  readonly timeout?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * etcd's API, version 3, as this project uses it. Failures are EtcdErrors, see `errors.ts`. Reads go on to the next
 * endpoint when one fails; a write that was sent is never sent again, so after an error its outcome is unknown.
 */
export interface Etcd {
  range(range: KeyRange, options?: EtcdCallOptions): Promise<RangeResult>;
  txn(request: TxnRequest, options?: EtcdCallOptions): Promise<TxnResult>;
  /** Resolves to the revision of the write. */
  put(key: string, value: string, lease?: number, options?: EtcdCallOptions): Promise<number>;
  /** Resolves to the revision; a range without keys is no error. */
  delete(range: KeyRange, options?: EtcdCallOptions): Promise<number>;
  /**
   * Changes from `revision` on, in order, until `signal` aborts (it ends). It throws when the connection breaks (go on
   * at the last batch's revision + 1, on whatever endpoint) and `compacted` when these revisions are no longer kept.
   */
  watch(range: KeyRange, revision: number, signal: AbortSignal): AsyncIterable<WatchBatch>;
  /** A lease of so many seconds; its keys go with it. Resolves to its number, chosen by us. */
  grantLease(seconds: number, options?: EtcdCallOptions): Promise<number>;
  /** Renews once; resolves to the seconds left, 0 when the lease is gone. */
  keepLeaseAlive(lease: number, options?: EtcdCallOptions): Promise<number>;
  revokeLease(lease: number, options?: EtcdCallOptions): Promise<void>;
  /** Forgets what keys were before `revision`. */
  compact(revision: number, options?: EtcdCallOptions): Promise<void>;
  close(): void;
}
