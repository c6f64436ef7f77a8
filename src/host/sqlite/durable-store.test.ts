import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasCode } from '../../base/errors.ts';
import { describeDurableStore } from './durable-store.contract.ts';
import { memoryDisk, memoryStore } from './memory-store.ts';
import { sqliteStore } from './sqlite-store.ts';

function folder(): string {
  return mkdtempSync(join(tmpdir(), 'sluice-store-'));
}

describeDurableStore('the in-memory store', () => {
  const disk = memoryDisk();
  return { open: () => memoryStore(disk), close: () => undefined };
});

describeDurableStore('the SQLite store', () => {
  const directory = folder();
  return {
    open: () => sqliteStore(join(directory, 'store.db')),
    close: () => rmSync(directory, { recursive: true }),
  };
});

describe('opening an SQLite store', () => {
  let directory: string;
  beforeEach(() => {
    directory = folder();
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const failure = (act: () => unknown): unknown => {
    try {
      act();
    } catch (error) {
      return error;
    }
    return undefined;
  };

  it('refuses a file that another server holds', () => {
    const path = join(directory, 'store.db');
    const holder = sqliteStore(path);
    holder.write([{ kind: 'delete', resource: '/pods', namespace: '', name: 'x', revision: 1 }]);
    expect(
      hasCode(
        failure(() => sqliteStore(path)),
        'store-busy',
      ),
    ).toBe(true);
    holder.close();
  });

  it('refuses a file of a newer layout instead of spoiling it', () => {
    const path = join(directory, 'store.db');
    const newer = new DatabaseSync(path);
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    expect(
      hasCode(
        failure(() => sqliteStore(path)),
        'store-too-new',
      ),
    ).toBe(true);
  });

  it('says so when the file is no database', () => {
    const path = join(directory, 'store.db');
    writeFileSync(path, 'not a database, but long enough to be taken for one'.repeat(50));
    expect(
      hasCode(
        failure(() => sqliteStore(path)),
        'store-unreadable',
      ),
    ).toBe(true);
  });
});
