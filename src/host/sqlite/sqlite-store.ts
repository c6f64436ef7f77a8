import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SluiceError } from '../../base/errors.ts';
import type { DurableStore, StoredRecord, StoredWrite } from '../../core/objectstore/index.ts';

/** What opening a store file can fail with. */
export type StoreErrorCode = 'store-unreadable' | 'store-busy' | 'store-too-new';

/** Bumped when the tables change. */
const SCHEMA_VERSION = 1;

const TABLES = `
  CREATE TABLE IF NOT EXISTS objects (
    resource TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (resource, namespace, name)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL);
  INSERT OR IGNORE INTO counter VALUES (1, 0);
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * Opens (or creates) the store file at `path`; one process at a time may hold it. WAL with synchronous NORMAL: a crash of
 * the process loses nothing, a crash of the machine at most the last moments, never consistency.
 */
export function sqliteStore(path: string): DurableStore {
  const database = open(path);
  const put = database.prepare(
    'INSERT OR REPLACE INTO objects (resource, namespace, name, revision, json) VALUES (?, ?, ?, ?, ?)',
  );
  const begin = database.prepare('BEGIN');
  const commit = database.prepare('COMMIT');
  const del = database.prepare('DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?');
  const count = database.prepare('UPDATE counter SET revision = max(revision, ?)');
  const apply = (write: StoredWrite): void => {
    if (write.kind === 'delete') {
      del.run(write.resource, write.namespace, write.name);
      count.run(write.revision);
      return;
    }
    const { resource, namespace, name, revision, json } = write.record;
    put.run(resource, namespace, name, revision, json);
  };
  const latest = database.prepare(
    'SELECT max((SELECT revision FROM counter), (SELECT coalesce(max(revision), 0) FROM objects)) AS revision',
  );
  return {
    load: () => {
      const { revision } = latest.get() as { revision: number };
      const rows = database.prepare('SELECT resource, namespace, name, revision, json FROM objects').all();
      return { revision, records: rows as unknown as StoredRecord[] };
    },
    write: (writes) => {
      // A single put is atomic by itself and carries its revision; everything else needs a transaction.
      const [first] = writes;
      if (writes.length === 1 && first?.kind === 'put') return apply(first);
      begin.run();
      try {
        for (const write of writes) apply(write);
        commit.run();
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      }
    },
    close: () => database.close(),
  };
}

function open(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    database = new DatabaseSync(path);
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
    if (version > SCHEMA_VERSION) {
      throw new SluiceError<StoreErrorCode>(
        'store-too-new',
        `${path} was written by a newer version (layout ${version}, this one knows ${SCHEMA_VERSION})`,
        { path, version },
      );
    }
    database.exec(TABLES);
    return database;
  } catch (error) {
    database?.close();
    throw classify(error, path);
  }
}

/** SQLite's result codes (https://www.sqlite.org/rescode.html). */
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;

function classify(error: unknown, path: string): SluiceError<StoreErrorCode> {
  if (error instanceof SluiceError) return error;
  const errcode = (error as { errcode?: number }).errcode;
  if (errcode === SQLITE_BUSY || errcode === SQLITE_LOCKED) {
    return new SluiceError('store-busy', `${path} is in use by another process`, { path }, error);
  }
  return new SluiceError('store-unreadable', `${path} cannot be opened as a store: ${String(error)}`, { path }, error);
}
