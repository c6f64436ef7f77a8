import { isCompacted } from '../etcd/errors.ts';
import { pause } from '../kube-client/pause.ts';
import type { LeaseEntry, LeaseStore } from './lease-store.ts';

/** Every lease that etcd tells of, by key. An entry is the same object while it was not written. */
export interface KnownLeases {
  readonly entries: ReadonlyMap<string, LeaseEntry>;
  /** Everything up to and with this revision of etcd is in it. */
  readonly revision: number;
}

/** Told of all leases, and of failures that are recovered from. */
export interface LeaseListener {
  /** At the start, and whenever anything may have changed. */
  readonly onLeases: (known: KnownLeases) => void;
  readonly onError: (error: unknown) => void;
}

/** Between attempts while etcd does not answer, milliseconds. */
const RETRY = 500;

/**
 * Tells of all leases until `signal` aborts. Whatever ends the watch, a lost connection, a restart of etcd or a compaction,
 * they are read anew; until etcd answers, what it told last stays.
 */
export async function followLeases(store: LeaseStore, listener: LeaseListener, signal: AbortSignal): Promise<void> {
  let entries = new Map<string, LeaseEntry>();
  while (!signal.aborted) {
    try {
      const list = await store.list(signal);
      entries = new Map(list.entries.map((entry) => [entry.key, same(entries.get(entry.key), entry)]));
      listener.onLeases({ entries, revision: list.revision });
      for await (const { revision, changes } of store.watch(list.revision, signal)) {
        for (const [key, entry] of changes)
          if (entry === undefined) entries.delete(key);
          else entries.set(key, same(entries.get(key), entry));
        listener.onLeases({ entries, revision });
      }
    } catch (error) {
      if (signal.aborted) return;
      listener.onError(error);
      // Then etcd is well.
      if (!isCompacted(error)) await pause(RETRY, signal);
    }
  }
}

function same(before: LeaseEntry | undefined, now: LeaseEntry): LeaseEntry {
  return before?.revision === now.revision ? before : now;
}
