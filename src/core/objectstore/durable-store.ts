/** One object at rest. `resource` is `group/plural` (`/pods` for the core group); `namespace` is '' when there is none. */
export interface StoredRecord {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  /** The object as JSON text. */
  readonly json: string;
}

/** One change at rest: a record put in place, or a key removed at a revision. */
export type StoredWrite =
  | { readonly kind: 'put'; readonly record: StoredRecord }
  | {
      readonly kind: 'delete';
      readonly resource: string;
      readonly namespace: string;
      readonly name: string;
      readonly revision: number;
    };

/**
 * Where objects survive a restart. `write` is atomic and ordered; it may return before the disk has confirmed, but what
 * is read after a crash is always a prefix of what was written. Implementations: `host/sqlite`.
 */
export interface DurableStore {
  /** All records and the greatest revision ever written (0 when new). */
  load(): { readonly revision: number; readonly records: Iterable<StoredRecord> };
  write(writes: readonly StoredWrite[]): void;
  close(): void;
}
